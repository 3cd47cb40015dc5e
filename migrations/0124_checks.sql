-- 0124: which words a column may hold is checked by a pattern
--
-- A statement that writes a row reads the checks of its table anew from their stored text, in which a list of ten words takes
-- 2 KB: a tenth of what storing a text took, and all tables that a turn writes have such lists. A pattern is one constant.
-- It says the same as the list did (without flags $ stands for the end of the text alone), so what is stored need not be read
-- again: NOT VALID.

ALTER TABLE messages
    DROP CONSTRAINT messages_author_check,
    DROP CONSTRAINT messages_direction_check,
    DROP CONSTRAINT messages_purpose_check,
    DROP CONSTRAINT messages_state_check,
    ADD CONSTRAINT messages_author_check CHECK (author ~ '^(lead|agent|human|system)$') NOT VALID,
    ADD CONSTRAINT messages_direction_check CHECK (direction ~ '^(in|out)$') NOT VALID,
    ADD CONSTRAINT messages_purpose_check CHECK (purpose ~ '^(reply|started|consent|alert)$') NOT VALID,
    ADD CONSTRAINT messages_state_check CHECK (state ~ '^(received|queued|sending|uncertain|sent|delivered|undelivered|read|failed|dropped)$') NOT VALID;
ALTER TABLE conversations
    DROP CONSTRAINT conversations_channel_check,
    DROP CONSTRAINT conversations_state_check,
    ADD CONSTRAINT conversations_channel_check CHECK (channel ~ '^(sms|whatsapp|form)$') NOT VALID,
    ADD CONSTRAINT conversations_state_check CHECK (state ~ '^(open|escalated|taken_over|closed)$') NOT VALID;
ALTER TABLE leads
    DROP CONSTRAINT leads_score_check,
    ADD CONSTRAINT leads_score_check CHECK (score ~ '^(HOT|WARM|COLD)$') NOT VALID;
ALTER TABLE lead_scores
    DROP CONSTRAINT lead_scores_score_check,
    ADD CONSTRAINT lead_scores_score_check CHECK (score ~ '^(HOT|WARM|COLD)$') NOT VALID;
ALTER TABLE tasks
    DROP CONSTRAINT tasks_state_check,
    ADD CONSTRAINT tasks_state_check CHECK (state ~ '^(ready|running|dead)$') NOT VALID;
ALTER TABLE turns
    DROP CONSTRAINT turns_agent_check,
    ADD CONSTRAINT turns_agent_check CHECK (agent ~ '^(claude|scripted)$') NOT VALID;
