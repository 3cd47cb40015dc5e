-- 0072: what a turn has said to the model and heard of it
--
-- The next turns say the same bytes again in front of their own: the provider's prompt cache works on exact prefixes, and
-- what tools have found must not be forgotten. As text: jsonb would put the keys into another order.
ALTER TABLE turns
    ADD COLUMN exchange     text,                       -- JSON: messages of the Messages API, up to the reply; NULL: the
                                                        -- model was not asked, or it is longer than is kept
    ADD COLUMN saw_seq      bigint,                     -- messages.seq of the newest message that the turn saw
    ADD COLUMN answers_from bigint,                     -- of the first and the last text that it answered
    ADD COLUMN answers_to   bigint,
    ADD COLUMN history_from bigint NOT NULL DEFAULT 0;  -- of the oldest that it was shown of the time before
