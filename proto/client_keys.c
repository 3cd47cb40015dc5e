/* client_keys.c - see client_keys.h. */
#include "proto/client_keys.h"

#include <stdio.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "proto/qualification_rules.h"

/* All of them together stay below the 64 KiB that a client message may carry as config. */
/* clang-format off */
const struct client_key client_keys[] = {
    {"twilio_phone_number",          CLIENT_KEY_PHONE, 0, 0, NULL, false, "number that leads text and that answers, E.164"},
    {"twilio_whatsapp_number",       CLIENT_KEY_PHONE, 0, 0, NULL, false, "WhatsApp sender, E.164 without the whatsapp: prefix"},
    {"twilio_phone_numbers",         CLIENT_KEY_PHONES, 0, 100, NULL, false, "further numbers that leads text; each answers its own, E.164"},
    {"twilio_messaging_service_sid", CLIENT_KEY_SID, 0, 0, "MG", false, "messaging service to send texts through, MG..."},
    {"twilio_account_sid",           CLIENT_KEY_SID, 0, 0, "AC", false, "the client's own Twilio account, AC...; needs twilio_auth_token"},
    {"twilio_auth_token",            CLIENT_KEY_TEXT, 1, 128, NULL, true,  "that account's primary auth token; it signs the account's webhooks too"},
    {"twilio_messages_per_second",   CLIENT_KEY_INT, 1, 1000, NULL, false, "segments a second that Twilio lets each of the numbers send; unset: as its kind of number may"},
    {"allowed_hours",                CLIENT_KEY_HOURS, 0, 0, NULL, false, "when leads may get messages that they have not just asked for, in their own time: \"08:00-20:00\" is the default"},
    {"help_text",                    CLIENT_KEY_TEXT, 1, 300, NULL, false, "answer to HELP; unset: one that names the business"},
    {"opt_out_confirmation",         CLIENT_KEY_TEXT, 1, 300, NULL, false, "what a lead that wants no more messages is told, once, where Twilio does not say it"},
    {"opt_in_confirmation",          CLIENT_KEY_TEXT, 1, 300, NULL, false, "what a lead that wants messages again is told, where Twilio does not say it"},
    {"first_message_opt_out_line",   CLIENT_KEY_TEXT, 1, 160, NULL, false, "stands at the end of the first message to a lead, e.g. Reply STOP to opt out."},
    {"lookup_new_numbers",           CLIENT_KEY_WORD, 0, 0, "off|on", false, "on: a new lead's number is looked up before it is texted, so that no landline is; Twilio bills it. Default off"},
    {"hot_lead_sms_number",          CLIENT_KEY_PHONE, 0, 0, NULL, false, "who is told of a hot lead by text, E.164"},
    {"alert_call",                   CLIENT_KEY_WORD, 0, 0, "off|on", false, "on: a hot lead is told by a call too, which can be put through to the lead. Default off"},
    {"alert_call_number",            CLIENT_KEY_PHONE, 0, 0, NULL, false, "who is called, E.164; unset: hot_lead_sms_number"},
    {"alert_call_twiml",             CLIENT_KEY_WORD, 0, 0, "inline|url", false, "how Twilio gets what is said: with the request, or from this gateway (PUBLIC_URL). Default inline"},
    {"alert_again_after_hours",      CLIENT_KEY_INT, 0, 8760, NULL, false, "a lead that cools down and becomes hot again within so many hours of its last alert is not told again. Default 24"},
    {"qualification_rules",          CLIENT_KEY_RULES, 0, 0, NULL, false, "when a lead is HOT, WARM or COLD. COLD is looked at first, then HOT, then WARM: alternatives, of which one fits where all its conditions hold (no_ before one turns it round); nothing fits: COLD. Default: {\"hot\": [[\"service\", \"urgent\"], [\"enough_budget\", \"soon\"], [\"service\", \"appointment\", \"soon\"]], \"warm\": [[\"service\"], [\"urgency\"], [\"budget\"], [\"timeline\"], [\"appointment\"]], \"cold\": [[\"not_interested\"], [\"just_looking\", \"no_budget\", \"no_timeline\"]], \"soon_days\": 7, \"min_budget\": 0}"},
    {"follow_up_after_hours",        CLIENT_KEY_INTS, 1, 720, NULL, false, "a lead that does not answer is written to again so many hours after our answer: [1, 24, 72] is three times. At most 5, ascending; unset or []: never"},
    {"follow_up_texts",              CLIENT_KEY_TEXTS, 0, 5, "name", false, "what it is written then, the first for the first time; {name} stands for the lead's name. Unset: texts of ours in the lead's language, which name the business"},
    {"whatsapp_follow_up_content_sid", CLIENT_KEY_SID, 0, 0, "HX", false, "WhatsApp template, HX..., with which a lead is written to again (follow_up_after_hours) more than 24 hours after its last message; its {{1}} is the name, or there, {{2}} the business. Unset: it is not"},
    {"calcom_api_key",               CLIENT_KEY_TEXT, 1, 256, NULL, true,  "the client's own Cal.com key; kept, but nothing uses it yet"},
    {"calcom_event_type_id",         CLIENT_KEY_INT, 1, 2000000000, NULL, false, "Cal.com event type that is booked; kept, but nothing uses it yet"},
    {"hubspot_access_token",         CLIENT_KEY_TEXT, 1, 256, NULL, true,  "the client's own HubSpot token; kept, but nothing uses it yet"},
    {"business_description",         CLIENT_KEY_TEXT, 1, 8000, NULL, false, "what the business is and does; the agent relies on it"},
    {"persona",                      CLIENT_KEY_TEXT, 1, 2000, NULL, false, "how the agent should sound"},
    {"services",                     CLIENT_KEY_TEXTS, 0, 50, NULL, false, "what can be had, each in a few words"},
    {"questions",                    CLIENT_KEY_TEXTS, 0, 20, NULL, false, "what Claude is to find out, one at a time, where the conversation allows it"},
    {"policy",                       CLIENT_KEY_TEXT, 1, 4000, NULL, false, "what the business wants kept to; Claude answers within it"},
    {"disclosure_line",              CLIENT_KEY_TEXT, 1, 160, NULL, false, "stands in the first message that the agent sends to a lead, e.g. I am the automated assistant of Acme."},
    {"reply_max_chars",              CLIENT_KEY_INT, 160, 1600, NULL, false, "characters of an answer at most. A text takes no more segments than so many characters of the GSM alphabet would, so in Arabic it is shorter. Default 320"},
    {"agent_patience_seconds",       CLIENT_KEY_INT, 1, 120, NULL, false, "how long a lead may wait for Claude before the scripted agent answers; unset: LEADWIRE_AGENT_PATIENCE_SECONDS"},
    {"greeting",                     CLIENT_KEY_TEXT, 1, 300, NULL, false, "answer to a bare hello"},
    {"lead_greeting",                CLIENT_KEY_TEXT, 1, 300, "name|service|business", false, "first words to a lead that came by web form or API and asked nothing; {name} and {service} stand for what it gave, {business} for the client's name. A question is added where there is none"},
    {"whatsapp_greeting_content_sid", CLIENT_KEY_SID, 0, 0, "HX", false, "WhatsApp template, HX..., that opens a conversation with such a lead; its {{1}} is the name, or there, {{2}} the business"},
    {"escalation_text",              CLIENT_KEY_TEXT, 1, 300, NULL, false, "what a lead is told when a person takes over"},
    {"language",                     CLIENT_KEY_TEXT, 2, 35, NULL, false, "language tag of the client, e.g. en, in which its people are texted and called (English, Spanish, Arabic); leads are answered in their own"},
    {"agent",                        CLIENT_KEY_WORD, 0, 0, "auto|claude|scripted", false, "who answers; auto: Claude where a key is configured"},
    {"anthropic_model",              CLIENT_KEY_TEXT, 1, 128, NULL, false, "model that answers this client's leads"},
    {"monthly_budget_usd",           CLIENT_KEY_NUMBER, 0, 1000000, NULL, false, "what the model may cost in a month of the client's calendar, in USD; from then on the scripted agent answers. 0: always. Unset: no limit"},
};
/* clang-format on */
const size_t n_client_keys = COUNT_OF(client_keys);

#define TEXTS_ITEM_MAX 200
#define INTS_MAX       5
#define NAME_SEEN_MAX  40 /* bytes of a name that are compared */
#define SLIP_MAX       2  /* letters that a slip of the fingers changes */

/* ---- names ---- */

/* Levenshtein's distance, of the first 40 bytes. */
static size_t distance(const char *a, const char *b)
{
    size_t la = strnlen(a, NAME_SEEN_MAX), lb = strnlen(b, NAME_SEEN_MAX);
    size_t row[NAME_SEEN_MAX + 1];

    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);

            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[lb];
}

/* Whether key has the word, which stands between its beginning, underlines and its end. */
static bool has_word(const char *key, const char *word, size_t len)
{
    for (const char *at = key; at; at = strchr(at, '_'), at += at != NULL)
        if (strcspn(at, "_") == len && strncmp(at, word, len) == 0)
            return true;
    return false;
}

static size_t words_in_common(const char *name, const char *key)
{
    size_t n = 0;

    for (const char *at = name; at; at = strchr(at, '_'), at += at != NULL)
        n += has_word(key, at, strcspn(at, "_"));
    return n;
}

/* A slip of the fingers is nearer than a key with the same words, and that nearer than one of like letters. */
static bool is_nearer(const char *name, const char *key, const char *than)
{
    size_t d = distance(name, key), best = distance(name, than);
    size_t words = words_in_common(name, key), most = words_in_common(name, than);

    if (d <= SLIP_MAX || best <= SLIP_MAX || words == most)
        return d < best;
    return words > most;
}

static const char *nearest_key(const char *name)
{
    const char *best = client_keys[0].name;
    char seen[NAME_SEEN_MAX + 1];

    snprintf(seen, sizeof seen, "%s", name);
    for (size_t i = 1; i < n_client_keys; i++)
        if (is_nearer(seen, client_keys[i].name, best))
            best = client_keys[i].name;
    return best;
}

const struct client_key *client_key_find(const char *name, struct err *err)
{
    for (size_t i = 0; i < n_client_keys; i++)
        if (strcmp(client_keys[i].name, name) == 0)
            return &client_keys[i];
    err_set_field(err, ERR_INVALID, name, "%.40s is not a known key; the nearest is %s", name, nearest_key(name));
    return NULL;
}

/* ---- values ---- */

/* Line breaks and tabs are fine in texts that a model reads; other control bytes are nobody's intention. */
static bool has_strange_control(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if ((*p < 0x20 && *p != '\n' && *p != '\t' && *p != '\r') || *p == 0x7f)
            return true;
    return false;
}

static bool word_is_allowed(const char *words, const char *text)
{
    size_t len = strlen(text);

    for (const char *p = words; *p;) {
        size_t n = strcspn(p, "|");

        if (n == len && strncmp(p, text, n) == 0)
            return true;
        p += n + (p[n] == '|');
    }
    return false;
}

/* Whether each {word} of a text is one of key's words: a misspelt one would be sent as it stands. Braces around
 * anything else are text. */
static int check_placeholders(const struct client_key *key, const char *text, struct err *err)
{
    for (const char *p = text; key->words && (p = strchr(p, '{')); p++) {
        size_t len = strspn(p + 1, "abcdefghijklmnopqrstuvwxyz_");
        char word[32];

        if (len == 0 || p[1 + len] != '}')
            continue;
        snprintf(word, sizeof word, "%.*s", (int)(len < sizeof word ? len : sizeof word - 1), p + 1);
        if (!word_is_allowed(key->words, word))
            return err_set_field(err, ERR_INVALID, key->name, "%s: {%s} stands for nothing; what may stand there is %s",
                                 key->name, word, key->words);
    }
    return 0;
}

static int check_text(const struct client_key *key, const json_t *value, struct err *err)
{
    const char *text = json_string_value(value);
    size_t len = text ? strlen(text) : 0;

    if (!text)
        return err_set_field(err, ERR_INVALID, key->name, "%s must be a string", key->name);
    if (len < (size_t)key->min || len > (size_t)key->max)
        return err_set_field(err, ERR_INVALID, key->name, "%s must have %d to %d bytes", key->name, key->min, key->max);
    if (has_strange_control(text) || (key->secret && text_has_control(text)))
        return err_set_field(err, ERR_INVALID, key->name, "%s holds control characters", key->name);
    return check_placeholders(key, text, err);
}

static int check_texts(const struct client_key *key, const json_t *value, struct err *err)
{
    if (!json_is_array(value) || json_array_size(value) > (size_t)key->max)
        return err_set_field(err, ERR_INVALID, key->name, "%s must be an array of at most %d strings", key->name,
                             key->max);
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *item = json_string_value(json_array_get(value, i));

        if (!item || !*item || strlen(item) > TEXTS_ITEM_MAX || has_strange_control(item))
            return err_set_field(err, ERR_INVALID, key->name, "%s[%zu] must be a string of 1 to %d bytes", key->name, i,
                                 TEXTS_ITEM_MAX);
        if (check_placeholders(key, item, err) < 0)
            return -1;
    }
    return 0;
}

static int check_ints(const struct client_key *key, const json_t *value, struct err *err)
{
    json_int_t before = 0;

    if (!json_is_array(value) || json_array_size(value) > INTS_MAX)
        return err_set_field(err, ERR_INVALID, key->name, "%s must be an array of at most %d integers", key->name,
                             INTS_MAX);
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *item = json_array_get(value, i);
        json_int_t number = json_integer_value(item);

        if (!json_is_integer(item) || number < key->min || number > key->max)
            return err_set_field(err, ERR_INVALID, key->name, "%s[%zu] must be an integer from %d to %d", key->name, i,
                                 key->min, key->max);
        if (i > 0 && number <= before)
            return err_set_field(err, ERR_INVALID, key->name, "%s[%zu] must be greater than the one before it",
                                 key->name, i);
        before = number;
    }
    return 0;
}

static int check_phones(const struct client_key *key, const json_t *value, struct err *err)
{
    if (!json_is_array(value) || json_array_size(value) > (size_t)key->max)
        return err_set_field(err, ERR_INVALID, key->name, "%s must be an array of at most %d phone numbers", key->name,
                             key->max);
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *number = json_string_value(json_array_get(value, i));

        if (!number || !phone_is_e164(number))
            return err_set_field(err, ERR_INVALID, key->name,
                                 "%s[%zu] must be a phone number in E.164, e.g. +15551234567", key->name, i);
        for (size_t k = 0; k < i; k++)
            if (strcmp(json_string_value(json_array_get(value, k)), number) == 0)
                return err_set_field(err, ERR_INVALID, key->name, "%s[%zu] stands there twice", key->name, i);
    }
    return 0;
}

static int check_sid(const struct client_key *key, const json_t *value, struct err *err)
{
    const char *text = json_string_value(value);

    if (!text || strlen(text) != 34 || strncmp(text, key->words, 2) != 0 ||
        strspn(text + 2, "0123456789abcdefABCDEF") != 32)
        return err_set_field(err, ERR_INVALID, key->name, "%s must be %s and 32 hex digits", key->name, key->words);
    return 0;
}

/* p: "HH:MM". */
static bool time_of_day(const char *p)
{
    int hour, minute;

    for (int i = 0; i < 5; i++)
        if (i == 2 ? p[i] != ':' : p[i] < '0' || p[i] > '9')
            return false;
    hour = (p[0] - '0') * 10 + p[1] - '0';
    minute = (p[3] - '0') * 10 + p[4] - '0';
    return minute < 60 && (hour < 24 || (hour == 24 && minute == 0));
}

bool client_hours_read(const char *text, char ret_opens[6], char ret_closes[6])
{
    if (strlen(text) != 11 || text[5] != '-' || !time_of_day(text) || !time_of_day(text + 6) ||
        strncmp(text, text + 6, 5) >= 0)
        return false;
    snprintf(ret_opens, 6, "%.5s", text);
    snprintf(ret_closes, 6, "%.5s", text + 6);
    return true;
}

static int check_hours(const struct client_key *key, const json_t *value, struct err *err)
{
    char opens[6], closes[6];

    if (!json_is_string(value) || !client_hours_read(json_string_value(value), opens, closes))
        return err_set_field(err, ERR_INVALID, key->name,
                             "%s must be two times of one day, the earlier first, e.g. \"08:00-20:00\"", key->name);
    return 0;
}

int client_key_check(const struct client_key *key, const json_t *value, struct err *err)
{
    switch (key->type) {
    case CLIENT_KEY_TEXT:
        return check_text(key, value, err);
    case CLIENT_KEY_TEXTS:
        return check_texts(key, value, err);
    case CLIENT_KEY_PHONE:
        if (!json_is_string(value) || !phone_is_e164(json_string_value(value)))
            return err_set_field(err, ERR_INVALID, key->name, "%s must be a phone number in E.164, e.g. +15551234567",
                                 key->name);
        return 0;
    case CLIENT_KEY_PHONES:
        return check_phones(key, value, err);
    case CLIENT_KEY_SID:
        return check_sid(key, value, err);
    case CLIENT_KEY_HOURS:
        return check_hours(key, value, err);
    case CLIENT_KEY_INT:
        if (!json_is_integer(value) || json_integer_value(value) < key->min || json_integer_value(value) > key->max)
            return err_set_field(err, ERR_INVALID, key->name, "%s must be an integer from %d to %d", key->name,
                                 key->min, key->max);
        return 0;
    case CLIENT_KEY_INTS:
        return check_ints(key, value, err);
    case CLIENT_KEY_NUMBER:
        if (!json_is_number(value) || json_number_value(value) < key->min || json_number_value(value) > key->max)
            return err_set_field(err, ERR_INVALID, key->name, "%s must be a number from %d to %d", key->name, key->min,
                                 key->max);
        return 0;
    case CLIENT_KEY_RULES:
        return qualification_rules_read(value, &(struct qualification_rules){0}, err);
    case CLIENT_KEY_WORD:
        if (!json_is_string(value) || !word_is_allowed(key->words, json_string_value(value)))
            return err_set_field(err, ERR_INVALID, key->name, "%s must be one of %s", key->name, key->words);
        return 0;
    }
    return err_set(err, ERR_INTERNAL, "client key of an unknown type");
}

/* ---- between keys ---- */

static bool is_own_number(const json_t *config, const char *number)
{
    static const char *const keys[] = {"twilio_phone_number", "twilio_whatsapp_number"};
    const json_t *numbers = json_object_get(config, "twilio_phone_numbers");
    const char *own;

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if ((own = json_string_value(json_object_get(config, keys[i]))) && strcmp(own, number) == 0)
            return true;
    for (size_t i = 0; i < json_array_size(numbers); i++)
        if (strcmp(json_string_value(json_array_get(numbers, i)), number) == 0)
            return true;
    return false;
}

/* An alert to the client's own number would be answered by its agent. */
static int check_alerts(const json_t *config, struct err *err)
{
    static const char *const keys[] = {"hot_lead_sms_number", "alert_call_number"};
    const char *number;

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if ((number = json_string_value(json_object_get(config, keys[i]))) && is_own_number(config, number))
            return err_set_field(err, ERR_INVALID, keys[i],
                                 "%s is one of the numbers that leads write to: give a person's", keys[i]);
    return 0;
}

int client_keys_check_all(const json_t *config, struct err *err)
{
    const char *number = json_string_value(json_object_get(config, "twilio_phone_number"));
    const json_t *numbers = json_object_get(config, "twilio_phone_numbers");
    bool sid = json_object_get(config, "twilio_account_sid"), token = json_object_get(config, "twilio_auth_token");

    if (sid && !token)
        return err_set_field(err, ERR_INVALID, "twilio_auth_token",
                             "twilio_account_sid needs twilio_auth_token: set both, or neither");
    if (token && !sid)
        return err_set_field(err, ERR_INVALID, "twilio_account_sid",
                             "twilio_auth_token needs twilio_account_sid: set both, or neither");
    for (size_t i = 0; number && i < json_array_size(numbers); i++)
        if (strcmp(json_string_value(json_array_get(numbers, i)), number) == 0)
            return err_set_field(err, ERR_INVALID, "twilio_phone_numbers",
                                 "twilio_phone_numbers[%zu] is the twilio_phone_number already", i);
    return check_alerts(config, err);
}

/* ---- their description ---- */

static json_t *value_schema(const struct client_key *key)
{
    static const char e164[] = "^\\+[1-9][0-9]{6,14}$";

    switch (key->type) {
    case CLIENT_KEY_TEXT:
        return json_pack("{s:s, s:i, s:i}", "type", "string", "minLength", key->min, "maxLength", key->max);
    case CLIENT_KEY_PHONE:
        return json_pack("{s:s, s:s}", "type", "string", "pattern", e164);
    case CLIENT_KEY_PHONES:
        return json_pack("{s:s, s:i, s:b, s:{s:s, s:s}}", "type", "array", "maxItems", key->max, "uniqueItems", 1,
                         "items", "type", "string", "pattern", e164);
    case CLIENT_KEY_INT:
        return json_pack("{s:s, s:i, s:i}", "type", "integer", "minimum", key->min, "maximum", key->max);
    case CLIENT_KEY_INTS:
        return json_pack("{s:s, s:i, s:b, s:{s:s, s:i, s:i}}", "type", "array", "maxItems", INTS_MAX, "uniqueItems", 1,
                         "items", "type", "integer", "minimum", key->min, "maximum", key->max);
    case CLIENT_KEY_NUMBER:
        return json_pack("{s:s, s:i, s:i}", "type", "number", "minimum", key->min, "maximum", key->max);
    case CLIENT_KEY_TEXTS:
        return json_pack("{s:s, s:i, s:{s:s, s:i, s:i}}", "type", "array", "maxItems", key->max, "items", "type",
                         "string", "minLength", 1, "maxLength", TEXTS_ITEM_MAX);
    case CLIENT_KEY_WORD:
        return json_pack("{s:s, s:o}", "type", "string", "pattern", json_sprintf("^(%s)$", key->words));
    case CLIENT_KEY_SID:
        return json_pack("{s:s, s:o}", "type", "string", "pattern", json_sprintf("^%s[0-9a-fA-F]{32}$", key->words));
    case CLIENT_KEY_RULES:
        return qualification_rules_schema();
    case CLIENT_KEY_HOURS:
        return json_pack("{s:s, s:s}", "type", "string", "pattern", "^[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}$");
    }
    return NULL;
}

json_t *client_keys_schema(void)
{
    json_t *properties = json_object();

    for (size_t i = 0; i < n_client_keys; i++) {
        json_t *value = value_schema(&client_keys[i]);

        json_object_set_new(value, "description", json_string(client_keys[i].doc));
        if (client_keys[i].secret)
            json_object_set_new(value, "format", json_string("password"));
        json_object_set_new(properties, client_keys[i].name, value);
    }
    return json_pack(
        "{s:s, s:s, s:o, s:b}", "type", "object", "description",
        "In a change, null removes a key. Secrets are kept sealed and shown as \"********\"; sent back like "
        "that, they stay as they are.",
        "properties", properties, "additionalProperties", 0);
}
