-- 0021: large documents and whole bases are removed in time
--
-- What is counted when chunks come and go is as in 0013. A base of which no chunk is left needs no counting: 18,000
-- chunks took 42 s to be subtracted, where a statement has 15 s, so that such a base could be neither emptied nor
-- deleted. And as the lexemes of a chunk are different ones, only FAQs, units of two chunks, have any that count once:
-- what is no FAQ is counted without being sorted.

CREATE OR REPLACE FUNCTION leadwire_count_chunks() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp SET work_mem = '32MB' AS $$
DECLARE
    emptied uuid[];  -- bases; an id is one client's alone
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
        SELECT client_id, kb_id, lexeme, count(*)
          FROM (SELECT client_id, kb_id, lexeme FROM new_chunks, unnest(tsvector_to_array(words)) AS lexeme
                 WHERE part = 'text'
                 UNION ALL
                SELECT client_id, kb_id, lexeme
                  FROM (SELECT DISTINCT lexeme, document_id, kb_id, client_id
                          FROM new_chunks, unnest(tsvector_to_array(words)) AS lexeme WHERE part <> 'text') AS faqs
               ) AS said GROUP BY lexeme, kb_id, client_id
        ON CONFLICT (client_id, kb_id, lexeme) DO UPDATE SET units = t.units + excluded.units;
        RETURN NULL;
    END IF;
    IF TG_OP = 'DELETE' THEN
        SELECT coalesce(array_agg(o.kb_id), '{}') INTO emptied
          FROM (SELECT DISTINCT client_id, kb_id FROM old_chunks) AS o
         WHERE NOT EXISTS (SELECT FROM chunks c WHERE c.client_id = o.client_id AND c.kb_id = o.kb_id);
        IF cardinality(emptied) > 0 THEN
            UPDATE kb_sizes SET units = 0, chunks = 0
             WHERE (client_id, kb_id) IN (SELECT client_id, kb_id FROM old_chunks WHERE kb_id = ANY (emptied));
            DELETE FROM kb_terms
             WHERE (client_id, kb_id) IN (SELECT client_id, kb_id FROM old_chunks WHERE kb_id = ANY (emptied));
            DELETE FROM kb_words
             WHERE (client_id, kb_id) IN (SELECT client_id, kb_id FROM old_chunks WHERE kb_id = ANY (emptied));
        END IF;
        UPDATE kb_sizes s SET units = s.units - gone.units, chunks = s.chunks - gone.chunks
          FROM (SELECT client_id, kb_id, count(DISTINCT leadwire_unit(part, document_id, chunk_id)) AS units,
                       count(*) AS chunks
                  FROM old_chunks JOIN knowledge_bases USING (client_id, kb_id) WHERE kb_id <> ALL (emptied)
                 GROUP BY client_id, kb_id) AS gone
         WHERE s.client_id = gone.client_id AND s.kb_id = gone.kb_id;
        WITH changed AS (
            UPDATE kb_terms t SET units = t.units - gone.units
              FROM (SELECT client_id, kb_id, lexeme, count(*) AS units
                      FROM (SELECT client_id, kb_id, lexeme FROM old_chunks, unnest(tsvector_to_array(words)) AS lexeme
                             WHERE part = 'text' AND kb_id <> ALL (emptied)
                             UNION ALL
                            SELECT client_id, kb_id, lexeme
                              FROM (SELECT DISTINCT lexeme, document_id, kb_id, client_id
                                      FROM old_chunks, unnest(tsvector_to_array(words)) AS lexeme
                                     WHERE part <> 'text' AND kb_id <> ALL (emptied)) AS faqs
                           ) AS said JOIN knowledge_bases USING (client_id, kb_id)
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
REVOKE EXECUTE ON FUNCTION leadwire_count_chunks() FROM PUBLIC;
