/* test_gateway_inbound_form.c - what Twilio's parameters of a text mean. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/err.h"
#include "libshared/form.h"
#include "services/gateway/accept.h"
#include "services/gateway/inbound_form.h"

#define ADDRESSES "MessageSid=SM1&From=%2B15557654321&To=%2B15550100000&"
#define WHATSAPP  "MessageSid=SM1&From=whatsapp:%2B15557654321&To=whatsapp:%2B15550100000&"

static struct arena *arena;
static struct err err;

static void open_arena(void)
{
    arena = arena_new(1024 * 1024);
}

static void close_arena(void)
{
    arena_destroy(&arena);
}

TestSuite(inbound_form, .init = open_arena, .fini = close_arena);

static int read_form(const char *text, struct inbound *in)
{
    struct form form;

    cr_assert_eq(form_parse(text, strlen(text), arena, &form, &err), 0, "%s", err.text);
    *in = (struct inbound){0};
    return inbound_read_form(&form, arena, in, &err);
}

static struct inbound right(const char *text)
{
    struct inbound in;

    cr_assert_eq(read_form(text, &in), 0, "%s", err.text);
    return in;
}

Test(inbound_form, the_addresses_tell_the_channel)
{
    struct inbound sms = right(ADDRESSES "Body=Hi"), whatsapp = right(WHATSAPP "Body=Hi");

    cr_expect_str_eq(sms.channel, "sms");
    cr_expect_str_eq(sms.service, "");
    cr_expect_str_eq(whatsapp.channel, "whatsapp");
    cr_expect_str_eq(whatsapp.from, "+15557654321");
    cr_expect_str_eq(whatsapp.to, "+15550100000");
    cr_expect_str_eq(right(ADDRESSES "Body=Hi&MessagingServiceSid=MG1").service, "MG1");
    cr_expect_str_eq(right(ADDRESSES "Body=Hi&MessagingServiceSid='").service, "");
}

Test(inbound_form, the_parameter_at_fault_is_named)
{
    static const struct {
        const char *text, *field;
    } wrong[] = {
        {"From=%2B15557654321&To=%2B15550100000&Body=Hi", "MessageSid"},
        {"MessageSid=S-1&From=%2B15557654321&To=%2B15550100000&Body=Hi", "MessageSid"},
        {"MessageSid=SM1&To=%2B15550100000&Body=Hi", "From"},
        {"MessageSid=SM1&From=whatsapp:555&To=%2B15550100000&Body=Hi", "From"},
        {"MessageSid=SM1&From=rcs:agent&To=%2B15550100000&Body=Hi", "From"},
        {"MessageSid=SM1&From=whatsapp:%2B15557654321&To=%2B15550100000&Body=Hi", "To"},
        {"MessageSid=SM1&From=%2B15557654321&Body=Hi", "To"},
        {ADDRESSES "NumMedia=0", "Body"},
        {ADDRESSES "Body=&NumMedia=1", "Body"},
        {ADDRESSES "Latitude=x&Longitude=1", "Body"},
    };
    struct inbound in;

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        cr_expect_eq(read_form(wrong[i].text, &in), -1, "%s", wrong[i].text);
        cr_expect_eq(err.kind, ERR_INVALID);
        cr_expect_str_eq(err.field, wrong[i].field, "%s", wrong[i].text);
    }
}

Test(inbound_form, a_text_beyond_all_bounds_is_refused)
{
    static char text[20000] = ADDRESSES "Body=";
    struct inbound in;
    size_t len = strlen(text);

    memset(text + len, 'x', 16384);
    cr_expect_eq(read_form(text, &in), 0);
    text[len + 16384] = 'x';
    cr_expect_eq(read_form(text, &in), -1);
    cr_expect_str_eq(err.field, "Body");
}

Test(inbound_form, attachments_are_references_within_bounds)
{
    struct inbound in = right(ADDRESSES "NumMedia=3&MediaUrl0=https://a/1&MediaContentType0=image/png&MediaUrl1=&"
                                        "MediaUrl2=https://a/%22%3C&MediaUrl3=https://a/not-counted");

    cr_expect_str_eq(in.body, "");
    cr_expect_str_eq(in.media, "[{\"url\":\"https://a/1\",\"content_type\":\"image/png\"},"
                               "{\"url\":\"https://a/\\\"<\",\"content_type\":\"\"}]");
    cr_expect_null(right(ADDRESSES "Body=Hi&NumMedia=0&MediaUrl0=https://a/1").media);
    cr_expect_null(right(ADDRESSES "Body=Hi&NumMedia=x&MediaUrl0=https://a/1").media);
    cr_expect_null(right(ADDRESSES "Body=Hi&NumMedia=1&MediaUrl0=a%0Ab").media);
}

Test(inbound_form, a_location_and_a_button_become_text)
{
    cr_expect_str_eq(right(WHATSAPP "Latitude=48.1&Longitude=-11.5").body, "[location: 48.1, -11.5]");
    cr_expect_str_eq(right(WHATSAPP "Latitude=1&Longitude=2&Label=Home").body, "[location: Home (1, 2)]");
    cr_expect_str_eq(right(WHATSAPP "Latitude=1&Longitude=2&Address=a%0Ab&Label=Home").body,
                     "[location: Home, a b (1, 2)]");
    cr_expect_str_eq(right(WHATSAPP "Body=here&Latitude=1&Longitude=2").body, "here\n[location: 1, 2]");
    cr_expect_str_eq(right(WHATSAPP "Body=here&Latitude=1e9&Longitude=2").body, "here");
    cr_expect_str_eq(right(WHATSAPP "Body=here&Latitude=nan&Longitude=2").body, "here");
    cr_expect_str_eq(right(WHATSAPP "Body=&ButtonText=Book&ButtonPayload=b1").body, "Book");
    cr_expect_str_eq(right(WHATSAPP "ButtonPayload=b1").body, "b1");
    cr_expect_str_eq(right(WHATSAPP "Body=Typed&ButtonText=Book").body, "Typed");
}

Test(inbound_form, a_name_is_one_line_within_bounds)
{
    char text[2048] = WHATSAPP "Body=Hi&ProfileName=";

    cr_expect_null(right(WHATSAPP "Body=Hi").name);
    cr_expect_null(right(WHATSAPP "Body=Hi&ProfileName=+.").name);
    cr_expect_str_eq(right(WHATSAPP "Body=Hi&ProfileName=Ada%0A%09L").name, "Ada  L");
    for (int i = 0; i < 150; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s", "%C3%A4");
    cr_expect_eq(strlen(right(text).name), 200);
}

Test(inbound_form, words_and_twilio_tell_of_consent)
{
    struct inbound stop = right(ADDRESSES "Body=STOP"),
                   free_words = right(ADDRESSES "Body=please+don't+text+me+anymore"),
                   whatsapp = right(WHATSAPP "Body=Stop"), said = right(ADDRESSES "Body=x&OptOutType=help"),
                   yes = right(ADDRESSES "Body=yes"), start = right(ADDRESSES "Body=start"),
                   help = right(ADDRESSES "Body=HELP"), none = right(ADDRESSES "Body=stop+by+tomorrow+at+5");

    cr_expect(strcmp(stop.consent, "out") == 0 && stop.answered);
    cr_expect(strcmp(free_words.consent, "out") == 0 && !free_words.answered);
    cr_expect(strcmp(whatsapp.consent, "out") == 0 && !whatsapp.answered);
    cr_expect(strcmp(said.consent, "help") == 0 && said.answered);
    cr_expect(strcmp(yes.consent, "yes") == 0 && yes.answered);
    cr_expect(strcmp(start.consent, "in") == 0 && start.answered);
    cr_expect(strcmp(help.consent, "help") == 0 && !help.answered);
    cr_expect_str_eq(none.consent, "");
    cr_expect_str_eq(none.language, "en");
}
