/* dialoguefix.h - plays the labelled dialogues of tests/bench/dialogues through the orchestrator's own deciding, and
 * compares what came out with the labels. For the unit test and for scripts/bench dialogues. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

struct config;
struct http;
struct turn;

/* The slots that are compared, ends with NULL: "service", "urgency", "budget", "timeline", "name", "email". */
extern const char *const dialogue_slots[];

/* Plays each dialogue of a file. agent: as of the client's configuration, "scripted" or "claude"; config and http are
 * what a model needs (config must be there, http may be NULL for the scripted agent).
 *
 * For each one: {id, language, half, score, got_score, agents, slots: {NAME: {label, got, outcome}}, asked_again: [..],
 * two_questions, escalates, got_escalated, us, replies: [..]}. outcome: hit, wrong, missed, invented or none. Ends the
 * program if the file cannot be read. */
json_t *dialogues_play(const char *path, const char *agent, const struct config *config, struct http *http);

/* Called behind each decision, unless it is NULL. */
extern void (*dialogues_decided)(const struct turn *turn);
