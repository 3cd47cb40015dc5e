-- 0030: what delivery stands on: lanes, accounts, notices, consents, and what a message may be

-- ---- messages ----

-- purpose: why we write, and so which rules hold at the moment of the send (see delivery's admission):
--   reply    an answer to somebody who has just written: at once
--   started  what we begin ourselves (a greeting, a follow-up, a person's message hours later): within the lead's
--            allowed hours alone
--   consent  the one confirmation of an opt-out or opt-in, or the answer to HELP: goes to an opted-out lead too
--   alert    to the client's own people, not to the lead: hidden from the conversation's history
-- channel 'voice' is a call: body is what is said.
ALTER TABLE messages
    ADD COLUMN purpose text NOT NULL DEFAULT 'reply' CHECK (purpose IN ('reply', 'started', 'consent', 'alert')),
    ADD COLUMN content_sid text,         -- of a WhatsApp template, HX...; body is then what it renders to, as far as known
    ADD COLUMN content_variables jsonb,  -- {"1": "Ada"}
    ADD COLUMN media jsonb,              -- in: [{"url", "content_type"}], references alone
    ADD COLUMN segments integer;         -- of a text, as it is billed

-- ---- leads ----

ALTER TABLE leads
    ADD COLUMN timezone text,            -- IANA name, where it is known; else the number's prefix tells
    ADD COLUMN phone_valid boolean,      -- NULL: never looked up
    ADD COLUMN phone_country text,       -- ISO 3166-1, two letters
    ADD COLUMN phone_line_type text,     -- mobile, landline, ... as Twilio's Lookup names them
    ADD COLUMN phone_looked_up_at timestamptz;

-- Each time a lead said STOP, START or HELP: the proof. Only ever inserted into. leads.opted_out_at is what counts now.
CREATE TABLE consents (
    client_id  uuid NOT NULL,
    consent_id uuid NOT NULL DEFAULT gen_random_uuid(),
    lead_id    uuid NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('out', 'in', 'help')),
    channel    text NOT NULL,
    words      text NOT NULL,  -- the lead's, or what the provider said
    message_id uuid,           -- with which it was said; NULL: the provider told us
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, consent_id),
    FOREIGN KEY (client_id, lead_id) REFERENCES leads ON DELETE CASCADE
);
CREATE INDEX consents_lead ON consents (client_id, lead_id, created_at);

-- ---- whose Twilio account ----

-- NULL: the account of the environment. Kept in step with clients.config by the orchestrator.
ALTER TABLE client_numbers ADD COLUMN account_sid text;

-- An account that is not to be called for a while. account: 'twilio' is the environment's, 'twilio:' and a client's id
-- that client's own.
CREATE TABLE provider_accounts (
    account      text PRIMARY KEY,
    client_id    uuid,                    -- whose it is; NULL: the environment's
    credentials  text NOT NULL DEFAULT '', -- a fingerprint: with other credentials the row says nothing
    paused_until timestamptz NOT NULL DEFAULT '-infinity',
    reason       text NOT NULL DEFAULT '', -- 'rate' (429) or 'credentials' (401: until a probe succeeds)
    failures     integer NOT NULL DEFAULT 0, -- in a row; each makes the pause longer
    updated_at   timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, UPDATE, DELETE ON provider_accounts TO leadwire_service;

-- ---- lanes: tasks that are begun no faster than a provider allows ----

-- A lane is what a provider limits: one sending number. Its tasks are begun one after another, lane_units / per_second
-- apart, by all processes together. Tasks without a lane are as before.
ALTER TABLE tasks
    ADD COLUMN lane text,                              -- channel and sender, 'sms:+15550100000'
    ADD COLUMN lane_units integer NOT NULL DEFAULT 1;  -- how much of the rate it takes: the segments of a text
CREATE INDEX tasks_lane ON tasks (lane, run_at, task_id) WHERE state = 'ready' AND lane IS NOT NULL;

CREATE TABLE task_lanes (
    lane       text PRIMARY KEY,
    role       text NOT NULL,
    client_id  uuid NOT NULL,
    account    text NOT NULL,               -- of provider_accounts
    class      text NOT NULL,               -- which default rate: long_code, toll_free, short_code, service, whatsapp, voice
    per_second real,                        -- the client's own setting; NULL: the default of its class
    next_at    timestamptz NOT NULL DEFAULT '-infinity', -- when the next task may begin
    stale      boolean NOT NULL DEFAULT false            -- the client's configuration has changed: read it again
) WITH (fillfactor = 50);
GRANT SELECT, INSERT, UPDATE, DELETE ON task_lanes TO leadwire_service;

-- ---- notices: what a person must see to ----

-- One open notice per client, kind and subject, however often it happens.
CREATE TABLE notices (
    client_id   uuid NOT NULL,        -- the nil UUID: who operates Leadwire
    notice_id   uuid NOT NULL,
    kind        text NOT NULL,        -- account_refused, sender_refused, message_failed, ...
    subject     text NOT NULL,        -- what it is about: an account, a number, a template
    text        text NOT NULL,        -- what happened
    remedy      text,                 -- what to look at
    code        integer,              -- the provider's
    count       integer NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    last_at     timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz,
    PRIMARY KEY (client_id, notice_id)
);
CREATE UNIQUE INDEX notices_open ON notices (client_id, kind, subject) WHERE resolved_at IS NULL;
GRANT SELECT, INSERT, UPDATE ON notices TO leadwire_service;
GRANT DELETE ON notices TO leadwire_scheduler;

DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['consents', 'notices'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format('CREATE POLICY tenant ON %I USING (client_id = leadwire_client() OR leadwire_every_client())',
                       table_name);
    END LOOP;
END
$$;
GRANT SELECT, INSERT ON consents TO leadwire_orchestrator, leadwire_delivery;
GRANT SELECT ON consents TO leadwire_scheduler;
GRANT UPDATE (timezone, phone_valid, phone_country, phone_line_type, phone_looked_up_at, updated_at) ON leads
    TO leadwire_delivery;
