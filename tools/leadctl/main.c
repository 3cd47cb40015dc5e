/* leadctl - the operator's command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/http.h"
#include "libshared/log.h"
#include "tools/leadctl/ctl.h"

#define ARENA_BYTES (64 * 1024 * 1024)
#define MANY        (CTL_WORDS_MAX)

static const struct ctl_command commands[] = {
    {"migrate", "dir=", 0, 0, "[--dir DIR]", "bring the database's schema up to date", cmd_migrate},
    {"client create", "name= timezone= sms= config=", 0, 0,
     "--name NAME [--timezone ZONE] [--sms +1...] [--config JSON]", "make a client; prints its id", cmd_client_create},
    {"client list", "json", 0, 0, "[--json]", "all clients", cmd_client_list},
    {"client keys", "json", 0, 0, "[--json]", "what a client's configuration may hold", cmd_client_keys},
    {"key create", "admin client= name=", 0, 0, "(--admin | --client ID) [--name NAME]",
     "make an API key; it is printed this once, on the last line", cmd_key_create},
    {"key list", "client= json", 0, 0, "[--client ID] [--json]", "all API keys, revoked ones too", cmd_key_list},
    {"key revoke", "", 1, 1, "KEY_ID", "refuse an API key from now on", cmd_key_revoke},
    {"form create", "client= name= channel= consent= country= language= redirect= new-per-day=", 0, 0,
     "--client ID --name NAME [--channel sms|whatsapp] [--consent TEXT] [--country CODE] [--language TAG] [--redirect "
     "URL] [--new-per-day N]",
     "make a web form; its token is printed this once, on the last line. It makes us write to N numbers a day that "
     "have "
     "never texted (100)",
     cmd_form_create},
    {"form list", "client= json", 0, 0, "[--client ID] [--json]", "all web forms, disabled ones too", cmd_form_list},
    {"form rotate", "", 1, 1, "FORM_ID", "give a web form a new token, printed this once; the one before is refused",
     cmd_form_rotate},
    {"form disable", "", 1, 1, "FORM_ID", "refuse a web form's submissions from now on", cmd_form_disable},
    {"kb list", "client= json", 0, 0, "[--client ID] [--json]", "what each knowledge base holds", cmd_kb_list},
    {"chat", "client= to= from= whatsapp sandbox= once= timeout=", 0, MANY,
     "(--client ID | --to NUMBER) [--from NUMBER] [--whatsapp] [--sandbox URL] [--timeout SECONDS] [[--once] TEXT ...]",
     "write as a lead, through the sandbox; without a TEXT lines are read from standard input", cmd_chat},
    {"tap", "", 0, 1, "[PREFIX]", "print events as JSON lines as they happen; PREFIX: message, lead.hot, ...", cmd_tap},
    {"task list", "state= kind= client= after= limit= json", 0, 0,
     "[--state ready|running|dead|finished] [--kind KIND] [--client ID] [--limit N] [--after TASK_ID] [--json]",
     "tasks, newest first", cmd_task_list},
    {"task show", "", 1, 1, "TASK_ID", "everything about a task, as JSON", cmd_task_show},
    {"task retry", "", 1, 1, "TASK_ID", "let a dead task try again", cmd_task_retry},
    {"lead list", "client= score= status= text= limit= json", 0, 0,
     "[--client ID] [--score HOT|WARM|COLD] [--status STATUS] [--text TEXT] [--limit N] [--json]",
     "leads, newest first; STATUS: open, escalated, taken_over, closed or opted_out", cmd_lead_list},
    {"lead show", "", 1, 1, "LEAD_ID", "everything that is known of a lead, as JSON", cmd_lead_show},
    {"lead opt-out", "reason=", 1, 1, "LEAD_ID [--reason TEXT]", "the lead wants no more messages", cmd_lead_opt_out},
    {"lead opt-in", "reason=", 1, 1, "LEAD_ID --reason TEXT", "the lead has agreed to messages again: how",
     cmd_lead_opt_in},
    {"lead export", "", 1, 1, "LEAD_ID", "everything about one person, as JSON, one object a line", cmd_lead_export},
    {"lead erase", "yes", 1, 1, "LEAD_ID --yes", "forget one person: nothing brings it back", cmd_lead_erase},
    {"conversation show", "", 1, 1, "CONVERSATION_ID", "a conversation and what has happened to it, as JSON",
     cmd_conversation_show},
    {"conversation takeover", "who= reason=", 1, 1, "CONVERSATION_ID [--who NAME] [--reason TEXT]",
     "a person has it from now on: the agent is silent", cmd_conversation_takeover},
    {"conversation release", "who= note=", 1, 1, "CONVERSATION_ID [--who NAME] [--note TEXT]",
     "the agent has it again, and answers what the lead has written; TEXT: what it is to know",
     cmd_conversation_release},
    {"conversation close", "who= reason=", 1, 1, "CONVERSATION_ID [--who NAME] [--reason TEXT]",
     "nothing in it waits for an answer; it is open again when somebody writes", cmd_conversation_close},
    {"notices resolve", "", 1, 1, "NOTICE_ID", "say that a notice is seen to", cmd_notices_resolve},
    {"notices", "client= all limit= json", 0, 0, "[--client ID] [--all] [--limit N] [--json]",
     "what a person must see to, newest first; --all: also what is over", cmd_notices},
    {"status", "json", 0, 0, "[--json]",
     "who is alive, what work waits, and how many notices are open; fails if a service is missing", cmd_status},
    {"usage", "from= to= json", 1, 1, "CLIENT_ID [--from DAY] [--to DAY] [--json]",
     "what the model has cost a client, by day and model, and its month's budget; by default this month", cmd_usage},
    {"why", "json", 1, 1, "MESSAGE_ID [--json]",
     "what became of a message, and what the decision that wrote it saw, found, held and cost", cmd_why},
    {"replay", "conversation= since= client= limit= json", 0, 1,
     "(TURN_ID | [--conversation ID] [--since 30m|12h|7d] [--client ID] [--limit N]) [--json]",
     "decide again from the record, with this code, and compare: ends with 0 if it is the same, 1 if not, 2 if it "
     "cannot; of many only those that are not the same are shown",
     cmd_replay},
};

static void print_usage(FILE *out, const struct ctl_command *command)
{
    fprintf(out, "usage: leadctl %s %s\n  %s\n", command->words, command->usage, command->doc);
}

static int help(FILE *out)
{
    fprintf(out, "leadctl " LEADWIRE_VERSION
                 " - the operator's command line of Leadwire\n\nusage: leadctl COMMAND ... | --version\n");
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        fprintf(out, "  %-21s %s\n", commands[i].words, commands[i].doc);
    fprintf(out, "\nleadctl COMMAND --help tells more. The database is the one of DATABASE_URL.\n");
    return out == stderr ? 2 : 0;
}

/* How many of the words on the command line are the command's own; 0 if it is another. */
static int match(const char *words, int argc, char *const *argv)
{
    int n = 0;

    for (const char *at = words; *at; n++) {
        size_t len = strcspn(at, " ");
        if (n >= argc || strlen(argv[n]) != len || strncmp(argv[n], at, len) != 0)
            return 0;
        at += len + (at[len] == ' ');
    }
    return n;
}

/* The first word of several commands, as in leadctl lead: they are listed. */
static int unknown(const char *word, bool asked)
{
    FILE *out = asked ? stdout : stderr;
    size_t len = strlen(word), n = 0;

    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (strncmp(commands[i].words, word, len) == 0 && commands[i].words[len] == ' ') {
            print_usage(out, &commands[i]);
            n++;
        }
    if (n > 0)
        return asked ? 0 : 2;
    fprintf(stderr, "leadctl: there is no command %s; leadctl help lists them\n", word);
    return 2;
}

static void ctl_close(struct ctl *ctl)
{
    db_pool_destroy(&ctl->db);
    config_free(&ctl->config);
    arena_destroy(&ctl->arena);
}

static int run(const struct ctl_command *command, int argc, char *const *argv)
{
    AUTO(ctl_close) struct ctl ctl = {.exit_code = 1};
    struct err err = {0};

    log_init("leadctl", "error");
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0) {
            print_usage(stdout, command);
            return 0;
        }
    if (!(ctl.arena = arena_new(ARENA_BYTES)))
        err_set(&err, ERR_INTERNAL, "out of memory");
    else if (config_load(&ctl.config, &err) == 0 && http_global_init(&err) == 0 &&
             ctl_parse(&ctl, command, argc, argv, &err) == 0 && command->run(&ctl, &err) == 0)
        return fflush(stdout) == 0 ? 0 : 1;
    fflush(stdout);
    fprintf(stderr, "leadctl: %s%s%s\n", err.field, *err.field ? ": " : "", err.text);
    return ctl.exit_code;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return help(stderr);
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return help(stdout);
    if (strcmp(argv[1], "--version") == 0) {
        puts("leadctl " LEADWIRE_VERSION);
        return 0;
    }
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        int words = match(commands[i].words, argc - 1, argv + 1);
        if (words > 0)
            return run(&commands[i], argc - 1 - words, argv + 1 + words);
    }
    return unknown(argv[1], argc > 2 && strcmp(argv[2], "--help") == 0);
}
