/* media_note.h - what an agent is told of the attachments of a message. */
#pragma once

struct arena;

/* media: messages.media, [{"url", "content_type"}]; NULL: none. "[the lead sent 2 photos and a PDF]", in arena. NULL if
 * there is nothing to tell. */
const char *media_note(const char *media, struct arena *arena);
