/* templates.c - see templates.h. */
#include "services/orchestrator/scripted/templates.h"

#include <string.h>

#include "libshared/auto.h"
#include "services/orchestrator/later/later.h"

/* clang-format off */
static const char *const templates[TEMPLATES][3] = {
    [SAY_BOT] = {"I'm an automated assistant of %s; a person can take over at any time.",
                 "Soy un asistente automático de %s; una persona puede seguir cuando quiera.",
                 "أنا مساعد آلي لدى %s، ويمكن لأحد الزملاء متابعة المحادثة في أي وقت."},
    [SAY_HELLO] = {"Hi, this is %s.", "Hola, le escribe %s.", "مرحبًا، معك %s."},
    [GREET] = {"Hi, this is {business}.", "Hola, le escribe {business}.", "مرحبًا، معك {business}."},
    [GREET_NAME] = {"Hi {name}, this is {business}.", "Hola {name}, le escribe {business}.",
                    "مرحبًا {name}، معك {business}."},
    [GREET_REQUEST] = {"Thanks for your request.", "Gracias por su solicitud.", "شكرًا لطلبك."},
    [GREET_SERVICE] = {"Thanks for your request ({service}).", "Gracias por su solicitud ({service}).",
                       "شكرًا لطلبك ({service})."},
    [SAY_ESCALATED] = {"I'm passing this on to a colleague, who will answer you here.",
                       "Se lo paso a un compañero, que le responderá por aquí.",
                       "سأحيل رسالتك إلى أحد الزملاء، وسيجيبك هنا."},
    [SAY_WAITING] = {"A colleague has been told and will answer you here.",
                     "Un compañero ya está avisado y le responderá por aquí.", "تم إبلاغ أحد الزملاء وسيجيبك هنا."},
    [SAY_SORRY] = {"I'm sorry about that.", "Lo siento mucho.", "نعتذر عن ذلك."},
    [SAY_UNKNOWN] = {"I don't have a reliable answer to that, and I'd rather not guess. Shall I have a colleague get back to you here?",
                     "No tengo una respuesta segura a eso y prefiero no adivinar. ¿Quiere que un compañero le responda por aquí?",
                     "ليست لدي إجابة مؤكدة عن ذلك ولا أود التخمين. هل تود أن يجيبك أحد الزملاء هنا؟"},
    [SAY_UNKNOWN_AGAIN] = {"I don't have a reliable answer to that either.", "Tampoco tengo una respuesta segura a eso.",
                           "ليست لدي إجابة مؤكدة عن هذا أيضًا."},
    [SAY_UNKNOWN_WAITING] = {"I don't know that, but a colleague has been told and will answer you here.",
                             "Eso no lo sé, pero un compañero ya está avisado y le responderá por aquí.",
                             "لا أعرف ذلك، لكن تم إبلاغ أحد الزملاء وسيجيبك هنا."},
    [SAY_APPOINTMENT] = {"I've noted that you'd like an appointment.", "He anotado que desea una cita.",
                         "سجلت أنك تود تحديد موعد."},
    [SAY_APPOINTMENT_AT] = {"I've noted that you'd like an appointment (%s).", "He anotado que desea una cita (%s).",
                            "سجلت أنك تود تحديد موعد (%s)."},
    [SAY_CHANGE] = {"I've noted that you'd like to cancel or change something.",
                    "He anotado que desea cancelar o cambiar algo.", "سجلت أنك تود الإلغاء أو التغيير."},
    [SAY_CANT_SEE] = {"I can't look that up myself.", "Eso no puedo consultarlo yo.",
                      "لا أستطيع الاطلاع على ذلك بنفسي."},
    [SAY_DANGER] = {"If anyone is in danger, please call the emergency services now.",
                    "Si alguien está en peligro, llame ya a los servicios de emergencia.",
                    "إذا كان أحد في خطر فاتصل بالطوارئ الآن."},
    [SAY_CONFIRMS] = {"A colleague will confirm the time with you here.", "Un compañero le confirmará la hora por aquí.",
                      "سيؤكد معك أحد الزملاء الوقت هنا."},
    [SAY_GOODBYE] = {"All right, thanks for letting us know. Just write here if anything changes.",
                     "De acuerdo, gracias por avisar. Si algo cambia, escríbanos por aquí.",
                     "حسنًا، شكرًا لإخبارنا. راسلنا هنا إذا تغير شيء."},
    [SAY_ALL_RIGHT] = {"All right.", "De acuerdo.", "حسنًا."},
    [SAY_WRITE_AGAIN] = {"We'll write to you here %s.", "Le escribiremos por aquí %s.", "سنراسلك هنا %s."},
    [SAY_URGENT] = {"Got it: %s. I've marked this for the team as urgent.",
                    "Entendido: %s. Lo he marcado como urgente para el equipo.",
                    "تم: %s. وضعت على طلبك علامة عاجل للفريق."},
    [SAY_MARKED] = {"Got it. I've marked this for the team as urgent.", "Entendido. Lo he marcado como urgente para el equipo.",
                    "تم. وضعت على طلبك علامة عاجل للفريق."},
    [SAY_NOTED] = {"Thanks, I've noted that.", "Gracias, lo he anotado.", "شكرًا، سجلت ذلك."},
    [SAY_WELCOME] = {"You're welcome! Just write here if there is anything else.",
                     "¡De nada! Si necesita algo más, escríbanos por aquí.",
                     "على الرحب والسعة! راسلنا هنا إن احتجت إلى شيء آخر."},
    [SAY_ANYTIME] = {"All right. Just write here if there is anything else.",
                     "De acuerdo. Si necesita algo más, escríbanos por aquí.",
                     "حسنًا. راسلنا هنا إن احتجت إلى شيء آخر."},
    [SAY_RECEIVED] = {"Thanks for your message.", "Gracias por su mensaje.", "شكرًا لرسالتك."},
    [SAY_PHOTO] = {"Thanks for the photo! I can't see it myself, but a colleague can look at it here.",
                   "¡Gracias por la foto! Yo no puedo verla, pero un compañero puede mirarla aquí.",
                   "شكرًا على الصورة! لا أستطيع رؤيتها بنفسي، لكن يمكن لأحد الزملاء الاطلاع عليها هنا."},
    [SAY_AUDIO] = {"Thanks for the audio message! I can't listen to it myself, but a colleague can listen to it here.",
                   "¡Gracias por el mensaje de voz! Yo no puedo escucharlo, pero un compañero puede oírlo aquí.",
                   "شكرًا على الرسالة الصوتية! لا أستطيع الاستماع إليها بنفسي، لكن يمكن لأحد الزملاء الاستماع إليها هنا."},
    [SAY_FILE] = {"Thanks, I've got what you sent! I can't open it myself, but a colleague can look at it here.",
                  "¡Gracias, he recibido lo que envió! Yo no puedo abrirlo, pero un compañero puede mirarlo aquí.",
                  "شكرًا، وصلني ما أرسلته! لا أستطيع فتحه بنفسي، لكن يمكن لأحد الزملاء الاطلاع عليه هنا."},
    [SAY_WHAT_FOR] = {"What would you like to ask or have done?", "¿Qué desea preguntar o qué necesita?",
                      "ما الذي تود السؤال عنه أو ما الذي تحتاجه؟"},
    [ASK_SERVICE] = {"What do you need help with?", "¿En qué podemos ayudarle?", "بماذا يمكننا مساعدتك؟"},
    [ASK_URGENCY] = {"Is it urgent?", "¿Es urgente?", "هل الأمر عاجل؟"},
    [ASK_BUDGET] = {"Do you have a budget in mind?", "¿Tiene un presupuesto en mente?", "هل لديك ميزانية محددة؟"},
    [ASK_TIMELINE] = {"When would you like it done?", "¿Para cuándo lo desea?", "متى تود ذلك؟"},
};
/* clang-format on */

const char *template_text(enum template which, enum language language)
{
    return templates[which][language];
}

/* clang-format off */
static const char *const timelines[][3] = {
    {"asap", "cuanto antes", "في أقرب وقت"},           {"today", "hoy", "اليوم"},
    {"tomorrow", "mañana", "غدًا"},                     {"this weekend", "este fin de semana", "نهاية هذا الأسبوع"},
    {"this week", "esta semana", "هذا الأسبوع"},        {"next week", "la próxima semana", "الأسبوع القادم"},
    {"next weekend", "el próximo fin de semana", "نهاية الأسبوع القادم"},
    {"this month", "este mes", "هذا الشهر"},            {"next month", "el próximo mes", "الشهر القادم"},
    {"Monday", "el lunes", "الاثنين"},                  {"Tuesday", "el martes", "الثلاثاء"},
    {"Wednesday", "el miércoles", "الأربعاء"},          {"Thursday", "el jueves", "الخميس"},
    {"Friday", "el viernes", "الجمعة"},                 {"Saturday", "el sábado", "السبت"},
    {"Sunday", "el domingo", "الأحد"},
};
/* clang-format on */

const char *template_timeline(const char *timeline, enum language language)
{
    if (language == LANGUAGE_ENGLISH)
        return timeline;
    for (size_t i = 0; i < COUNT_OF(timelines); i++)
        if (strcmp(timelines[i][0], timeline) == 0)
            return timelines[i][language];
    return NULL;
}

const char *template_filled(struct arena *arena, enum template which, enum language language, const char *text)
{
    const char *template = templates[which][language], *percent = strstr(template, "%s");

    return arena_printf(arena, "%.*s%s%s", (int)(percent - template), template, text, percent + strlen("%s"));
}

/* clang-format off */
static const char *const weekdays[7][3] = {
    {"on Sunday", "el domingo", "يوم الأحد"},      {"on Monday", "el lunes", "يوم الاثنين"},
    {"on Tuesday", "el martes", "يوم الثلاثاء"},   {"on Wednesday", "el miércoles", "يوم الأربعاء"},
    {"on Thursday", "el jueves", "يوم الخميس"},    {"on Friday", "el viernes", "يوم الجمعة"},
    {"on Saturday", "el sábado", "يوم السبت"},
};
static const char *const months[12][3] = {
    {"January", "enero", "يناير"},   {"February", "febrero", "فبراير"},      {"March", "marzo", "مارس"},
    {"April", "abril", "أبريل"},     {"May", "mayo", "مايو"},                {"June", "junio", "يونيو"},
    {"July", "julio", "يوليو"},      {"August", "agosto", "أغسطس"},          {"September", "septiembre", "سبتمبر"},
    {"October", "octubre", "أكتوبر"}, {"November", "noviembre", "نوفمبر"},   {"December", "diciembre", "ديسمبر"},
};
static const char *const near[][3] = {{"today", "hoy", "اليوم"}, {"tomorrow", "mañana", "غدًا"}};
/* clang-format on */

const char *template_moment(struct arena *arena, const char *at, const char *local_time, enum language language)
{
    const char *weekday_before = arena_printf(arena, "- %s", at), *day;
    struct later_now now, then;
    int after;

    if (!weekday_before || !later_now_read(local_time, &now) || !later_now_read(weekday_before, &then))
        return NULL;
    after = later_days_between(&now, &then);
    if (after >= 0 && after < (int)COUNT_OF(near))
        day = near[after][language];
    else if (after > 0 && after <= 7)
        day = weekdays[then.weekday][language];
    else if (language == LANGUAGE_ENGLISH)
        day = arena_printf(arena, "on %s %d", months[then.month - 1][language], then.day);
    else
        day = arena_printf(arena, language == LANGUAGE_SPANISH ? "el %d de %s" : "في %d %s", then.day,
                           months[then.month - 1][language]);
    if (!day || (after > 0 && then.minute == LATER_DEFAULT_HOUR * 60))
        return day;
    switch (language) {
    case LANGUAGE_SPANISH:
        return arena_printf(arena, "%s a las %d:%02d", day, then.minute / 60, then.minute % 60);
    case LANGUAGE_ARABIC:
        return arena_printf(arena, "%s الساعة %d:%02d", day, then.minute / 60, then.minute % 60);
    default:
        return arena_printf(arena, "%s at %d:%02d %s", day, (then.minute / 60 + 11) % 12 + 1, then.minute % 60,
                            then.minute < 12 * 60 ? "am" : "pm");
    }
}
