/* leadwire-sandbox - the providers in a box. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "libshared/http.h"
#include "libshared/log.h"
#include "libshared/text.h"
#include "tools/sandbox/sandbox.h"
#include "tools/sandbox/twilio_check.h"

static const char help[] =
    "leadwire-sandbox - Twilio's messages, Anthropic's messages and OpenAI's embeddings on one port, for tests and "
    "demos\n"
    "\n"
    "usage: leadwire-sandbox [options]\n"
    "  --port N              where it listens; 0 (the default): any free port\n"
    "  --bind ADDRESS        IP address; 127.0.0.1\n"
    "  --public-url URL      the gateway, to which leads' texts are posted: http://127.0.0.1:8000\n"
    "  --account-sid SID     Twilio's account that it accepts; AC5a9db0c1d2e3f405162738495a6b7c8d\n"
    "  --auth-token TOKEN    the account's token, which also signs webhooks; sandbox-auth-token\n"
    "  --anthropic-key KEY   sk-ant-sandbox\n"
    "  --openai-key KEY      sk-sandbox\n"
    "  --number NUMBER       a number of that account; may be repeated. Without any, all senders are accepted\n"
    "  --account SID:TOKEN[:NUMBER,NUMBER...]\n"
    "                        one more account, with numbers of its own; may be repeated\n"
    "\n"
    "When it is ready it prints {\"port\":N}. SIGTERM or SIGINT ends it.\n"
    "Point the services at it with TWILIO_BASE_URL=http://127.0.0.1:N, ANTHROPIC_BASE_URL the same and\n"
    "OPENAI_BASE_URL=http://127.0.0.1:N/v1.\n"
    "\n"
    "What it accepted, and what shall fail, is under http://127.0.0.1:N/_sandbox/ (JSON):\n"
    "  GET    messages?to=&from=&after=N   accepted messages, oldest first\n"
    "  GET    calls?to=                    calls, what was said and who was dialled\n"
    "  GET    requests?provider=twilio     the last requests\n"
    "  GET    stats                        counts by endpoint\n"
    "  POST   inbound                      {\"from\",\"to\",\"body\",\"wait\":true}: a lead's text, signed, to the "
    "gateway\n"
    "  POST   faults                       {\"endpoint\":\"twilio.send\",\"kind\":\"accept-then-cut\",\"count\":1}\n"
    "  GET, DELETE faults                  what is set; none any more\n"
    "  POST   anthropic/replies            what Claude says next: [{\"text\":\"Hello\"},{\"status\":529}]\n"
    "  PUT    accounts                     {\"account_sid\":\"AC...\",\"refuse\":true}\n"
    "  PUT    templates                    {\"content_sid\":\"HX...\",\"body\":\"Hello {{1}}\"}\n"
    "  PUT    numbers                      {\"number\":\"+15557654321\",\"line_type\":\"landline\"}\n"
    "  POST   optout                       {\"number\":\"+15557654321\"}\n"
    "  POST   reset                        all as new\n"
    "All endpoints, faults and examples: tools/sandbox/README.md\n";

static int usage(const char *text)
{
    fprintf(stderr, "leadwire-sandbox: %s; --help tells more\n", text);
    return 2;
}

/* The first account, of which each part has an option of its own. */
struct first {
    const char *sid, *token;
    struct buf numbers; /* ",+15550100000,+15550100001" */
    struct buf text;    /* "SID:TOKEN:numbers" */
};

/* -1: go on; else the exit code. */
static int read_options(int argc, char **argv, struct sandbox_options *ret, struct first *first)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},
        {"bind", required_argument, NULL, 'b'},
        {"public-url", required_argument, NULL, 'u'},
        {"account-sid", required_argument, NULL, 's'},
        {"auth-token", required_argument, NULL, 't'},
        {"anthropic-key", required_argument, NULL, 'a'},
        {"openai-key", required_argument, NULL, 'o'},
        {"number", required_argument, NULL, 'n'},
        {"account", required_argument, NULL, 'A'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int64_t port;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'p':
            if (!text_to_int(optarg, 0, 65535, &port))
                return usage("--port must be a number from 0 to 65535");
            ret->port = (int)port;
            break;
        case 'b':
            ret->bind_address = optarg;
            break;
        case 'u':
            if (!twilio_check_url(optarg))
                return usage("--public-url must be an http or https URL");
            ret->public_url = optarg;
            optarg[strlen(optarg) - (optarg[strlen(optarg) - 1] == '/')] = '\0';
            break;
        case 's':
            if (!twilio_check_sid(optarg, "AC"))
                return usage("--account-sid must be AC and 32 hex digits");
            first->sid = optarg;
            break;
        case 't':
            first->token = optarg;
            break;
        case 'A':
            if (ret->n_accounts == SANDBOX_ACCOUNTS_MAX)
                return usage("there are too many accounts");
            ret->accounts[ret->n_accounts++] = optarg;
            break;
        case 'a':
            ret->anthropic_key = optarg;
            break;
        case 'o':
            ret->openai_key = optarg;
            break;
        case 'n':
            if (!phone_is_e164(optarg))
                return usage("--number must be one like +15550100000");
            buf_printf(&first->numbers, ",%s", optarg);
            break;
        case 'h':
            fputs(help, stdout);
            return 0;
        default:
            return 2;
        }
    }
    return optind < argc ? usage("there are options only") : -1;
}

int main(int argc, char **argv)
{
    struct sandbox_options options = {
        .bind_address = "127.0.0.1",
        .n_accounts = 1, /* the first has its place */
        .anthropic_key = "sk-ant-sandbox",
        .openai_key = "sk-sandbox",
    };
    struct first first = {.sid = "AC5a9db0c1d2e3f405162738495a6b7c8d", .token = "sandbox-auth-token"};
    AUTO(sandbox_destroy) struct sandbox *sandbox = NULL;
    struct err err = {0};
    sigset_t ends;
    int signal_number, code = read_options(argc, argv, &options, &first);

    if (code >= 0)
        return code;
    buf_printf(&first.text, "%s:%s%s%s", first.sid, first.token, first.numbers.len ? ":" : "",
               first.numbers.len ? first.numbers.data + 1 : "");
    options.accounts[0] = first.text.data;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL); /* before threads, so that only sigwait sees them */
    if (http_global_init(&err) < 0 || !(sandbox = sandbox_new(&options, &err))) {
        fprintf(stderr, "leadwire-sandbox: %s\n", err.text);
        return 1;
    }
    printf("{\"port\":%d}\n", sandbox_port(sandbox));
    fflush(stdout);
    sigwait(&ends, &signal_number);
    sandbox_destroy(&sandbox);
    buf_free(&first.numbers);
    buf_free(&first.text);
    return 0;
}
