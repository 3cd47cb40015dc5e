/* claim_context.c - see claim_context.h. */
#include "services/orchestrator/guards/claim_context.h"

#include <string.h>

#include "libshared/arena.h"
#include "services/orchestrator/guards/claims.h"
#include "services/orchestrator/scripted/words.h"

/* Phrases are folded (words.h) and plain. */
static const char *const unsure[] = {
    "cant",     "cannot",        "dont",         "not",      "isnt",       "arent",    "never",
    "no",       "unable",        "whether",      "if it",    "if its",     "if there", "if we",
    "if the",   "if a",          "know if",      "sure if",  "say if",     "check if", "confirm if",
    "see if",   "asked about",   "asking about", "wont",     "doesnt",     "no se",    "saber si",
    "no puedo", "no podemos",    "no hay",       "no tengo", "no tenemos", "si hay",   "si es",
    "si esta",  "confirmara si", "no es",        "tampoco",  "لا",         "لم",       "لن",
    "ليس",      "ليست",          "ان كان",       "اذا كان",  "ان كانت",    "اذا كانت", NULL};
static const char *const leads[] = {"your budget",
                                    "your limit",
                                    "your wish",
                                    "you mentioned",
                                    "you said",
                                    "you asked",
                                    "youd like",
                                    "you would like",
                                    "noted",
                                    "you want",
                                    "you wanted",
                                    "your number",
                                    "your address",
                                    "you wrote",
                                    "you can spend",
                                    "youre looking",
                                    "you gave",
                                    "your email",
                                    "su presupuesto",
                                    "menciono",
                                    "anotado",
                                    "ha dicho",
                                    "comenta",
                                    "dijo",
                                    "usted quiere",
                                    "su numero",
                                    "ميزانيتك",
                                    "ميزانيتكِ",
                                    "ذكرت",
                                    "سجلت",
                                    "قلت",
                                    "رقمك",
                                    NULL};
static const char *const opening[] = {"open",      "opens",      "close",      "closes",    "hours",   "we work",
                                      "available", "here",       "we do",      "atendemos", "abrimos", "cerramos",
                                      "abierto",   "horario",    "trabajamos", "estamos",   "abre",    "cierra",
                                      "نعمل",      "نفتح",       "نغلق",       "مفتوح",     "مفتوحه",  "مفتوحون",
                                      "الدوام",    "نحن متاحون", "العياده",    NULL};
static const char *const committing[] = {"will be",    "well be",       "be there",    "can come",     "could come",
                                         "will come",  "coming",        "can see you", "see you",      "can do it",
                                         "arrive",     "arrives",       "ready",       "will call",    "have it",
                                         "fit you in", "have a slot",   "we can",      "we could",     "finished",
                                         "is done",    "on the way",    "come out",    "free on",      "llegamos",
                                         "llegar",     "llegara",       "podemos ir",  "ira",          "estaremos",
                                         "iremos",     "le atendemos",  "nos vemos",   "le esperamos", "tenemos hueco",
                                         "hay hueco",  "le llamamos",   "سيصل",        "يصل",          "يصلك",
                                         "سنكون",      "يمكننا الحضور", "سناتي",       "سياتي",        "نراك",
                                         "سنتصل",      "سنحضر",         NULL};
static const char *const except[] = {"except", "but not", "excepto",  "salvo", "menos",
                                     "ما عدا", "عدا",     "باستثناء", NULL};
static const char *const closed[] = {"closed",      "day off",      "days off",     "cerramos los",
                                     "cerramos en", "cerramos del", "cerramos por", "close on",
                                     "close for",   "close in",     "cerrado",      "cerrada",
                                     "cerrados",    "مغلق",         "مغلقه",        NULL};
static const char *const emergencies[] = {"emergencies", "emergency", "urgencias", "للطوارئ", "الطوارئ", NULL};

bool claim_ends_sentence(const char *p)
{
    const char *next = p + 1;

    if (*p == '\n' || *p == '?' || *p == '!')
        return true;
    if (*p != '.' || (*next && *next != ' ' && *next != '\n'))
        return false;
    next += strspn(next, " ");
    return !(*next >= 'a' && *next <= 'z'); /* "9 a.m. to 5 p.m." */
}

static bool ends_clause(const char *p)
{
    return (strchr(",;:|()", *p) && (p[1] == ' ' || p[1] == '\0')) || strncmp(p, " but ", 5) == 0 ||
           strncmp(p, " pero ", 6) == 0 || strncmp(p, " لكن ", strlen(" لكن ")) == 0;
}

struct claim_bounds claim_bounds(const char *text, const struct claim *claim)
{
    struct claim_bounds at = {claim->start, claim->end, claim->start, claim->end};

    while (at.start > 0 && !claim_ends_sentence(text + at.start - 1))
        at.start--;
    while (text[at.end] && !claim_ends_sentence(text + at.end))
        at.end++;
    while (at.clause_start > at.start && !ends_clause(text + at.clause_start - 1))
        at.clause_start--;
    while (at.clause_end < at.end && !ends_clause(text + at.clause_end))
        at.clause_end++;
    return at;
}

static const char *fold(struct arena *arena, const char *text, size_t from, size_t to)
{
    const char *copy = arena_strndup(arena, text + from, to - from);

    return copy ? words_fold(arena, copy) : NULL;
}

bool claim_context(struct arena *arena, const char *text, const struct claim *claim, struct claim_context *ret)
{
    struct claim_bounds at = claim_bounds(text, claim);
    const char *before = fold(arena, text, at.clause_start, claim->start);
    const char *behind = fold(arena, text, claim->end, at.clause_end);
    const char *clause = fold(arena, text, at.clause_start, at.clause_end);
    const char *sentence = fold(arena, text, at.start, at.end);

    if (!before || !behind || !clause || !sentence)
        return false;
    *ret = (struct claim_context){
        .at = at,
        .question = text[at.end] == '?',
        .unsure = words_find(before, unsure),
        .negated = words_find(before, unsure) || words_find(behind, unsure),
        .leads = words_find(clause, leads),
        .opening = words_find(sentence, opening),
        .committing = words_find(sentence, committing),
        .excepted = words_find(before, except) || words_find(clause, closed) || words_find(sentence, emergencies),
    };
    return true;
}
