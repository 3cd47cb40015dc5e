-- 0003: leads, conversations, messages, turns

-- A person who contacts a client: one row however many channels.
CREATE TABLE leads (
    client_id       uuid NOT NULL REFERENCES clients ON DELETE CASCADE,
    lead_id         uuid NOT NULL,
    phone           text,  -- E.164
    email           text,  -- lower case
    name            text,
    score           text NOT NULL DEFAULT 'COLD' CHECK (score IN ('HOT', 'WARM', 'COLD')),
    score_reason    text NOT NULL DEFAULT '',
    hot_at          timestamptz,  -- when it first became HOT
    service_interest text,
    urgency         text,
    budget_range    text,
    timeline        text,
    opted_out_at    timestamptz,
    opted_out_channel text,
    opted_out_words text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, lead_id),
    CONSTRAINT leads_phone UNIQUE (client_id, phone),
    CONSTRAINT leads_email UNIQUE (client_id, email)
);

CREATE TABLE conversations (
    client_id       uuid NOT NULL,
    conversation_id uuid NOT NULL,
    lead_id         uuid NOT NULL,
    channel         text NOT NULL CHECK (channel IN ('sms', 'whatsapp', 'form')),
    lead_address    text NOT NULL,  -- the lead's number
    our_address     text NOT NULL,  -- the client's number that the lead wrote to last
    state           text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'escalated', 'taken_over', 'closed')),
    escalation_reason text,
    epoch           integer NOT NULL DEFAULT 1,  -- raised by a human's message or takeover: older drafts are dropped
    answered_seq    bigint NOT NULL DEFAULT 0,   -- messages.seq up to which inbound messages have been answered
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, conversation_id),
    CONSTRAINT conversations_lead_channel UNIQUE (client_id, lead_id, channel),
    FOREIGN KEY (client_id, lead_id) REFERENCES leads ON DELETE CASCADE
);
CREATE INDEX conversations_recent ON conversations (client_id, updated_at DESC, conversation_id);

CREATE TABLE messages (
    client_id       uuid NOT NULL,
    message_id      uuid NOT NULL,
    seq             bigint GENERATED ALWAYS AS IDENTITY,  -- order of arrival
    conversation_id uuid NOT NULL,
    lead_id         uuid NOT NULL,
    direction       text NOT NULL CHECK (direction IN ('in', 'out')),
    author          text NOT NULL CHECK (author IN ('lead', 'agent', 'human', 'system')),
    channel         text NOT NULL,
    from_address    text NOT NULL,
    to_address      text NOT NULL,
    body            text NOT NULL,
    -- in: received. out: queued -> sending -> sent -> delivered | undelivered, or uncertain, failed, dropped (never sent:
    -- opted out, or a human took over)
    state           text NOT NULL CHECK (state IN ('received', 'queued', 'sending', 'uncertain', 'sent', 'delivered',
                                                   'undelivered', 'read', 'failed', 'dropped')),
    provider_sid    text,
    error_code      integer,
    error_text      text,
    epoch           integer NOT NULL DEFAULT 1,  -- of the conversation when it was drafted
    turn_id         uuid,
    trace_id        text NOT NULL DEFAULT '',
    send_attempt    integer NOT NULL DEFAULT 0,
    sending_at      timestamptz,  -- when the intent of the last attempt was committed
    looks           integer NOT NULL DEFAULT 0,  -- how often the provider was asked what became of it
    sent_at         timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, message_id),
    CONSTRAINT messages_provider_sid UNIQUE (client_id, provider_sid),
    FOREIGN KEY (client_id, conversation_id) REFERENCES conversations ON DELETE CASCADE
);
CREATE INDEX messages_conversation ON messages (client_id, conversation_id, seq);

-- What a decision saw and what it decided: enough to say why, and to decide again.
CREATE TABLE turns (
    client_id       uuid NOT NULL,
    turn_id         uuid NOT NULL,
    conversation_id uuid NOT NULL,
    task_id         uuid NOT NULL,
    agent           text NOT NULL CHECK (agent IN ('claude', 'scripted')),
    misses          integer NOT NULL DEFAULT 0,  -- answers in a row that knew nothing, with this one
    asked           text,                        -- what the reply asks for, so that a bare answer is understood
    record          jsonb NOT NULL,  -- input (clock, config, lead, history, passages), model exchanges, tool receipts,
                                     -- decision, guards, times of each step in microseconds
    input_tokens    integer NOT NULL DEFAULT 0,
    output_tokens   integer NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, turn_id),
    FOREIGN KEY (client_id, conversation_id) REFERENCES conversations ON DELETE CASCADE
);
CREATE INDEX turns_conversation ON turns (client_id, conversation_id, created_at);

DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['leads', 'conversations', 'messages', 'turns'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format('CREATE POLICY tenant ON %I USING (client_id = leadwire_client() OR leadwire_every_client())',
                       table_name);
    END LOOP;
END
$$;
GRANT SELECT, INSERT, UPDATE, DELETE ON leads, conversations, messages, turns TO leadwire_orchestrator;
GRANT SELECT ON leads, conversations TO leadwire_delivery;
GRANT UPDATE (opted_out_at, opted_out_channel, opted_out_words, updated_at) ON leads TO leadwire_delivery;
GRANT SELECT, UPDATE ON messages TO leadwire_delivery;
GRANT SELECT, DELETE ON messages, conversations, leads, turns TO leadwire_scheduler;
