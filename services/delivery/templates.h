/* templates.h - WhatsApp templates: fetched from Twilio and kept for 5 minutes by all workers of the process, checked
 * against the values that are to fill them, rendered. Thread-safe but for struct twilio. */
#pragma once

struct arena;
struct err;
struct twilio;
struct twilio_account;
struct twilio_template;

/* Whether the template may be sent with these values, and what the recipient will read: *ret_body in arena, "" where
 * the template has no text. variables: a JSON object, each value a text; NULL: none. -1 with *err:
 * ERR_INVALID      final, with the code that Twilio would answer: 20404 or 21655 no such template, 63028 a placeholder
 *                  without a value or a value without a placeholder, 21656 values that Twilio does not take, 63040
 *                  rejected, 63041 paused; twilio_remedy has what to look at
 * ERR_DENIED       the account is refused, as of twilio_template
 * ERR_UNAVAILABLE  Twilio could not be asked */
int template_render(struct twilio *twilio, const struct twilio_account *account, const char *content_sid,
                    const char *variables, struct arena *arena, const char **ret_body, struct err *err);

/* The same for a template that is at hand, without its approval. */
int template_fill(const struct twilio_template *template, const char *variables, struct arena *arena,
                  const char **ret_body, struct err *err);

/* Forgets all that is kept: for tests. */
void templates_forget(void);
