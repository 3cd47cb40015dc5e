-- 0013: the vocabulary of a base follows what is there
--
-- A word leaves kb_words, and a lexeme kb_terms, with the last unit that says it: what nobody says any more is not what
-- a misspelt word was meant to be.

CREATE INDEX kb_words_lexeme ON kb_words (client_id, kb_id, lexeme);

-- As in 0009, and then forgets what is not said any more. Words that are said again are added after the chunks that say
-- them (kb_add_words). All of it happens with the client's lock held (kb_open_to_change). Grouped by the lexeme first,
-- which compares fastest; work_mem keeps a bulk of 5,000 FAQs from being sorted on disk.
CREATE OR REPLACE FUNCTION leadwire_count_chunks() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp SET work_mem = '32MB' AS $$
DECLARE
    clients uuid[];
    bases   uuid[];
    unsaid  text[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO kb_sizes AS s (client_id, kb_id, units, chunks)
        SELECT client_id, kb_id, count(DISTINCT leadwire_unit(part, document_id, chunk_id)), count(*)
          FROM new_chunks GROUP BY client_id, kb_id ORDER BY client_id, kb_id
        ON CONFLICT (client_id, kb_id) DO UPDATE SET units = s.units + excluded.units,
                                                     chunks = s.chunks + excluded.chunks;
        INSERT INTO kb_terms AS t (client_id, kb_id, lexeme, units)
        SELECT client_id, kb_id, lexeme, count(DISTINCT leadwire_unit(part, document_id, chunk_id))
          FROM new_chunks, unnest(tsvector_to_array(words)) AS lexeme GROUP BY lexeme, kb_id, client_id
        ON CONFLICT (client_id, kb_id, lexeme) DO UPDATE SET units = t.units + excluded.units;
        RETURN NULL;
    END IF;
    IF TG_OP = 'DELETE' THEN
        UPDATE kb_sizes s SET units = s.units - gone.units, chunks = s.chunks - gone.chunks
          FROM (SELECT client_id, kb_id, count(DISTINCT leadwire_unit(part, document_id, chunk_id)) AS units,
                       count(*) AS chunks
                  FROM old_chunks JOIN knowledge_bases USING (client_id, kb_id) GROUP BY client_id, kb_id) AS gone
         WHERE s.client_id = gone.client_id AND s.kb_id = gone.kb_id;
        WITH changed AS (
            UPDATE kb_terms t SET units = t.units - gone.units
              FROM (SELECT client_id, kb_id, lexeme, count(DISTINCT leadwire_unit(part, document_id, chunk_id)) AS units
                      FROM old_chunks JOIN knowledge_bases USING (client_id, kb_id),
                           unnest(tsvector_to_array(words)) AS lexeme
                     GROUP BY lexeme, kb_id, client_id) AS gone
             WHERE t.client_id = gone.client_id AND t.kb_id = gone.kb_id AND t.lexeme = gone.lexeme
            RETURNING t.client_id, t.kb_id, t.lexeme, t.units
        ) SELECT array_agg(client_id), array_agg(kb_id), array_agg(lexeme) INTO clients, bases, unsaid
            FROM changed WHERE units <= 0;
    ELSE
        PERFORM FROM kb_sizes s WHERE (s.client_id, s.kb_id) IN (SELECT client_id, kb_id FROM new_chunks)
         ORDER BY client_id, kb_id FOR UPDATE;
        WITH changed AS (
            INSERT INTO kb_terms AS t (client_id, kb_id, lexeme, units)
            SELECT client_id, kb_id, lexeme, sum(n) FROM (
                SELECT client_id, kb_id, lexeme, count(DISTINCT leadwire_unit(part, document_id, chunk_id)) AS n
                  FROM new_chunks, unnest(tsvector_to_array(words)) AS lexeme GROUP BY lexeme, kb_id, client_id
                 UNION ALL
                SELECT client_id, kb_id, lexeme, -count(DISTINCT leadwire_unit(part, document_id, chunk_id))
                  FROM old_chunks, unnest(tsvector_to_array(words)) AS lexeme GROUP BY lexeme, kb_id, client_id) AS each
             GROUP BY client_id, kb_id, lexeme HAVING sum(n) <> 0
            ON CONFLICT (client_id, kb_id, lexeme) DO UPDATE SET units = t.units + excluded.units
            RETURNING t.client_id, t.kb_id, t.lexeme, t.units
        ) SELECT array_agg(client_id), array_agg(kb_id), array_agg(lexeme) INTO clients, bases, unsaid
            FROM changed WHERE units <= 0;
    END IF;
    IF unsaid IS NOT NULL THEN
        DELETE FROM kb_terms t USING unnest(clients, bases, unsaid) AS u (client_id, kb_id, lexeme)
         WHERE t.client_id = u.client_id AND t.kb_id = u.kb_id AND t.lexeme = u.lexeme;
        DELETE FROM kb_words w USING unnest(clients, bases, unsaid) AS u (client_id, kb_id, lexeme)
         WHERE w.client_id = u.client_id AND w.kb_id = u.kb_id AND w.lexeme = u.lexeme;
    END IF;
    RETURN NULL;
END
$$;

-- What was left behind before.
DELETE FROM kb_terms WHERE units <= 0;
DELETE FROM kb_words w
 WHERE NOT EXISTS (SELECT FROM kb_terms t
                    WHERE t.client_id = w.client_id AND t.kb_id = w.kb_id AND t.lexeme = w.lexeme);
