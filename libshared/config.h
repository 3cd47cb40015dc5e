/* config.h - every setting, declared once. All come from the environment.
 *
 * A wrong or missing one stops the process at start with one line that names it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct err;

/* V(field, type, ENVIRONMENT_NAME, default, min, max, meaning)
 * STR: const char *, NULL when unset and without default; min and max bound its bytes.
 * INT: int64_t within min and max. URL: STR that must be http:// or https:// without a trailing slash (one is cut).
 * SECRET: STR that --help and errors never show. */
/* clang-format off */
#define CONFIG_VARS(V)                                                                                                    \
    V(database_url,      STR,    "DATABASE_URL", NULL, 1, 2048, "PostgreSQL 15 or later with pgvector, e.g. postgresql://user:password@host/leadwire") \
    V(gateway_bind,      STR,    "GATEWAY_BIND", "0.0.0.0", 1, 64, "IP address the gateway listens on for HTTP")           \
    V(gateway_port,      INT,    "GATEWAY_PORT", 8000, 0, 65535, "port the gateway listens on for HTTP; 0: any free one")   \
    V(public_url,        URL,    "PUBLIC_URL", NULL, 1, 1024, "the gateway's address as providers call it, e.g. https://leads.example.com; Twilio signs it") \
    V(master_key,        SECRET, "LEADWIRE_MASTER_KEY", NULL, 64, 64, "64 hex digits; seals the secrets in clients' configurations") \
    V(bind_address,      STR,    "LEADWIRE_BIND_ADDRESS", "127.0.0.1", 1, 64, "IP address of the service's mailbox; beyond loopback CURVE is on") \
    V(advertise_address, STR,    "LEADWIRE_ADVERTISE_ADDRESS", NULL, 1, 64, "IP address or host name the other services connect to; unset: the bind address, or this host's name where that is 0.0.0.0") \
    V(workers,           INT,    "LEADWIRE_WORKERS", 0, 0, 512, "worker threads of the service; 0: the service's own default") \
    V(db_connections,    INT,    "LEADWIRE_DB_CONNECTIONS", 4, 2, 64, "database connections of the service at most, besides its listener") \
    V(log_level,         STR,    "LEADWIRE_LOG_LEVEL", "info", 1, 8, "debug, info, warn or error")                         \
    V(drain_s,           INT,    "LEADWIRE_DRAIN_SECONDS", 10, 0, 300, "seconds that work under way may take to end after SIGTERM") \
    V(twilio_account_sid, STR,   "TWILIO_ACCOUNT_SID", NULL, 1, 64, "account that sends, AC...")                           \
    V(twilio_auth_token, SECRET, "TWILIO_AUTH_TOKEN", NULL, 1, 128, "its primary auth token; also checks the signature of webhooks") \
    V(twilio_base_url,   URL,    "TWILIO_BASE_URL", "https://api.twilio.com", 1, 1024, "Twilio's API; with another address than the default, content and lookups are asked for there too") \
    V(long_code_per_s,   INT,    "LEADWIRE_LONG_CODE_PER_SECOND", 1, 0, 100000, "segments a second that one ordinary number sends, all processes together; 0: as fast as may be") \
    V(toll_free_per_s,   INT,    "LEADWIRE_TOLL_FREE_PER_SECOND", 10, 0, 100000, "the same of a toll-free number")         \
    V(short_code_per_s,  INT,    "LEADWIRE_SHORT_CODE_PER_SECOND", 100, 0, 100000, "the same of a short code")              \
    V(service_per_s,     INT,    "LEADWIRE_MESSAGING_SERVICE_PER_SECOND", 10, 0, 100000, "the same of a messaging service without a number") \
    V(whatsapp_per_s,    INT,    "LEADWIRE_WHATSAPP_PER_SECOND", 80, 0, 100000, "messages a second that one WhatsApp sender sends") \
    V(calls_per_s,       INT,    "LEADWIRE_CALLS_PER_SECOND", 1, 0, 100000, "calls a second that one number makes")         \
    V(anthropic_api_key, SECRET, "ANTHROPIC_API_KEY", NULL, 1, 256, "unset: the scripted agent answers")                   \
    V(anthropic_model,   STR,    "ANTHROPIC_MODEL", "claude-sonnet-5-5", 1, 128, "model that answers")                     \
    V(anthropic_base_url, URL,   "ANTHROPIC_BASE_URL", "https://api.anthropic.com", 1, 1024, "Anthropic's API")            \
    V(anthropic_prices,  STR,    "ANTHROPIC_PRICES", NULL, 1, 2048, "USD of a million tokens of input and output by the beginning of a model's name, where the built-in list is wrong, e.g. claude-sonnet-5=2/10,claude-opus-=5/25") \
    V(openai_api_key,    SECRET, "OPENAI_API_KEY", NULL, 1, 256, "unset: the built-in model embeds, English alone")              \
    V(openai_base_url,   URL,    "OPENAI_BASE_URL", "https://api.openai.com/v1", 1, 1024, "OpenAI's API, with its /v1")    \
    V(openai_embedding_model, STR, "OPENAI_EMBEDDING_MODEL", "text-embedding-3-small", 1, 128, "model of new knowledge bases where there is a key") \
    V(model_file,        STR,    "LEADWIRE_MODEL_FILE", NULL, 1, 1024, "the built-in embedding model; unset: ../share/leadwire/all-MiniLM-L6-v2.model beside the program's folder") \
    V(upload_max_bytes,  INT,    "LEADWIRE_UPLOAD_MAX_BYTES", 10485760, 65536, 104857600, "largest document or bulk that may be posted, bytes") \
    V(hnsw_min_vectors,  INT,    "LEADWIRE_HNSW_MIN_VECTORS", 1000, 0, 100000000, "a client with as many vectors of a model gets an HNSW index for them; below, search is exact. 0: always exact") \
    V(copy_mb,           INT,    "LEADWIRE_KNOWLEDGE_COPY_MB", 96, 0, 65536, "copies of what clients know, which a knowledge process searches, MiB altogether; a client of 10,000 chunks takes 25 to 70. 0: none, the database searches") \
    V(reconcile_after_s, STR,    "LEADWIRE_RECONCILE_AFTER_SECONDS", "5,15,60,300", 1, 64, "when Twilio is asked what became of a send without a clear answer, seconds after the attempt") \
    V(burst_wait_ms,     INT,    "LEADWIRE_BURST_WAIT_MS", 1000, 0, 4000, "wait for the next text after one that does not look complete, milliseconds; twice as long where more is announced, up to four times as the lead writes, at most 4000; 0: none") \
    V(usage_every_s,     INT,    "LEADWIRE_USAGE_SECONDS", 60, 1, 3600, "how often tokens and cost are added up per client and day, and budgets looked at, seconds") \
    V(history_tokens,    INT,    "LEADWIRE_HISTORY_TOKENS", 12000, 1000, 200000, "what the agent sees of a conversation at most, tokens of about four bytes; where it is more, the older half is left out")                 \
    V(agent_patience_s,  INT,    "LEADWIRE_AGENT_PATIENCE_SECONDS", 20, 1, 120, "how long a lead may wait for the model before the scripted agent answers, seconds")
/* clang-format on */

#define CONFIG_C_STR                                        const char *
#define CONFIG_C_URL                                        const char *
#define CONFIG_C_SECRET                                     const char *
#define CONFIG_C_INT                                        int64_t
#define CONFIG_MEMBER(field, type, env, def, min, max, doc) CONFIG_C_##type field;

struct config {
    CONFIG_VARS(CONFIG_MEMBER)
};

/* Reads the environment. -1 and *err naming the variable if one is wrong. An empty variable counts as unset.
 * The strings belong to *ret_config until config_free. */
int config_load(struct config *ret_config, struct err *err);
void config_free(struct config *config);

/* ERR_INVALID naming the variable unless the field is set: config_require(config, "DATABASE_URL", &err). */
int config_require(const struct config *config, const char *env_name, struct err *err);

/* One line a variable: name, default, meaning. For --help. */
void config_print_help(FILE *out);
