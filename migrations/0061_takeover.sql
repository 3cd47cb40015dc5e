-- 0061: a person takes a conversation over, hands it back, or closes it; and what has happened to a conversation

ALTER TABLE conversations
    ADD COLUMN taken_over_by text,            -- who has it, as they say; NULL: nobody
    ADD COLUMN taken_over_at timestamptz,
    ADD COLUMN handover_note text,            -- what who handed it back last left for the agent
    ADD COLUMN read_seq bigint NOT NULL DEFAULT 0;  -- messages.seq up to which a decision has seen what the lead wrote:
                                              -- what is answered_seq already but not this, a person has answered
UPDATE conversations SET read_seq = answered_seq;

-- Of an agent's reply: conversations.answered_seq before it. What came behind that is unanswered again if a takeover keeps
-- the reply from being sent. NULL: a person's, or of before.
ALTER TABLE messages ADD COLUMN answers_after bigint;

-- What has happened to a conversation and stands nowhere else. Only ever inserted into.
CREATE TABLE conversation_events (
    client_id       uuid NOT NULL,
    conversation_id uuid NOT NULL,
    event_id        uuid NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('escalated', 'taken_over', 'released', 'closed')),
    who             text,  -- of a person's doing: who, as they say, else whose key it was; NULL: the agent
    cause           text,  -- of an escalation: see services/orchestrator/causes.h
    reason          text,  -- in words
    alerted         boolean NOT NULL DEFAULT false,  -- the client's people were to be told
    turn_id         uuid,  -- of an escalation: the decision
    epoch           integer NOT NULL,  -- of the conversation, behind it
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, conversation_id, event_id),
    FOREIGN KEY (client_id, conversation_id) REFERENCES conversations ON DELETE CASCADE
);
ALTER TABLE conversation_events ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON conversation_events USING (client_id = leadwire_client() OR leadwire_every_client());
GRANT SELECT, INSERT ON conversation_events TO leadwire_orchestrator;
GRANT SELECT, DELETE ON conversation_events TO leadwire_scheduler;

-- The agent's drafts that are still here are not sent any more. (What delivery has begun to send may go out.)
CREATE FUNCTION drop_drafts(of_client uuid, of_conversation uuid, why text) RETURNS void
LANGUAGE sql AS $$
    UPDATE messages SET state = 'dropped', error_text = why, updated_at = now()
     WHERE client_id = of_client AND conversation_id = of_conversation AND direction = 'out' AND author = 'agent'
       AND state = 'queued'
$$;

-- The lead before the conversation, as whoever writes to both does it.
CREATE FUNCTION lock_conversation(of_client uuid, of_conversation uuid) RETURNS void
LANGUAGE sql AS $$
    SELECT FROM leads l
     WHERE l.client_id = of_client
       AND l.lead_id = (SELECT c.lead_id FROM conversations c
                         WHERE c.client_id = of_client AND c.conversation_id = of_conversation)
       FOR NO KEY UPDATE;
    SELECT FROM conversations c WHERE c.client_id = of_client AND c.conversation_id = of_conversation FOR UPDATE;
$$;

-- From now on the agent is silent in it. False: a person has it already, and nothing is changed.
CREATE FUNCTION take_over_conversation(of_client uuid, of_conversation uuid, new_event uuid, by_whom text, why text)
RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    new_epoch integer;
BEGIN
    PERFORM lock_conversation(of_client, of_conversation);
    UPDATE conversations
       SET state = 'taken_over', epoch = epoch + 1, taken_over_by = by_whom, taken_over_at = now(), handover_note = NULL,
           updated_at = now()
     WHERE client_id = of_client AND conversation_id = of_conversation AND state <> 'taken_over'
    RETURNING epoch INTO new_epoch;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM drop_drafts(of_client, of_conversation, 'a person took over after it was drafted');
    INSERT INTO conversation_events (client_id, conversation_id, event_id, kind, who, reason, epoch)
    VALUES (of_client, of_conversation, new_event, 'taken_over', by_whom, why, new_epoch);
    RETURN true;
END
$$;

-- The agent answers again. unanswered: the lead has written what neither a person nor the agent has answered, and the
-- caller inserts process_ai_response: drafts that the takeover kept from being sent have answered nothing, unless somebody
-- has written to the lead since, or the lead has said STOP or START. changed is false where nobody has it: then nothing is
-- changed.
CREATE FUNCTION release_conversation(of_client uuid, of_conversation uuid, new_event uuid, by_whom text, note text)
RETURNS TABLE (changed boolean, unanswered boolean)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    now_open conversations;
    said     bigint;  -- messages.seq of what the lead was told last
    kept     bigint;
BEGIN
    PERFORM lock_conversation(of_client, of_conversation);
    UPDATE conversations c
       SET state = 'open', epoch = c.epoch + 1, taken_over_by = NULL, taken_over_at = NULL, escalation_reason = NULL,
           handover_note = note, updated_at = now()
     WHERE c.client_id = of_client AND c.conversation_id = of_conversation AND c.state = 'taken_over'
    RETURNING * INTO now_open;
    changed := FOUND;
    unanswered := false;
    IF NOT changed THEN
        RETURN NEXT;
        RETURN;
    END IF;
    PERFORM drop_drafts(of_client, of_conversation, 'a person took over after it was drafted');
    -- What was under way when the person took over may still come back from the provider, not sent: as nobody has said
    -- anything else since, it is tried again then.
    UPDATE messages m SET epoch = now_open.epoch, updated_at = now()
     WHERE m.client_id = of_client AND m.conversation_id = of_conversation AND m.author = 'agent'
       AND m.state IN ('sending', 'uncertain')
       AND NOT EXISTS (SELECT FROM messages h WHERE h.client_id = of_client AND h.conversation_id = of_conversation
                          AND h.author = 'human' AND h.seq > m.seq);
    SELECT max(m.seq) INTO said FROM messages m
     WHERE m.client_id = of_client AND m.conversation_id = of_conversation AND m.direction = 'out'
       AND m.purpose IN ('reply', 'started') AND m.state <> 'dropped';
    SELECT min(m.answers_after) INTO kept FROM messages m
     WHERE m.client_id = of_client AND m.conversation_id = of_conversation AND m.direction = 'out' AND m.author = 'agent'
       AND m.state = 'dropped' AND m.seq > coalesce(said, 0)
       AND NOT EXISTS (SELECT FROM consents s WHERE s.client_id = of_client AND s.lead_id = now_open.lead_id
                          AND s.kind IN ('out', 'in') AND s.created_at >= m.created_at);
    IF kept < now_open.answered_seq THEN
        UPDATE conversations c SET answered_seq = kept
         WHERE c.client_id = of_client AND c.conversation_id = of_conversation;
        now_open.answered_seq := kept;
    END IF;
    unanswered := EXISTS (SELECT FROM messages m
                           WHERE m.client_id = of_client AND m.conversation_id = of_conversation AND m.direction = 'in'
                             AND m.seq > now_open.answered_seq);
    INSERT INTO conversation_events (client_id, conversation_id, event_id, kind, who, reason, epoch)
    VALUES (of_client, of_conversation, new_event, 'released', by_whom, note, now_open.epoch);
    RETURN NEXT;
END
$$;

-- Nothing is left to be said: what the lead has written counts as answered. It is open again when somebody writes. False:
-- it is closed already, and nothing is changed.
CREATE FUNCTION close_conversation(of_client uuid, of_conversation uuid, new_event uuid, by_whom text, why text)
RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    new_epoch integer;
BEGIN
    PERFORM lock_conversation(of_client, of_conversation);
    UPDATE conversations c
       SET state = 'closed', epoch = epoch + 1, taken_over_by = NULL, taken_over_at = NULL, handover_note = NULL,
           escalation_reason = NULL, updated_at = now(),
           answered_seq = greatest(answered_seq, (SELECT max(m.seq) FROM messages m WHERE m.client_id = of_client
                                                     AND m.conversation_id = of_conversation AND m.direction = 'in'))
     WHERE c.client_id = of_client AND c.conversation_id = of_conversation AND c.state <> 'closed'
    RETURNING epoch INTO new_epoch;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM drop_drafts(of_client, of_conversation, 'the conversation was closed after it was drafted');
    INSERT INTO conversation_events (client_id, conversation_id, event_id, kind, who, reason, epoch)
    VALUES (of_client, of_conversation, new_event, 'closed', by_whom, why, new_epoch);
    RETURN true;
END
$$;

DO $$
DECLARE
    signature text;
BEGIN
    FOREACH signature IN ARRAY ARRAY['drop_drafts(uuid, uuid, text)', 'lock_conversation(uuid, uuid)',
                                     'take_over_conversation(uuid, uuid, uuid, text, text)',
                                     'release_conversation(uuid, uuid, uuid, text, text)',
                                     'close_conversation(uuid, uuid, uuid, text, text)'] LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', signature);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO leadwire_orchestrator', signature);
    END LOOP;
END
$$;

-- As in 0049, with the conversations' events.
CREATE OR REPLACE FUNCTION lead_export(of_client uuid, of_lead uuid)
RETURNS TABLE (rank integer, kind text, id uuid, data jsonb, record text)
LANGUAGE sql STABLE AS $$
    SELECT 0, 'lead', l.lead_id, to_jsonb(l), NULL FROM leads l WHERE l.client_id = of_client AND l.lead_id = of_lead
    UNION ALL
    SELECT 1, 'consent', s.consent_id, to_jsonb(s), NULL
      FROM consents s WHERE s.client_id = of_client AND s.lead_id = of_lead
    UNION ALL
    SELECT 2, 'conversation', c.conversation_id, to_jsonb(c), NULL
      FROM conversations c WHERE c.client_id = of_client AND c.lead_id = of_lead
    UNION ALL
    SELECT 3, 'message', m.message_id, to_jsonb(m), NULL
      FROM conversations c JOIN messages m USING (client_id, conversation_id)
     WHERE c.client_id = of_client AND c.lead_id = of_lead
    UNION ALL
    SELECT 4, 'turn', t.turn_id, to_jsonb(t) - 'record',
           CASE WHEN octet_length(t.record::text) <= 700000 THEN t.record::text END
      FROM conversations c JOIN turns t USING (client_id, conversation_id)
     WHERE c.client_id = of_client AND c.lead_id = of_lead
    UNION ALL
    SELECT 5, 'task', i.task_id,
           jsonb_strip_nulls(jsonb_build_object('kind', coalesce(t.kind, f.kind), 'state',
                                                coalesce(t.state, CASE WHEN f.task_id IS NOT NULL THEN 'finished' END),
                                                'payload', p.payload, 'error', coalesce(t.error, f.error),
                                                'created_at', coalesce(t.created_at, f.created_at, p.created_at),
                                                'finished_at', f.finished_at)), NULL
      FROM lead_task_ids(of_client, of_lead) AS i (task_id)
      LEFT JOIN tasks t ON t.client_id = of_client AND t.task_id = i.task_id
      LEFT JOIN task_payloads p ON p.client_id = of_client AND p.task_id = i.task_id
      LEFT JOIN finished_tasks f ON f.client_id = of_client AND f.task_id = i.task_id
    UNION ALL
    SELECT 6, 'event', e.event_id, to_jsonb(e), NULL
      FROM conversations c JOIN conversation_events e USING (client_id, conversation_id)
     WHERE c.client_id = of_client AND c.lead_id = of_lead
$$;
