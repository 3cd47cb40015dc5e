-- 0062: a turn's record is kept as the text that it was
--
-- A decision is taken again from its record. jsonb orders keys anew and writes numbers anew (1e30 as a 31-digit integer),
-- so that what the model had said was not what came back; and to parse it was a cost of each turn. Writes the table anew
-- under an exclusive lock: some seconds for each million of turns.
ALTER TABLE turns ALTER COLUMN record TYPE json USING record::json;
