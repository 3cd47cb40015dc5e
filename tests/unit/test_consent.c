/* test_consent.c - who says that they want no more texts, and who only uses the same words. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/consent.h"

static void expect(const char *const *texts, size_t n, enum consent_kind kind)
{
    for (size_t i = 0; i < n; i++) {
        struct consent read = consent_read(texts[i]);

        cr_expect_eq(read.kind, kind, "\"%s\" is read as \"%s\"", texts[i], consent_name(read.kind));
        cr_expect_eq(kind != CONSENT_NONE, read.language[0] != '\0', "%s", texts[i]);
    }
}

Test(consent, a_keyword_in_any_form_opts_out)
{
    static const char *const out[] = {"STOP",           "stop",     "Stop.",    "  stop \n", "\"STOP\"!",  "StopAll",
                                      "STOP ALL",       "stop-all", "cancel",   "End",       "quit",       "REVOKE",
                                      "optout",         "OPT OUT",  "opt  out", "opt-out",   "(stop)",     "stop🛑",
                                      "🛑 Stop 🛑", "ＳＴＯＰ", "𝐒𝐓𝐎𝐏",     "*stop*",    "s\u200btop", "stóp",
                                      "stopp",          "STOOOOOP", "Stop!!!!", "UNSUBCRIBE"};

    expect(out, COUNT_OF(out), CONSENT_OUT);
}

Test(consent, the_keywords_of_coming_back_and_of_help)
{
    static const char *const in[] = {"START", "start!", "Unstop", " yes ", "YES.", "ＹＥＳ"};
    static const char *const help[] = {"HELP", "help?", "Info", "INFO!", "ayuda", "مساعدة"};

    expect(in, COUNT_OF(in), CONSENT_IN);
    expect(help, COUNT_OF(help), CONSENT_HELP);
}

/* Twilio answers these for SMS; what it would not act on must not count as answered. */
Test(consent, only_the_bare_word_is_a_keyword_of_the_provider)
{
    static const char *const its[] = {"STOP",   "stopall", "Unsubscribe", "CANCEL", "end",  "Quit", "revoke",
                                      "OptOut", "START",   "yes",         "UNSTOP", "help", "INFO", " stop\r\n"};
    static const char *const ours[] = {"stop.",       "STOP!",    "opt out", "opt-out",  "stop stop",
                                       "please stop", "stop🛑", "stpo",    "ＳＴＯＰ", "توقف",
                                       "alto",        "ayuda",    "remove",  "help?"};

    for (size_t i = 0; i < COUNT_OF(its); i++)
        cr_expect(consent_read(its[i]).keyword, "%s", its[i]);
    for (size_t i = 0; i < COUNT_OF(ours); i++) {
        cr_expect_neq(consent_read(ours[i]).kind, CONSENT_NONE, "%s", ours[i]);
        cr_expect_not(consent_read(ours[i]).keyword, "%s", ours[i]);
    }
}

Test(consent, free_wording_opts_out)
{
    static const char *const out[] = {
        "Please don't text me again",
        "Please don’t text me again",
        "please dont text me anymore",
        "DON`T TEXT ME. EVER.",
        "TAKE ME OFF YOUR LIST",
        "Please stop!",
        "STOP PLEASE.",
        "stop it",
        "Stop, thanks",
        "please end",
        "please stop texting",
        "Stop texting this number, I am at work",
        "Do not text this number.",
        "I'm not interested so please stop texting me",
        "If you don't stop texting me I will report you",
        "hey pls take me of ur list thx",
        "no me escriban más por favor",
        "NO ME ESCRIBAN MAS",
        "ya no quiero recibir mensages",
        "من فضلك لا تراسلني",
        "مـــن فضلك لا تُراسِلني بعد الآن",
        "اوقفوا الرسائل",
        "أَوْقِفُوا الرَّسَائِلَ",
        "S T O P",
        "s.t.o.p",
        "S-T-O-P !",
        "U.n.s.u.b.s.c.r.i.b.e.",
        "Wrong number, don't text again",
        "you have the wrong person stop",
        "not interested, remove",
        "nah we're good stop texting",
        "I'm suing if you text this number again",
        "I wish to no longer be contacted",
        "do NOT reply to this number again",
    };

    expect(out, COUNT_OF(out), CONSENT_OUT);
}

Test(consent, oaths_another_script_and_brackets_do_not_hide_what_is_said)
{
    static const char *const out[] = {
        "stop fucking texting me", "رقم غلط stop texting", "please remove (555) 013-4477 from your contacts",
        "borra mi pinche número",  "لا ترسلولي شي",        "next text goes to my lawyer",
    };
    static const char *const none[] = {
        "my lawyer is texting me about the closing",
        "A.C.",
        "s t",
        "please text me the address of the lawyer",
        "remove (by Friday) the old heater",
        "فني stop by",
        "blocked again, same drain",
        "take 200 off and we have a deal",
    };

    expect(out, COUNT_OF(out), CONSENT_OUT);
    expect(none, COUNT_OF(none), CONSENT_NONE);
}

Test(consent, the_same_words_said_of_something_else_do_not)
{
    static const char *const none[] = {
        "",
        " ",
        "?!",
        "Stop by tomorrow at 5",
        "please stop by tomorrow",
        "please stop the leak",
        "stop it from leaking please",
        "can I cancel my appointment",
        "Can I cancel my appointment?",
        "yes please",
        "the end",
        "end of the month",
        "don't stop",
        "I can't stop thinking about it",
        "do you help with crowns?",
        "quit smoking program?",
        "unsubscribe my wife's policy from the plan",
        "I have to stop texting now, can you call me?",
        "can you take me off the waiting list for Monday and put me on Friday",
        "why did you stop texting me?",
        "don't stop texting me",
        "UNSUBSCRIBEUNSUBSCRIBE",
        "no me escriba antes de las 9",
        "¿puede parar la fuga?",
        "لا ترسل الفني قبل العصر",
        "توقف المكيف عن العمل",
        "I am going to sue you, you ruined my car",
        "you'll hear from my lawyer about this invoice",
        "is this the wrong bus stop",
        "I'll stop texting",
        "me rompieron la mesa, los voy a denunciar",
        "بشتكي عليكم وزارة الصحة",
        "خربتوا سيارتي وبرفع شكوى عليكم",
        "details",
        "Information",
        "name",
        "cancer",
    };

    expect(none, COUNT_OF(none), CONSENT_NONE);
}

Test(consent, wanting_texts_again)
{
    static const char *const in[] = {"start texting me again", "please resubscribe me", "opt me back in"};
    static const char *const none[] = {"start the work on Monday", "you never text me again",
                                       "opt for the silver plan"};

    expect(in, COUNT_OF(in), CONSENT_IN);
    expect(none, COUNT_OF(none), CONSENT_NONE);
}

Test(consent, bytes_that_are_no_text_and_endless_texts_are_read_all_the_same)
{
    char *text = malloc(1 << 20);

    cr_assert(text);
    cr_expect_eq(consent_read("\xff\xfe stop \xc3").kind, CONSENT_OUT);
    cr_expect_eq(consent_read("\xf0\x9f").kind, CONSENT_NONE);
    memset(text, 'a', 1 << 20);
    text[(1 << 20) - 1] = '\0';
    cr_expect_eq(consent_read(text).kind, CONSENT_NONE);
    /* Only the beginning is read. */
    memset(text, ' ', 3000);
    memcpy(text + 3000, "please stop texting me", sizeof "please stop texting me");
    cr_expect_eq(consent_read(text).kind, CONSENT_NONE);
    memcpy(text + 2000, "please stop texting me", sizeof "please stop texting me");
    cr_expect_eq(consent_read(text).kind, CONSENT_OUT);
    free(text);
}

/* ---- the labelled messages of tests/bench/consent ---- */

enum { DEVELOPMENT, HELD_OUT };

struct tally {
    size_t keywords, keywords_read;
    size_t wording, wording_read;
    size_t none, none_out;
};

static size_t half_of(const char *text)
{
    uint32_t h = 2166136261u;

    for (; *text; text++)
        h = (h ^ (uint8_t)*text) * 16777619u;
    return h >> 16 & 1 ? HELD_OUT : DEVELOPMENT;
}

static void count(struct tally tallies[2], const json_t *texts, bool keyword, bool out)
{
    size_t i;
    json_t *item;

    json_array_foreach ((json_t *)texts, i, item) {
        const char *text = json_string_value(item);
        struct tally *tally = &tallies[half_of(text)];
        bool read = consent_read(text).kind == CONSENT_OUT;

        if (!out) {
            tally->none++;
            tally->none_out += read;
        } else if (keyword) {
            tally->keywords++;
            tally->keywords_read += read;
            cr_expect(read, "%s", text);
        } else {
            tally->wording++;
            tally->wording_read += read;
        }
    }
}

static void read_set(const char *language, struct tally tallies[2])
{
    char path[400];
    json_error_t error;
    json_t *set;

    snprintf(path, sizeof path, "%s/tests/bench/consent/%s.json", LEADWIRE_SOURCE_DIR, language);
    set = json_load_file(path, 0, &error);
    cr_assert(set, "%s: %s", path, error.text);
    count(tallies, json_object_get(json_object_get(set, "out"), "keyword"), true, true);
    count(tallies, json_object_get(json_object_get(set, "out"), "wording"), false, true);
    count(tallies, json_object_get(set, "none"), false, false);
    json_decref(set);
}

/* unseen.json: by label, then by language. */
static void read_unseen(const char *language, struct tally tallies[2])
{
    json_error_t error;
    json_t *set = json_load_file(LEADWIRE_SOURCE_DIR "/tests/bench/consent/unseen.json", 0, &error);

    cr_assert(set, "unseen.json: %s", error.text);
    count(tallies, json_object_get(json_object_get(set, "out"), language), false, true);
    count(tallies, json_object_get(json_object_get(set, "none"), language), false, false);
    json_decref(set);
}

static void expect_read_well(const char *name, const struct tally tallies[2])
{
    static const double least[] = {[DEVELOPMENT] = 0.97, [HELD_OUT] = 0.90};
    static const double most[] = {[DEVELOPMENT] = 0.02, [HELD_OUT] = 0.05};

    for (size_t h = 0; h < 2; h++) {
        const struct tally *t = &tallies[h];

        cr_expect_eq(t->keywords_read, t->keywords, "%s", name);
        cr_expect_geq((double)t->wording_read / t->wording, least[h], "%s: %zu of %zu", name, t->wording_read,
                      t->wording);
        cr_expect_leq((double)t->none_out / t->none, most[h], "%s: %zu of %zu", name, t->none_out, t->none);
    }
}

/* What was measured when the rules were made, less a little: scripts/bench consent tells today's figures. */
Test(consent, the_labelled_messages_are_read_as_well_as_when_the_rules_were_made)
{
    static const char *const languages[] = {"english", "spanish", "arabic"};
    size_t out = 0, none_out = 0;

    for (size_t l = 0; l < COUNT_OF(languages); l++) {
        struct tally tallies[2] = {{0}}, unseen[2] = {{0}};

        read_set(languages[l], tallies);
        cr_expect_gt(tallies[DEVELOPMENT].keywords + tallies[HELD_OUT].keywords, 0);
        expect_read_well(languages[l], tallies);
        read_unseen(languages[l], unseen);
        expect_read_well("unseen", unseen);
        for (size_t h = 0; h < 2; h++) {
            out += tallies[h].keywords_read + tallies[h].wording_read + unseen[h].wording_read;
            none_out += tallies[h].none_out + unseen[h].none_out;
        }
    }
    cr_expect_geq((double)out / (out + none_out), 0.97, "%zu of %zu", out, out + none_out);
}
