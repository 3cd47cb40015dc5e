/* What Twilio is sent, and that nothing is sent twice. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libshared/auto.h"
#include "libshared/err.h"
#include "libshared/http.h"
#include "services/delivery/twilio.h"
#include "tests/unit/fake_twilio.h"

static struct fake_twilio fake;
static struct twilio *twilio;
static struct twilio_sent sent;
static struct err err;
static const struct twilio_account account = {.key = "twilio", .sid = "AC1", .token = "t"};

static void open_all(void)
{
    cr_assert(http_global_init(&err) == 0);
    fake_twilio_start(&fake);
    twilio = twilio_new(fake.url, &err);
    cr_assert(twilio != NULL);
}

static void close_all(void)
{
    twilio_destroy(&twilio);
    fake_twilio_stop(&fake);
}

TestSuite(delivery_requests, .init = open_all, .fini = close_all, .timeout = 30);

/* The form that was posted. */
static const char *form(void)
{
    const char *end = strstr(fake.last, "\r\n\r\n");

    return end ? end + 4 : "";
}
#define FORM (char *)form()

static int send_message(const struct twilio_message *message)
{
    fake_twilio_answer(&fake, 201, "{\"sid\":\"SM1\",\"num_segments\":\"3\",\"status\":\"queued\"}");
    err = (struct err){0};
    sent = (struct twilio_sent){0};
    return twilio_send(twilio, &account, message, &sent, &err);
}

Test(delivery_requests, a_text_goes_from_a_number)
{
    const struct twilio_message message = {.to = "+15550001111",
                                           .from = "+15550002222",
                                           .body = "hello & goodbye \xc3\xa9",
                                           .status_callback = "https://x.example/?a=1&b=2"};

    cr_expect(eq(int, send_message(&message), 0), "%s", err.text);
    cr_expect(eq(str, FORM,
                 "To=%2B15550001111&From=%2B15550002222&Body=hello%20%26%20goodbye%20%C3%A9"
                 "&StatusCallback=https%3A%2F%2Fx.example%2F%3Fa%3D1%26b%3D2"));
    cr_expect(eq(str, sent.sid, "SM1"));
    cr_expect(eq(int, sent.segments, 3));
}

Test(delivery_requests, a_messaging_service_chooses_the_sender)
{
    const struct twilio_message message = {.to = "+15550001111",
                                           .from = "+15550002222",
                                           .messaging_service = "MG1",
                                           .body = "hello"};

    cr_expect(eq(int, send_message(&message), 0), "%s", err.text);
    cr_expect(eq(str, FORM, "To=%2B15550001111&MessagingServiceSid=MG1&Body=hello"));
}

Test(delivery_requests, whatsapp_is_named_before_both_numbers)
{
    const struct twilio_message message = {.whatsapp = true,
                                           .to = "+15550001111",
                                           .from = "+15550002222",
                                           .body = "hello"};

    cr_expect(eq(int, send_message(&message), 0), "%s", err.text);
    cr_expect(eq(str, FORM, "To=whatsapp%3A%2B15550001111&From=whatsapp%3A%2B15550002222&Body=hello"));
}

Test(delivery_requests, a_template_has_no_body_beside_it)
{
    const struct twilio_message message = {.whatsapp = true,
                                           .to = "+15550001111",
                                           .from = "+15550002222",
                                           .messaging_service = "MG1",
                                           .body = "what it renders to",
                                           .content_sid = "HX1",
                                           .content_variables = "{\"1\": \"Ada\"}"};

    cr_expect(eq(int, send_message(&message), 0), "%s", err.text);
    cr_expect(eq(str, FORM,
                 "To=whatsapp%3A%2B15550001111&MessagingServiceSid=MG1&ContentSid=HX1"
                 "&ContentVariables=%7B%221%22%3A%20%22Ada%22%7D"));
}

Test(delivery_requests, segments_that_are_not_known_are_none)
{
    static const char *const told[] = {"\"0\"", "null", "\"x\"", "\"-1\"", "3", "\"99999999999\""};
    const struct twilio_message message = {.to = "+15550001111", .from = "+15550002222", .body = "hello"};

    for (size_t i = 0; i < COUNT_OF(told); i++) {
        fake_twilio_answer(&fake, 201, "{\"sid\":\"SM1\",\"num_segments\":%s}", told[i]);
        cr_expect(eq(int, twilio_send(twilio, &account, &message, &sent, &err), 0));
        cr_expect(eq(int, sent.segments, 0), "%s", told[i]);
    }
}

static int call(const struct twilio_call *wanted)
{
    fake_twilio_answer(&fake, 201, "{\"sid\":\"CA1\",\"status\":\"queued\"}");
    err = (struct err){0};
    return twilio_call(twilio, &account, wanted, &sent, &err);
}

Test(delivery_requests, a_call_says_what_it_is_given)
{
    const struct twilio_call wanted = {.to = "+15550001111",
                                       .from = "+15550002222",
                                       .twiml = "<Response/>",
                                       .status_callback = "https://x.example/",
                                       .ring_s = 25};

    cr_expect(eq(int, call(&wanted), 0), "%s", err.text);
    cr_expect(strstr(fake.last, "POST /2010-04-01/Accounts/AC1/Calls.json ") == fake.last);
    cr_expect(eq(str, FORM,
                 "To=%2B15550001111&From=%2B15550002222&Twiml=%3CResponse%2F%3E&Timeout=25"
                 "&StatusCallback=https%3A%2F%2Fx.example%2F&StatusCallbackEvent=initiated"
                 "&StatusCallbackEvent=ringing&StatusCallbackEvent=answered&StatusCallbackEvent=completed"));
    cr_expect(eq(str, sent.sid, "CA1"));
    cr_expect(eq(int, sent.segments, 0));
}

Test(delivery_requests, a_call_may_ask_for_what_it_says)
{
    const struct twilio_call wanted = {.to = "+15550001111", .from = "+15550002222", .url = "https://x.example/v"};

    cr_expect(eq(int, call(&wanted), 0), "%s", err.text);
    cr_expect(eq(str, FORM, "To=%2B15550001111&From=%2B15550002222&Url=https%3A%2F%2Fx.example%2Fv"));
}

Test(delivery_requests, what_is_said_has_at_most_4000_characters)
{
    static char twiml[4002];
    struct twilio_call wanted = {.to = "+15550001111", .from = "+15550002222", .twiml = twiml};

    memset(twiml, 'x', 4001);
    cr_expect(eq(int, call(&wanted), -1));
    cr_expect(eq(int, err.kind, ERR_INVALID));
    cr_expect(eq(int, fake.n_posts, 0));
    twiml[4000] = '\0';
    cr_expect(eq(int, call(&wanted), 0));
}

Test(delivery_requests, a_daily_limit_is_asked_about_hours_later)
{
    const struct twilio_message message = {.to = "+15550001111", .from = "+15550002222", .body = "hello"};

    fake_twilio_answer(&fake, 400, "{\"code\":63038,\"message\":\"daily limit\"}");
    cr_expect(eq(int, twilio_send(twilio, &account, &message, &sent, &err), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    cr_expect(eq(int, err.retry_after_s, 3), "Twilio has said when");
}

Test(delivery_requests, the_listing_is_asked_for_both_numbers_or_the_recipients)
{
    struct twilio_wanted wanted = {.whatsapp = true, .to = "+15550001111", .from = "+15550002222", .body = "hello"};
    struct twilio_matches matches;

    fake_twilio_answer(&fake, 200, "{\"messages\":[],\"next_page_uri\":null}");
    cr_expect(eq(int, twilio_find(twilio, &account, &wanted, &matches, &err), 0), "%s", err.text);
    cr_expect(strstr(fake.last, "?To=whatsapp%3A%2B15550001111&From=whatsapp%3A%2B15550002222&PageSize=200 ") != NULL);
    wanted = (struct twilio_wanted){.to = "+15550001111",
                                    .from = "+15550002222",
                                    .messaging_service = "MG1",
                                    .body = "hello"};
    fake_twilio_answer(&fake, 200, "{\"messages\":[],\"next_page_uri\":null}");
    cr_expect(eq(int, twilio_find(twilio, &account, &wanted, &matches, &err), 0), "%s", err.text);
    cr_expect(strstr(fake.last, "?To=%2B15550001111&PageSize=200 ") != NULL);
}

/* ---- a connection that is kept, and breaks ---- */

/* Answers the first request of a connection and closes it when the second has come. */
struct breaking {
    int listener;
    char url[64];
    pthread_t thread;
    atomic_int posts;
    atomic_bool ending;
};

static bool read_post(int fd)
{
    char request[4096];
    size_t len = 0;

    for (;;) {
        ssize_t n = read(fd, request + len, sizeof request - 1 - len);

        if (n <= 0)
            return false;
        len += (size_t)n;
        request[len] = '\0';
        if (strstr(request, "Body=hello"))
            return true;
    }
}

static void *break_connections(void *arg)
{
    static const char answer[] = "HTTP/1.1 201 Created\r\nContent-Length: 13\r\n\r\n{\"sid\":\"SM1\"}";
    struct breaking *self = arg;
    int fd;

    while ((fd = accept(self->listener, NULL, NULL)) >= 0 && !self->ending) {
        if (read_post(fd)) {
            self->posts++;
            if (write(fd, answer, sizeof answer - 1) > 0 && read_post(fd))
                self->posts++;
        }
        close(fd);
    }
    if (fd >= 0)
        close(fd);
    return NULL;
}

Test(delivery_requests, a_send_on_a_kept_connection_that_breaks_is_uncertain_and_not_repeated)
{
    const struct twilio_message message = {.to = "+15550001111", .from = "+15550002222", .body = "hello"};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct breaking server = {.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    socklen_t len = sizeof address;

    cr_assert(bind(server.listener, (struct sockaddr *)&address, len) == 0 && listen(server.listener, 8) == 0 &&
              getsockname(server.listener, (struct sockaddr *)&address, &len) == 0);
    snprintf(server.url, sizeof server.url, "http://127.0.0.1:%d", ntohs(address.sin_port));
    cr_assert(pthread_create(&server.thread, NULL, break_connections, &server) == 0);
    twilio_destroy(&twilio);
    twilio = twilio_new(server.url, &err);

    cr_expect(eq(int, twilio_send(twilio, &account, &message, &sent, &err), 0), "%s", err.text);
    cr_expect(eq(int, twilio_send(twilio, &account, &message, &sent, &err), -1));
    cr_expect(eq(int, err.kind, ERR_UNCERTAIN), "%s", err.text);
    cr_expect(eq(int, server.posts, 2), "the second came once");
    cr_expect(eq(int, twilio_send(twilio, &account, &message, &sent, &err), 0), "%s", err.text);

    server.ending = true;
    shutdown(server.listener, SHUT_RDWR);
    twilio_destroy(&twilio);
    pthread_join(server.thread, NULL);
    close(server.listener);
    cr_expect(eq(int, server.posts, 3), "and never again");
}
