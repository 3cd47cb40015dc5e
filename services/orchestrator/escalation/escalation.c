/* escalation.c - see escalation.h. */
#include "services/orchestrator/escalation/escalation.h"

#include <pthread.h>
#include <string.h>

#include "libshared/auto.h"
#include "services/orchestrator/escalation/escalation_internal.h"
#include "services/orchestrator/scripted/words.h"
#include "services/orchestrator/turn/decision.h"

static const char *const names[CAUSES] = {"",      "legal",   "anger",       "human", "loop",
                                          "claim", "unknown", "appointment", "model"};

/* clang-format off */
static const char *const reasons[CAUSES][3] = {
    [CAUSE_NONE] = {"", "", ""},
    [CAUSE_LEGAL] = {"threatens legal steps", "amenaza con acciones legales", "يهدد بإجراءات قانونية"},
    [CAUSE_ANGER] = {"is angry or complains", "está molesto o se queja", "غاضب أو يشتكي"},
    [CAUSE_HUMAN] = {"asks for a person", "pide hablar con una persona", "يطلب التحدث مع شخص"},
    [CAUSE_LOOP] = {"a machine seems to answer us: the agent has stopped", "parece que responde una máquina: el asistente se ha detenido", "يبدو أن آلة ترد علينا: توقف المساعد"},
    [CAUSE_CLAIM] = {"the answer held a claim that nothing supports", "la respuesta contenía un dato sin respaldo", "احتوى الرد على معلومة بلا سند"},
    [CAUSE_UNKNOWN] = {"two questions in a row that the knowledge base does not answer", "dos preguntas seguidas sin respuesta en la base de conocimiento", "سؤالان متتاليان لا جواب لهما في قاعدة المعرفة"},
    [CAUSE_APPOINTMENT] = {"wants an appointment", "quiere una cita", "يريد موعدًا"},
    [CAUSE_MODEL] = {"the agent asks for a person", "el asistente pide una persona", "المساعد يطلب شخصًا"},
};
/* clang-format on */

const char *escalation_name(enum escalation_cause cause)
{
    return names[cause];
}

const char *escalation_reason(enum escalation_cause cause, enum language language)
{
    return reasons[cause][language];
}

/* ---- what a text tells ---- */

static struct wording_tables tables;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make(void)
{
    const struct wording_chapter chapters[] = {{escalation_english, escalation_n_english},
                                               {escalation_spanish, escalation_n_spanish},
                                               {escalation_arabic, escalation_n_arabic},
                                               {0}};

    wording_make(&tables, &(struct wording_book){.synonyms = escalation_synonyms,
                                                 .compounds = escalation_compounds,
                                                 .classes = escalation_classes,
                                                 .fillers = escalation_fillers,
                                                 .oaths = escalation_oaths,
                                                 .joints = escalation_joints,
                                                 .chapters = chapters});
}

enum escalation_cause escalation_read(const char *text)
{
    struct wording_text words;

    pthread_once(&once, make);
    wording_read(&words, &tables, text);
    for (int cause = CAUSE_LEGAL; cause <= CAUSE_HUMAN; cause++)
        if (wording_find(&words, cause))
            return (enum escalation_cause)cause;
    return CAUSE_NONE;
}

enum escalation_cause escalation_of(const struct decision_input *in)
{
    enum escalation_cause worst = CAUSE_NONE;

    for (size_t i = 0; i < in->n_unanswered; i++) {
        enum escalation_cause cause = escalation_read(in->unanswered[i].body);

        if (cause != CAUSE_NONE && (worst == CAUSE_NONE || cause < worst))
            worst = cause;
    }
    return worst;
}

bool escalation_wanted(const struct decision_input *in, enum escalation_cause cause)
{
    if (cause == CAUSE_NONE)
        return false;
    if (strcmp(in->state, "open") == 0)
        return true;
    if (cause > CAUSE_LOOP || strcmp(in->state, "escalated") != 0)
        return false;
    for (size_t i = 0; i < in->n_escalations; i++)
        if (strcmp(in->escalations[i], names[cause]) == 0)
            return false;
    return true;
}
