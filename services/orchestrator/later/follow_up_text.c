/* follow_up_text.c - see follow_up_text.h. */
#include "services/orchestrator/later/follow_up_text.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/text.h"

#define NAME_CHARS_MAX 40
#define NAME_MARK      "{name}"

/* clang-format off */
/* By step and language. The fifth can only be the last: there are no more steps. */
static const char *const silence[][3] = {
    {"%s: just checking in. If you still have questions, reply here any time.",
     "%s: le escribimos por si aún tiene preguntas. Puede responder por aquí cuando quiera.",
     "%s: نود الاطمئنان فقط. إذا كانت لديك أسئلة فراسلنا هنا في أي وقت."},
    {"This is %s again. Is there anything else you would like to know?",
     "Le escribe de nuevo %s. ¿Hay algo más que quiera saber?",
     "معك %s مجددًا. هل هناك شيء آخر تود معرفته؟"},
    {"%s here. If now is not a good time, no problem: just reply when it suits you.",
     "Aquí %s. Si ahora no es buen momento, no se preocupe: responda cuando le venga bien.",
     "معك %s. إن لم يكن الوقت مناسبًا الآن فلا بأس، راسلنا متى ناسبك ذلك."},
    {"Can we still help you? This is %s; a short reply is enough.",
     "¿Podemos ayudarle todavía? Somos %s; basta con una respuesta corta.",
     "هل ما زال بإمكان %s مساعدتك؟ يكفي رد قصير."},
    {"%s: we will not write again about this. You can reach us here whenever you need us.",
     "%s: no le escribiremos más sobre esto. Nos encuentra aquí cuando nos necesite.",
     "%s: لن نراسلك بعد الآن بهذا الشأن. تجدنا هنا متى احتجت إلينا."},
};

static const char *const asked[][3] = {
    {"%s here. You asked us to write to you again. How can we help?",
     "Aquí %s. Nos pidió que le escribiéramos de nuevo. ¿En qué podemos ayudarle?",
     "معك %s. طلبت منا أن نراسلك مجددًا. كيف يمكننا مساعدتك؟"},
    {"%s here. You asked us to write to you today. How can we help?",
     "Aquí %s. Nos pidió que le escribiéramos hoy. ¿En qué podemos ayudarle?",
     "معك %s. طلبت منا أن نراسلك اليوم. كيف يمكننا مساعدتك؟"},
};
/* clang-format on */

/* template with business for its %s. */
static const char *fill(struct arena *arena, const char *template, const char *business)
{
    const char *percent = strstr(template, "%s");

    return arena_printf(arena, "%.*s%s%s", (int)(percent - template), template, business, percent + strlen("%s"));
}

/* A sender names itself as it likes; what has digits or marks of an address is not repeated to it as its name. */
static bool is_name(const char *name)
{
    return name && *name && utf8_count(name) <= NAME_CHARS_MAX && !strpbrk(name, "0123456789/@:_{}<>\n\r\t") &&
           text_has_word(name);
}

static const char *put_name(struct arena *arena, const char *text, const char *name)
{
    AUTO(buf_free) struct buf out = {0};
    const char *mark;

    for (; (mark = strstr(text, NAME_MARK)); text = mark + strlen(NAME_MARK)) {
        size_t len = (size_t)(mark - text);

        while (!is_name(name) && len > 0 && text[len - 1] == ' ')
            len--;
        buf_append(&out, text, len);
        if (is_name(name))
            buf_puts(&out, name);
        else if (out.len == 0) /* "{name}, are you still looking?" */
            mark += strspn(mark + strlen(NAME_MARK), ", ");
    }
    buf_puts(&out, text);
    return out.failed ? NULL : arena_strdup(arena, out.data);
}

const char *follow_up_text(struct arena *arena, const char *const *texts, size_t n_texts, int step,
                           enum language language, const char *business, const char *name)
{
    size_t i = step > 0 ? (size_t)step - 1 : 0;

    if (i < n_texts)
        return put_name(arena, texts[i], name);
    return fill(arena, silence[i < COUNT_OF(silence) ? i : COUNT_OF(silence) - 1][language], business);
}

const char *follow_up_asked_text(struct arena *arena, enum language language, const char *business, bool today)
{
    return fill(arena, asked[today][language], business);
}
