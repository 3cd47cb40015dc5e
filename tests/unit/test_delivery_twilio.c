/* How delivery understands Twilio's answers and listings. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/err.h"
#include "libshared/http.h"
#include "services/delivery/delivery.h"
#include "services/delivery/twilio.h"

#define SID "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct twilio_sent sent;
static struct err err;

static int answer(int status, const char *body)
{
    const struct http_response response = {.status = status,
                                           .body = body,
                                           .body_len = strlen(body),
                                           .retry_after_s = 7};

    err = (struct err){0};
    sent = (struct twilio_sent){0};
    return twilio_read_send_answer(&response, &sent, &err);
}

/* The kind of error that an answer is. */
static int kind(int status, const char *body)
{
    cr_assert(eq(int, answer(status, body), -1), "%d %s", status, body);
    return err.kind;
}

Test(delivery_twilio, an_answer_with_a_sid_is_sent)
{
    cr_expect(eq(int, answer(201, "{\"sid\":\"" SID "\",\"status\":\"queued\"}"), 0));
    cr_expect(eq(str, sent.sid, SID));
}

Test(delivery_twilio, a_success_that_cannot_be_read_is_uncertain)
{
    cr_expect(eq(int, kind(201, ""), ERR_UNCERTAIN));
    cr_expect(eq(int, kind(201, "{}"), ERR_UNCERTAIN));
    cr_expect(eq(int, kind(201, "{\"sid\":null}"), ERR_UNCERTAIN));
    cr_expect(eq(int, kind(201, "{\"sid\":\"\"}"), ERR_UNCERTAIN));
    cr_expect(eq(int, kind(201, "{\"sid\":\"SM'--\"}"), ERR_UNCERTAIN));
    cr_expect(eq(int, kind(201, "{\"sid\":\"" SID), ERR_UNCERTAIN));
    cr_expect(eq(int, kind(200, "<html>"), ERR_UNCERTAIN));
}

Test(delivery_twilio, refusals_are_final_with_twilios_code)
{
    cr_expect(eq(int, kind(400, "{\"code\":21211,\"message\":\"Invalid 'To' Phone Number\"}"), ERR_INVALID));
    cr_expect(eq(int, err.provider_code, 21211));
    cr_expect(strstr(err.text, "Invalid 'To' Phone Number") != NULL);
    cr_expect(eq(int, kind(400, "{\"code\":21610,\"message\":\"unsubscribed\"}"), ERR_INVALID));
    cr_expect(eq(int, err.provider_code, 21610));
    cr_expect(eq(int, kind(400, "not json"), ERR_INVALID));
    cr_expect(eq(int, err.provider_code, 0));
}

Test(delivery_twilio, account_errors_are_final_and_say_what_to_fix)
{
    cr_expect(eq(int, kind(401, "{\"code\":20003,\"message\":\"Authenticate\"}"), ERR_DENIED));
    cr_expect(twilio_remedy(err.provider_code) != NULL);
    cr_expect(eq(int, kind(401, ""), ERR_DENIED));
    cr_expect(eq(int, err.provider_code, 20003));
    cr_expect(eq(int, kind(404, "{\"code\":20404}"), ERR_DENIED));
    cr_expect(eq(int, kind(404, ""), ERR_DENIED));
    cr_expect(eq(int, kind(400, "{\"code\":21606,\"message\":\"x\"}"), ERR_DENIED));
    cr_expect(twilio_remedy(21211) == NULL);
}

Test(delivery_twilio, what_twilio_puts_off_is_retried_when_it_says)
{
    cr_expect(eq(int, kind(429, "{\"code\":20429,\"message\":\"Too Many Requests\"}"), ERR_UNAVAILABLE));
    cr_expect(eq(int, err.retry_after_s, 7));
    cr_expect(eq(int, kind(429, ""), ERR_UNAVAILABLE));
    cr_expect(eq(int, kind(400, "{\"code\":21611,\"message\":\"queue full\"}"), ERR_UNAVAILABLE));
}

Test(delivery_twilio, server_errors_are_uncertain)
{
    cr_expect(eq(int, kind(500, ""), ERR_UNCERTAIN));
    cr_expect(eq(int, kind(503, "{\"code\":20503,\"message\":\"Service unavailable\"}"), ERR_UNCERTAIN));
    cr_expect(eq(int, err.provider_code, 20503));
    cr_expect(eq(int, kind(504, "<html>"), ERR_UNCERTAIN));
    cr_expect(eq(int, kind(302, ""), ERR_UNCERTAIN));
    cr_expect(eq(int, kind(408, ""), ERR_UNCERTAIN));
}

Test(delivery_twilio, phone_numbers_in_error_texts_are_masked)
{
    answer(400, "{\"code\":21211,\"message\":\"The number +15551234567 (or 1234567) is\\nwrong, error 21211\"}");
    cr_expect(strstr(err.text, "15551234567") == NULL);
    cr_expect(strstr(err.text, "The number +1555***4567 (or 1234***) is wrong, error 21211") != NULL, "%s", err.text);
}

/* ---- listings ---- */

#define FROM "+15550002222"
#define TO   "+15550001111"

static const struct twilio_wanted wanted = {.from = FROM,
                                            .to = TO,
                                            .body = "hello \"you\"",
                                            .not_before_us = 1558719886000000 /* 24 May 2019 17:44:46 */};

#define LISTED(direction, from, to, body, date, id)                                             \
    "{\"direction\":\"" direction "\",\"from\":\"" from "\",\"to\":\"" to "\",\"body\":\"" body \
    "\",\"date_created\":\"" date "\",\"date_sent\":null,\"sid\":\"" id "\"}"
#define OURS(date, id) LISTED("outbound-api", FROM, TO, "hello \\\"you\\\"", date, id)
#define IN_TIME        "Fri, 24 May 2019 17:44:46 +0000"
#define TOO_EARLY      "Fri, 24 May 2019 17:44:45 +0000"
#define PAGE(items)    "{\"messages\":[" items "],\"next_page_uri\":null}"

static struct twilio_matches matches;
static char *next;

static int page(const char *body)
{
    matches.n = 0;
    next = NULL;
    err = (struct err){0};
    return twilio_read_page(body, strlen(body), &wanted, &matches, &next, &err);
}

Test(delivery_twilio, a_queued_message_is_found_in_the_listing)
{
    cr_assert(eq(int, page(PAGE(OURS(IN_TIME, "SM1"))), 0));
    cr_assert(eq(sz, matches.n, 1));
    cr_expect(eq(str, matches.items[0].sid, "SM1"));
    cr_expect(matches.items[0].same_body);
    cr_expect(eq(i64, matches.items[0].created_at_us, wanted.not_before_us));
    cr_expect(next == NULL);
}

Test(delivery_twilio, dates_are_compared_across_zones)
{
    cr_assert(eq(int, page(PAGE(OURS("Fri, 24 May 2019 19:44:46 +0200", "SM1"))), 0));
    cr_expect(eq(sz, matches.n, 1));
    cr_assert(eq(int, page(PAGE(OURS("Fri, 24 May 2019 17:44:46 +0200", "SM1"))), 0));
    cr_expect(eq(sz, matches.n, 0));
}

Test(delivery_twilio, what_cannot_be_the_message_does_not_match)
{
    cr_assert(eq(int, page(PAGE(OURS(TOO_EARLY, "SM1"))), 0));
    cr_expect(eq(sz, matches.n, 0), "created before it was sent");
    cr_assert(eq(int, page(PAGE(LISTED("inbound", FROM, TO, "x", IN_TIME, "SM1"))), 0));
    cr_expect(eq(sz, matches.n, 0), "inbound");
    cr_assert(eq(int, page(PAGE(LISTED("outbound-api", FROM, "+15550003333", "x", IN_TIME, "SM1"))), 0));
    cr_expect(eq(sz, matches.n, 0), "to another");
    cr_assert(eq(int, page(PAGE(LISTED("outbound-api", "+15550003333", TO, "x", IN_TIME, "SM1"))), 0));
    cr_expect(eq(sz, matches.n, 0), "from another");
    cr_assert(eq(int, page(PAGE("")), 0));
    cr_expect(eq(sz, matches.n, 0));
}

Test(delivery_twilio, what_a_messaging_service_sent_is_known_by_the_service)
{
    const struct twilio_wanted by_service = {.to = TO, .messaging_service = "MG1", .body = "hello"};
    static const char page_of_service[] =
        PAGE("{\"direction\":\"outbound-api\",\"from\":null,\"to\":\"" TO "\",\"body\":\"hello\","
             "\"messaging_service_sid\":\"MG1\",\"date_created\":\"" IN_TIME "\",\"sid\":\"SM1\"},"
             "{\"direction\":\"outbound-api\",\"from\":\"" FROM "\",\"to\":\"" TO "\",\"body\":\"hello\","
             "\"messaging_service_sid\":\"MG2\",\"date_created\":\"" IN_TIME "\",\"sid\":\"SM2\"},"
             "{\"direction\":\"outbound-api\",\"from\":\"" FROM "\",\"to\":\"" TO "\",\"body\":\"hello\","
             "\"messaging_service_sid\":null,\"date_created\":\"" IN_TIME "\",\"sid\":\"SM3\"}");

    matches.n = 0;
    cr_assert(
        eq(int, twilio_read_page(page_of_service, strlen(page_of_service), &by_service, &matches, &next, &err), 0));
    cr_assert(eq(sz, matches.n, 1));
    cr_expect(eq(str, matches.items[0].sid, "SM1"));
}

Test(delivery_twilio, whatsapp_and_sms_between_the_same_numbers_are_told_apart)
{
    const struct twilio_wanted by_whatsapp = {.whatsapp = true, .to = TO, .from = FROM, .body = "hello"};
    static const char both[] =
        PAGE(LISTED("outbound-api", FROM, TO, "hello", IN_TIME,
                    "SM1") "," LISTED("outbound-api", "whatsapp:" FROM, "whatsapp:" TO, "hello", IN_TIME, "SM2"));

    matches.n = 0;
    cr_assert(eq(int, twilio_read_page(both, strlen(both), &by_whatsapp, &matches, &next, &err), 0));
    cr_assert(eq(sz, matches.n, 1));
    cr_expect(eq(str, matches.items[0].sid, "SM2"));
    cr_assert(eq(int, page(both), 0));
    cr_assert(eq(sz, matches.n, 1));
    cr_expect(eq(str, matches.items[0].sid, "SM1"));
}

Test(delivery_twilio, another_text_of_the_same_time_is_told_apart)
{
    cr_assert(eq(int, page(PAGE(LISTED("outbound-api", FROM, TO, "hello", IN_TIME, "SM1"))), 0));
    cr_assert(eq(sz, matches.n, 1));
    cr_expect(not(matches.items[0].same_body));
}

Test(delivery_twilio, a_listing_that_cannot_be_read_says_nothing)
{
    cr_expect(eq(int, page(""), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    cr_expect(eq(int, page("{}"), -1));
    cr_expect(eq(int, page("{\"messages\":{}}"), -1));
    cr_expect(eq(int, page(PAGE(OURS("2019-05-24", "SM1"))), -1));
    cr_expect(eq(int, page(PAGE(OURS(IN_TIME, ""))), -1));
}

Test(delivery_twilio, the_next_page_is_a_path_on_the_same_host)
{
    cr_assert(eq(int, page("{\"messages\":[],\"next_page_uri\":\"/2010-04-01/x?Page=1\"}"), 0));
    cr_expect(eq(str, next, "/2010-04-01/x?Page=1"));
    free(next);
    cr_expect(eq(int, page("{\"messages\":[],\"next_page_uri\":\"https://evil.example/\"}"), -1));
    cr_expect(eq(int, page("{\"messages\":[],\"next_page_uri\":\".evil.example/\"}"), -1));
    cr_expect(next == NULL);
}

Test(delivery_twilio, more_matches_than_there_is_room_for_are_no_verdict)
{
    for (int i = 0; i < TWILIO_MATCHES_MAX; i++)
        matches.items[i] = (struct twilio_match){.sid = "SM0"};
    matches.n = TWILIO_MATCHES_MAX;
    cr_expect(eq(int,
                 twilio_read_page(PAGE(OURS(IN_TIME, "SM1")), strlen(PAGE(OURS(IN_TIME, "SM1"))), &wanted, &matches,
                                  &next, &err),
                 -1));
}

/* ---- when to look ---- */

Test(delivery_schedule, is_a_list_of_ascending_seconds)
{
    struct look_schedule schedule;

    cr_assert(eq(int, look_schedule_parse("5,15,60,300", &schedule, &err), 0));
    cr_expect(eq(int, schedule.n, 4));
    cr_expect(eq(i64, schedule.after_ms[0], 5000));
    cr_expect(eq(i64, schedule.after_ms[3], 300000));
    cr_assert(eq(int, look_schedule_parse("1,2", &schedule, &err), 0));
    cr_expect(eq(int, schedule.n, 2));
}

Test(delivery_schedule, anything_else_is_refused_by_name)
{
    const char *const wrong[] = {"",     "5",     "5,",        "5,5",    "15,5", ",5,15",
                                 "0,5",  "5,,15", "5, 15",     "a,b",    "5;15", "1,2,3,4,5,6,7,8,9",
                                 "5,-1", "5,15,", "5,9999999", "5,86401"};
    struct look_schedule schedule;

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        cr_expect(eq(int, look_schedule_parse(wrong[i], &schedule, &err), -1), "%s", wrong[i]);
        cr_expect(strstr(err.text, "LEADWIRE_RECONCILE_AFTER_SECONDS") != NULL);
    }
}

Test(delivery_schedule, a_look_is_due_when_its_time_has_come)
{
    struct look_schedule schedule;

    cr_assert(eq(int, look_schedule_parse("5,15", &schedule, &err), 0));
    cr_expect(eq(i64, look_due_in_ms(&schedule, 0, 0), 5000));
    cr_expect(eq(i64, look_due_in_ms(&schedule, 0, 4999), 1));
    cr_expect(eq(i64, look_due_in_ms(&schedule, 0, 5000), 0));
    cr_expect(eq(i64, look_due_in_ms(&schedule, 1, 5000), 10000));
    cr_expect(eq(i64, look_due_in_ms(&schedule, 1, 20000), 0));
    cr_expect(eq(i64, look_due_in_ms(&schedule, 2, 0), 0), "beyond the last one somebody has asked for it");
}
