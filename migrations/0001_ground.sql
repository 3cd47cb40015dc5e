-- 0001: roles, tenants and the bus registry
--
-- One database role per service, without login: each service's connection does
-- SET ROLE to its own and so can do only what is granted here. Row-level security
-- shows a transaction the rows of one client: the one named by the setting
-- leadwire.client_id ('*': every client, for administrators and the scheduler).

CREATE EXTENSION IF NOT EXISTS vector;
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- Roles belong to the whole server: several Leadwire databases may share it.
DO $$
DECLARE
    role_name text;
    -- What lets us SET ROLE to it: from PostgreSQL 16 on a right of its own.
    needed text := CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['leadwire_gateway', 'leadwire_orchestrator', 'leadwire_knowledge',
                                     'leadwire_delivery', 'leadwire_scheduler', 'leadwire_service'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;  -- another database's migration was first
        END;
        IF NOT pg_has_role(current_user, role_name, needed) THEN
            EXECUTE format('GRANT %I TO CURRENT_USER', role_name);
        END IF;
    END LOOP;
END
$$;

-- What every service may do is granted to leadwire_service.
DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['leadwire_orchestrator', 'leadwire_knowledge',
                                     'leadwire_delivery', 'leadwire_scheduler'] LOOP
        IF NOT pg_has_role(role_name, 'leadwire_service', 'USAGE') THEN
            EXECUTE format('GRANT leadwire_service TO %I', role_name);
        END IF;
    END LOOP;
END
$$;

-- The client whose rows this transaction may see; NULL: none.
CREATE FUNCTION leadwire_client() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT CASE WHEN current_setting('leadwire.client_id', true) IN ('', '*') THEN NULL
              ELSE current_setting('leadwire.client_id', true)::uuid END $$;

CREATE FUNCTION leadwire_every_client() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT coalesce(current_setting('leadwire.client_id', true), '') = '*' $$;

-- Who is alive. A row not refreshed for 6 s is stale.
CREATE TABLE mailboxes (
    instance     uuid PRIMARY KEY,
    role         text NOT NULL,
    mailbox      text NOT NULL,
    events       text NOT NULL,
    public_key   text NOT NULL DEFAULT '',
    host         text NOT NULL DEFAULT '',
    pid          integer NOT NULL DEFAULT 0,
    version      text NOT NULL DEFAULT '',
    started_at   timestamptz NOT NULL DEFAULT now(),
    refreshed_at timestamptz NOT NULL DEFAULT now(),
    stats        jsonb NOT NULL DEFAULT '{}'
) WITH (fillfactor = 50);
GRANT SELECT, INSERT, UPDATE, DELETE ON mailboxes TO leadwire_service, leadwire_gateway;

-- The tenants. config holds what overrides the environment for one client; its secrets are sealed.
CREATE TABLE clients (
    client_id      uuid PRIMARY KEY,
    name           text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    timezone       text NOT NULL DEFAULT 'UTC',
    config         jsonb NOT NULL DEFAULT '{}',
    config_version integer NOT NULL DEFAULT 1,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now()
);

-- Which client an inbound number belongs to; kept in step with clients.config by the orchestrator.
CREATE TABLE client_numbers (
    client_id uuid NOT NULL REFERENCES clients ON DELETE CASCADE,
    channel   text NOT NULL CHECK (channel IN ('sms', 'whatsapp')),
    number    text NOT NULL,  -- E.164
    PRIMARY KEY (client_id, channel, number),
    CONSTRAINT client_numbers_one_owner UNIQUE (channel, number)
);

-- Bearer keys, as SHA-256 of a 256 bit random token. client_id NULL: an administrator's.
CREATE TABLE api_keys (
    key_id     uuid PRIMARY KEY,
    client_id  uuid REFERENCES clients ON DELETE CASCADE,
    name       text NOT NULL DEFAULT '',
    hash       text NOT NULL CONSTRAINT api_keys_hash UNIQUE,  -- 64 hex digits
    prefix     text NOT NULL,  -- the first characters of the key, for people to tell keys apart
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);
GRANT SELECT ON api_keys TO leadwire_gateway;

-- A request with an Idempotency-Key has one effect: its answer is stored in the transaction of the effect.
CREATE TABLE idempotency_keys (
    client_id    uuid NOT NULL,  -- the nil UUID for an administrator
    key          text NOT NULL,
    request_hash text NOT NULL,
    reply_type   text NOT NULL DEFAULT '',
    reply        bytea NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO leadwire_service;

ALTER TABLE clients ENABLE ROW LEVEL SECURITY;
ALTER TABLE client_numbers ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON clients USING (client_id = leadwire_client() OR leadwire_every_client());
CREATE POLICY tenant ON client_numbers USING (client_id = leadwire_client() OR leadwire_every_client());
GRANT SELECT ON clients TO leadwire_service;
GRANT INSERT, UPDATE, DELETE ON clients, client_numbers TO leadwire_orchestrator;
GRANT SELECT ON client_numbers TO leadwire_service;
