/* instructions.c - see instructions.h. */
#include "services/orchestrator/claude/instructions.h"

#include <stdbool.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "services/orchestrator/guards/canon.h"
#include "services/orchestrator/scripted/words.h"

/* One sentence holds a phrase of each column. Folded and plain. */
static const char *const forget[] = {"ignore", "disregard", "forget", "override", "ignora", "olvida",
                                     "ignore", "تجاهل",     "انس",    "انسي",     "تجاهلي", NULL};
static const char *const rules[] = {
    "instruction", "instructions", "rules",      "prompt",        "prompts", "above", "previous", "prior",
    "policy",      "guidelines",   "price list", "instrucciones", "reglas",  "todo",  "anterior", "anteriores",
    "التعليمات",   "تعليمات",      "تعليماتك",   "القواعد",       "السابقه", NULL};
static const char *const models[] = {"ai",           "assistant", "the assistant", "language model",
                                     "chatbot",      "chatbots",  "bot",           "llm",
                                     "model",        "system",    "inst",          "gpt",
                                     "claude",       "ai agents", "asistente",     "modelo de lenguaje",
                                     "ايها المساعد", "للمساعد",   "ايها الروبوت",  "المساعد",
                                     "نموذج اللغه",  NULL};
static const char *const orders[] = {"must",    "always",   "you are now", "answer",    "respond",     "reply",
                                     "tell",    "say",      "offer",       "promise",   "begin",       "print",
                                     "use",     "call",     "give out",    "ask leads", "instruction", "rule",
                                     "message", "note to",  "have to",     "should",    "policy",      "share",
                                     "repeat",  "responde", "di",          "copia",     "client list", "new",
                                     "pay",     "goes to",  "اجب",         "قل",        "استخدم",      "تعليمات",
                                     NULL};
/* These are said to no reader. */
static const char *const alone[] = {"system prompt",
                                    "when you read this",
                                    "you are now",
                                    "repeat after me",
                                    "from now on you",
                                    "as an ai",
                                    "say exactly",
                                    "note to the ai",
                                    "dear language model",
                                    "tell the user",
                                    "tell the customer",
                                    "tell the lead",
                                    "tell every lead",
                                    "respond with",
                                    "reply with",
                                    "your instructions",
                                    "tus instrucciones",
                                    "di al cliente",
                                    "وقل للعميل",
                                    "قل للعميل",
                                    "اجب العملاء",
                                    "you must call",
                                    "record qualification",
                                    "search knowledge",
                                    "escalate to human",
                                    "pretend",
                                    "di que",
                                    "قل ان",
                                    "وقل ان",
                                    NULL};

static bool instructs(const char *folded)
{
    return words_find(folded, alone) || (words_find(folded, forget) && words_find(folded, rules)) ||
           (words_find(folded, models) && words_find(folded, orders));
}

static bool line_instructs(struct arena *arena, const char *line, size_t len, size_t *ret_keep)
{
    const char *copy = arena_strndup(arena, line, len), *plain, *folded;
    struct sentence sentences[64];
    size_t n, at = 0;

    if (!copy || !(plain = canon_text(arena, copy)) || !(folded = words_fold(arena, plain)) || !instructs(folded))
        return false;
    /* In which sentence it begins; what stands before is kept. */
    n = words_sentences(arena, copy, sentences, COUNT_OF(sentences));
    *ret_keep = 0;
    for (size_t i = 0; i < n; i++) {
        const char *found = strstr(copy + at, sentences[i].text);

        plain = canon_text(arena, sentences[i].text);
        folded = plain ? words_fold(arena, plain) : NULL;
        if (!folded || instructs(folded)) {
            *ret_keep = found ? (size_t)(found - copy) : 0;
            return true;
        }
        at = found ? (size_t)(found - copy) + strlen(sentences[i].text) : at;
    }
    return true; /* across sentences: nothing of the line is kept */
}

const char *instructions_removed(struct arena *arena, const char *text)
{
    AUTO(buf_free) struct buf out = {0};
    bool skipping = false, removed = false;

    for (const char *line = text; *line;) {
        size_t len = strcspn(line, "\n"), keep = len;

        if (len == 0)
            skipping = false; /* a new paragraph */
        if (!skipping && len > 0 && line_instructs(arena, line, len, &keep))
            skipping = removed = true;
        else if (skipping)
            keep = 0;
        buf_append(&out, line, keep);
        if (line[len] == '\n')
            buf_puts(&out, "\n");
        line += len + (line[len] == '\n');
    }
    if (out.failed)
        return NULL;
    return removed ? arena_strdup(arena, out.data ? out.data : "") : text;
}
