-- 0044: why a lead has its score: the words that told it, each change of it, and when its people were last told

ALTER TABLE leads
    ADD COLUMN evidence jsonb NOT NULL DEFAULT '{}',  -- {"budget_range": {"seq": 12, "words": "..."}}, by what is known
    ADD COLUMN hot_alerted_at timestamptz;            -- the last alert of a hot lead; hot_at stays the first HOT of all
UPDATE leads SET hot_alerted_at = hot_at WHERE hot_at IS NOT NULL;

-- Each change of a lead's score. Only ever inserted into.
CREATE TABLE lead_scores (
    client_id       uuid NOT NULL,
    lead_id         uuid NOT NULL,
    change          bigint GENERATED ALWAYS AS IDENTITY,  -- in their order
    conversation_id uuid NOT NULL,
    turn_id         uuid NOT NULL,  -- whose record tells the rest
    score_before    text NOT NULL,
    score           text NOT NULL CHECK (score IN ('HOT', 'WARM', 'COLD')),
    reason          text NOT NULL,
    evidence        jsonb NOT NULL,  -- as the lead's was then
    alerted         boolean NOT NULL,  -- the client's people were to be told
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, lead_id, change),
    FOREIGN KEY (client_id, lead_id) REFERENCES leads ON DELETE CASCADE
);

ALTER TABLE lead_scores ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON lead_scores USING (client_id = leadwire_client() OR leadwire_every_client());
GRANT SELECT, INSERT ON lead_scores TO leadwire_orchestrator;
GRANT SELECT, DELETE ON lead_scores TO leadwire_scheduler;
