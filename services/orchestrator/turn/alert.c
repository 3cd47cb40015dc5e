/* alert.c - see alert.h. */
#include "services/orchestrator/turn/alert.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "libshared/notices.h"
#include "libshared/text.h"
#include "services/orchestrator/api/client_config.h"
#include "services/orchestrator/escalation/escalation.h"
#include "services/orchestrator/turn/outbound.h"
#include "services/orchestrator/turn/turn.h"
#include "services/orchestrator/turn/turn_store.h"

/* Bytes that one thing may take: what a person reads at a glance. All of them fit into one message. */
#define NAME_MAX_BYTES  100
#define THING_MAX_BYTES 120
#define WORDS_MAX_BYTES 240

/* ---- words ---- */

/* On one line, cut between characters. */
static void put_cut(struct buf *out, const char *text, size_t max)
{
    size_t len = utf8_cut(text, strlen(text), max);

    for (size_t i = 0; i < len; i++)
        buf_append(out, (unsigned char)text[i] < ' ' ? " " : &text[i], 1);
    if (text[len])
        buf_puts(out, "...");
}

static void put_thing(struct buf *out, const char *before, const char *thing, const char *after)
{
    if (!thing || !*thing)
        return;
    buf_puts(out, before);
    put_cut(out, thing, THING_MAX_BYTES);
    buf_puts(out, after);
}

static const char *last_words(const struct turn *turn)
{
    const struct decision_message *last = &turn->in.unanswered[turn->in.n_unanswered - 1];

    return text_has_word(last->body) || !last->note ? last->body : last->note;
}

/* Of the text, by language. */
struct labels {
    const char *hot, *person, *nameless, *also, *why, *wants, *urgency, *budget, *when, *words;
};

static const struct labels labels[] = {
    [LANGUAGE_ENGLISH] = {": hot lead. ", ": a lead needs a person. ", "Somebody (no name yet)", "\nNeeds a person: ",
                          "\nWhy: ", "\nWants: ", "\nUrgency: ", "\nBudget: ", "\nWhen: ", "\nLast words: "},
    [LANGUAGE_SPANISH] = {": cliente muy interesado. ", ": un cliente necesita una persona. ",
                          "Alguien (aún sin nombre)", "\nNecesita una persona: ", "\nMotivo: ", "\nQuiere: ",
                          "\nUrgencia: ", "\nPresupuesto: ", "\nCuándo: ", "\nÚltimas palabras: "},
    [LANGUAGE_ARABIC] = {": عميل مهتم جدًا. ", ": عميل يحتاج إلى شخص. ", "شخص (بلا اسم بعد)", "\nيحتاج إلى شخص: ",
                         "\nالسبب: ", "\nيريد: ", "\nالاستعجال: ", "\nالميزانية: ", "\nمتى: ", "\nآخر كلماته: "},
};

/* That of the client's configuration; what it reads itself need not be the lead's. */
static enum language language_of_client(const struct turn *turn, struct arena *arena)
{
    const char *tag = client_config_text(turn->in.config, "language", arena);

    if (tag && strncmp(tag, "es", 2) == 0)
        return LANGUAGE_SPANISH;
    return tag && strncmp(tag, "ar", 2) == 0 ? LANGUAGE_ARABIC : LANGUAGE_ENGLISH;
}

/* What the agent wrote down is English; a cause that we know has words in each language. */
static const char *reason_in(const struct turn *turn, enum language language)
{
    if (language != LANGUAGE_ENGLISH)
        for (int cause = CAUSE_NONE + 1; cause < CAUSE_MODEL; cause++)
            if (turn->out.cause && strcmp(turn->out.cause, escalation_name(cause)) == 0)
                return escalation_reason(cause, language);
    return turn->out.escalation_reason;
}

static const char *name_of(const struct turn *turn, const struct labels *say)
{
    return turn->out.name && *turn->out.name ? turn->out.name : say->nameless;
}

static void put_things(struct buf *out, const struct turn *turn, const struct labels *say)
{
    put_thing(out, say->wants, turn->out.service_interest, "");
    put_thing(out, say->urgency, turn->out.urgency, "");
    put_thing(out, say->budget, turn->out.budget_range, "");
    put_thing(out, say->when, turn->out.timeline, "");
    buf_puts(out, say->words);
    put_cut(out, last_words(turn), WORDS_MAX_BYTES);
}

const char *alert_text(const struct turn *turn, bool is_hot, struct arena *arena)
{
    enum language language = language_of_client(turn, arena);
    const struct labels *say = &labels[language];
    AUTO(buf_free) struct buf out = {0};

    put_cut(&out, turn->in.client_name, NAME_MAX_BYTES);
    buf_puts(&out, is_hot ? say->hot : say->person);
    put_cut(&out, name_of(turn, say), NAME_MAX_BYTES);
    buf_printf(&out, ", %s%s.", turn->lead_address, strcmp(turn->channel, "whatsapp") == 0 ? " (WhatsApp)" : "");
    if (turn->out.escalate)
        put_thing(&out, is_hot ? say->also : say->why, reason_in(turn, language), "");
    put_things(&out, turn, say);
    return out.failed ? NULL : arena_strdup(arena, out.data);
}

static const char *not_greeted_text(const struct turn *turn, const char *why, struct arena *arena)
{
    const struct labels *say = &labels[LANGUAGE_ENGLISH];
    AUTO(buf_free) struct buf out = {0};

    put_cut(&out, turn->in.client_name, NAME_MAX_BYTES);
    buf_puts(&out, ": a lead came by web form and is not written to. ");
    put_cut(&out, name_of(turn, say), NAME_MAX_BYTES);
    buf_puts(&out, ", ");
    put_cut(&out, turn->lead_address, NAME_MAX_BYTES);
    put_thing(&out, ".\nWhy: ", why, "");
    put_things(&out, turn, say);
    return out.failed ? NULL : arena_strdup(arena, out.data);
}

/* Digit by digit: nobody writes down "fifteen billion". */
static void put_digits(struct buf *out, const char *number)
{
    for (; *number; number++)
        if (*number >= '0' && *number <= '9')
            buf_printf(out, " %c", *number);
}

/* Of the call, by language. */
struct spoken {
    const char *hot, *name, *wants, *urgency, *budget, *when, *number, *words;
};

static const struct spoken spoken[] = {
    [LANGUAGE_ENGLISH] = {"Hot lead for ",
                          "Name: ", "Wants: ", "Urgency: ", "Budget: ", "When: ", "Number:", ". Last words: "},
    [LANGUAGE_SPANISH] = {"Cliente muy interesado para ", "Nombre: ", "Quiere: ", "Urgencia: ", "Presupuesto: ",
                          "Cuándo: ", "Número:", ". Últimas palabras: "},
    [LANGUAGE_ARABIC] = {"عميل مهتم جدًا لدى ",
                         "الاسم: ", "يريد: ", "الاستعجال: ", "الميزانية: ", "متى: ", "الرقم:", ". آخر كلماته: "},
};

const char *alert_speech(const struct turn *turn, struct arena *arena)
{
    const struct spoken *say = &spoken[language_of_client(turn, arena)];
    AUTO(buf_free) struct buf out = {0};

    buf_puts(&out, say->hot);
    put_cut(&out, turn->in.client_name, NAME_MAX_BYTES);
    buf_puts(&out, ". ");
    put_thing(&out, say->name, turn->out.name, ". ");
    put_thing(&out, say->wants, turn->out.service_interest, ". ");
    put_thing(&out, say->urgency, turn->out.urgency, ". ");
    put_thing(&out, say->budget, turn->out.budget_range, ". ");
    put_thing(&out, say->when, turn->out.timeline, ". ");
    buf_puts(&out, say->number);
    put_digits(&out, turn->lead_address);
    buf_puts(&out, say->words);
    put_cut(&out, last_words(turn), WORDS_MAX_BYTES);
    return out.failed ? NULL : arena_strdup(arena, out.data);
}

/* ---- who is told ---- */

/* One alert under way. */
struct alerting {
    struct db_tx *tx;
    struct bus *bus;
    const struct turn *turn;
    const struct lead_change *change;
    const char *trace_id;
    struct arena *arena;
};

static const char *setting(const struct alerting *self, const char *key)
{
    return client_config_text(self->turn->in.config, key, self->arena);
}

/* The number that the lead wrote to, where it can send that; else the client's first. NULL: there is none. */
static const char *sender(const struct alerting *self, const char *channel)
{
    const struct turn *turn = self->turn;
    bool calls = strcmp(channel, "voice") == 0;
    const char *from;

    if (strcmp(turn->channel, "sms") == 0 && (!calls || phone_is_e164(turn->our_address)))
        return turn->our_address;
    from = client_config_sender(turn->in.config, "sms", self->arena);
    return from && (!calls || phone_is_e164(from)) ? from : NULL;
}

static int put(const struct alerting *self, const char *channel, const char *to, const char *body, const char *once,
               struct err *err)
{
    const struct turn *turn = self->turn;
    char message_id[UUID_SIZE];
    struct outbound message = {.client_id = turn->client_id,
                               .conversation_id = turn->conversation_id,
                               .lead_id = turn->lead_id,
                               .message_id = message_id,
                               .purpose = "alert",
                               .author = "system",
                               .channel = channel,
                               .from = sender(self, channel),
                               .to = to,
                               .body = body,
                               .turn_id = turn->turn_id,
                               .trace_id = self->trace_id,
                               .once = once,
                               .epoch = turn->epoch};

    if (!message.from) {
        struct notice_spec notice = {.client_id = turn->client_id,
                                     .kind = "alert_not_sent",
                                     .subject = to,
                                     .text = "a lead became hot or needs a person, and nobody was told: the client has "
                                             "no number to send from",
                                     .remedy = "set the client's twilio_phone_number"};

        return notice_raise(self->tx, self->bus, &notice, err) < 0 ? -1 : 0;
    }
    if (!body || !once)
        return err_set(err, ERR_INTERNAL, "alert: out of memory");
    uuid_new(message_id);
    return outbound_put(self->tx, self->bus, &message, NULL, err) < 0 ? -1 : 0;
}

/* The first alert of a lead has one key; each later one that of its turn, of which one alone is committed. */
static const char *hot_key(const struct alerting *self, const char *what)
{
    const struct turn *turn = self->turn;

    return self->change->first_hot ? arena_printf(self->arena, "alert:%s:%s", what, turn->lead_id)
                                   : arena_printf(self->arena, "alert:%s:%s:%s", what, turn->lead_id, turn->turn_id);
}

static int put_call(const struct alerting *self, const char *sms_number, struct err *err)
{
    const char *wanted = setting(self, "alert_call"), *number = setting(self, "alert_call_number");
    const char *once = hot_key(self, "call");

    if (!number)
        number = sms_number;
    if (!wanted || strcmp(wanted, "on") != 0 || !number)
        return 0;
    return put(self, "voice", number, alert_speech(self->turn, self->arena), once, err);
}

int alert_put(struct db_tx *tx, struct bus *bus, const struct turn *turn, const struct lead_change *change,
              const char *trace_id, struct arena *arena, struct err *err)
{
    struct alerting self = {.tx = tx, .bus = bus, .turn = turn, .change = change, .trace_id = trace_id, .arena = arena};
    bool is_escalated = turn->out.escalate;
    bool is_hot = change->alert;
    const char *number, *once;

    if (!is_hot && !is_escalated)
        return 0;
    number = setting(&self, "hot_lead_sms_number");
    /* Both at once are told in one text. */
    once = is_hot ? hot_key(&self, "hot")
                  : arena_printf(arena, "alert:escalated:%s:%s", turn->conversation_id, turn->turn_id);
    if (number && put(&self, "sms", number, alert_text(turn, is_hot, arena), once, err) < 0)
        return -1;
    if (is_hot && put_call(&self, number, err) < 0)
        return -1;
    return number != NULL;
}

int alert_put_not_greeted(struct db_tx *tx, struct bus *bus, const struct turn *turn, const char *why,
                          const char *dedupe_key, const char *trace_id, struct arena *arena, struct err *err)
{
    struct alerting self = {.tx = tx, .bus = bus, .turn = turn, .trace_id = trace_id, .arena = arena};
    const char *number = setting(&self, "hot_lead_sms_number");

    return number ? put(&self, "sms", number, not_greeted_text(turn, why, arena), dedupe_key, err) : 0;
}
