-- 0024: a search does not read all chunks of a large client
--
-- A base belongs to one client, which the planner did not know: it took the rows
-- of a base for few, and read all of them where an index on the text or on the
-- question gives the one. Seen in the counts of the indexes: 10,000 chunks and
-- 5,000 documents read by each search of a client that has as many.

CREATE STATISTICS chunks_of_a_base (dependencies, ndistinct) ON client_id, kb_id FROM chunks;
CREATE STATISTICS documents_of_a_base (dependencies, ndistinct) ON client_id, kb_id, kind FROM documents;

CREATE OR REPLACE FUNCTION leadwire_search(client uuid, kb uuid, query text, each integer, models text[], vectors halfvec[],
                                exact_below bigint)
RETURNS TABLE (kind text, kb_id uuid, document_id uuid, chunk_id uuid, part text, "position" integer, title text,
               folded text, heading text, source_url text, body text, words text, cosine double precision,
               language text, model text, threshold double precision)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off ROWS 40 AS $$
#variable_conflict use_column
DECLARE
    rare_most constant integer := 64;  -- units looked at because of rare lexemes
    plain_query text := leadwire_fold(query);
    base    record;
    base_ids    uuid[] := '{}';
    base_models text[] := '{}';
    base_chunks bigint[] := '{}';
    base_places integer[] := '{}';  -- of its model in models; NULL: there is no vector to compare
    term_lexemes  text[];
    term_stops    boolean[];
    term_concepts text[];
    unknown_words  text[];
    unknown_places integer[];
    near_places   integer[];
    near_lexemes  text[];
    near_concepts text[];
    near_weights  double precision[];
    alt_places    integer[];
    alt_scores    double precision[];
    alt_queries   text[];
    alt_units     bigint[];
    alt_total     bigint;
    meeting       text[];     -- a query for each of the most telling terms
    picked  uuid[];
    units   uuid[] := '{}';   -- candidates: document of an FAQ, chunk of a document
    level   integer;
    place   integer;
    index_dimensions integer;  -- NULL: there is no index to use
    seen_chunks  uuid[] := '{}';
    seen_cosines double precision[] := '{}';
    new_chunks   uuid[];
    new_units    uuid[];
    new_cosines  double precision[];
    wanted  integer;
    of_model text;
    of_bases uuid[];
    held    bigint;
    found   bigint;
BEGIN
    IF coalesce(current_setting('leadwire.client_id', true), '') NOT IN ('*', client::text) THEN
        RAISE EXCEPTION 'not this client''s transaction' USING ERRCODE = 'insufficient_privilege';
    END IF;

    FOR base IN
        SELECT b.kb_id, b.language, b.language::regconfig AS config, b.embedding_model, b.similarity_threshold,
               coalesce(s.units, 0) AS units, coalesce(s.chunks, 0) AS chunks
          FROM knowledge_bases b LEFT JOIN kb_sizes s ON s.client_id = b.client_id AND s.kb_id = b.kb_id
         WHERE b.client_id = client AND (kb IS NULL OR b.kb_id = kb)
    LOOP
        base_ids := base_ids || base.kb_id;
        base_models := base_models || base.embedding_model;
        base_chunks := base_chunks || base.chunks;
        base_places := base_places || array_position(models, base.embedding_model);

        -- The terms of the query: its words that say something, by the language of the base.
        SELECT array_agg(t.lexeme), array_agg(t.stop), array_agg(t.concept),
               array_agg(t.word) FILTER (WHERE t.unknown), array_agg(t.place) FILTER (WHERE t.unknown)
          INTO term_lexemes, term_stops, term_concepts, unknown_words, unknown_places
          FROM (SELECT s.*, row_number() OVER ()::integer AS place,
                       s.concept IS NULL AND length(s.word) BETWEEN 4 AND 40
                       AND coalesce((SELECT n.units FROM kb_terms n WHERE n.client_id = client
                                        AND n.kb_id = base.kb_id AND n.lexeme = s.lexeme), 0) <= 0 AS unknown
                  FROM (SELECT l.*, (SELECT c.concept FROM search_words c
                                      WHERE c.language = base.language AND c.lexeme = l.lexeme LIMIT 1) AS concept
                          FROM (SELECT DISTINCT ON (coalesce(x.lexeme, x.w)) x.w AS word,
                                       coalesce(x.lexeme, x.w) AS lexeme, x.lexeme IS NULL AS stop
                                  FROM (SELECT w, leadwire_lexeme(base.config, w) AS lexeme
                                          FROM (SELECT w FROM leadwire_words(query) AS w LIMIT 64) AS asked OFFSET 0) AS x
                               ) AS l OFFSET 0) AS s
                 WHERE s.concept <> '' OR (s.concept IS NULL AND NOT s.stop)) AS t;

        near_places := '{}';
        IF cardinality(unknown_words) > 0 THEN
            SELECT array_agg(n.place), array_agg(n.lexeme), array_agg(n.concept), array_agg(n.weight)
              INTO near_places, near_lexemes, near_concepts, near_weights
              FROM leadwire_near(client, base.kb_id, base.language, unknown_words, unknown_places) AS n;
        END IF;

        -- The lexemes that stand for a term: itself, those of the same concept, what it was meant to be.
        SELECT string_agg(v.place || ' ' || v.value || ' ' || v.weight || ' ' || v.lexeme, E'\n'),
               array_agg(v.place) FILTER (WHERE v.units > 0),
               array_agg(v.weight * v.value) FILTER (WHERE v.units > 0),
               array_agg(leadwire_quoted(right(base.kb_id::text, 8) || v.lexeme)) FILTER (WHERE v.units > 0),
               array_agg(v.units) FILTER (WHERE v.units > 0),
               coalesce(sum(v.units), 0)
          INTO words, alt_places, alt_scores, alt_queries, alt_units, alt_total
          FROM (SELECT a.place, a.lexeme, a.weight, a.units,
                       ln(1 + base.units / (0.5 + least(sum(a.units) OVER (PARTITION BY a.place), base.units)))
                       * CASE WHEN term_stops[a.place] THEN 0.4 ELSE 1 END AS value
                  FROM (SELECT g.place, g.lexeme, g.weight,
                               coalesce((SELECT n.units FROM kb_terms n WHERE n.client_id = client
                                            AND n.kb_id = base.kb_id AND n.lexeme = g.lexeme), 0) AS units
                          FROM (SELECT e.place, e.lexeme, max(e.weight) AS weight
                                  FROM (SELECT p.place::integer, p.lexeme, 1.0::double precision AS weight
                                          FROM unnest(term_lexemes) WITH ORDINALITY AS p (lexeme, place)
                                         UNION ALL
                                        SELECT p.place::integer, c.lexeme, 0.9
                                          FROM unnest(term_concepts) WITH ORDINALITY AS p (concept, place)
                                          JOIN search_words c ON c.language = base.language AND c.concept = p.concept
                                         UNION ALL
                                        SELECT p.place, p.lexeme, p.weight
                                          FROM unnest(near_places, near_lexemes, near_weights)
                                               AS p (place, lexeme, weight)
                                         UNION ALL
                                        SELECT p.place, c.lexeme, 0.9 * p.weight
                                          FROM unnest(near_places, near_concepts, near_weights)
                                               AS p (place, concept, weight)
                                          JOIN search_words c ON c.language = base.language AND c.concept = p.concept
                                       ) AS e
                                 -- A misspelt word that says nothing.
                                 WHERE NOT EXISTS (SELECT FROM unnest(near_places, near_concepts) AS p (place, concept)
                                                    WHERE p.place = e.place AND p.concept = '')
                                 GROUP BY e.place, e.lexeme) AS g OFFSET 0) AS a
                 ORDER BY a.units, a.lexeme) AS v;

        kind := 'base';
        kb_id := base.kb_id;
        folded := plain_query;
        language := base.language;
        model := base.embedding_model;
        threshold := base.similarity_threshold;
        RETURN NEXT;

        IF alt_total <= 2 * each THEN
            -- So few that all of them are candidates.
            IF alt_total > 0 THEN
                units := units || ARRAY(
                    SELECT DISTINCT leadwire_unit(c.part, c.document_id, c.chunk_id)
                      FROM (SELECT * FROM chunks c
                             WHERE leadwire_terms(c.kb_id, c.words) @@ array_to_string(alt_queries, '|')::tsquery
                            OFFSET 0) AS c
                     WHERE c.client_id = client AND c.kb_id = base.kb_id);
            END IF;
        ELSE
            -- Each rare lexeme's chunks by themselves, so that what speaks for them is known without reading them.
            SELECT array_agg(b.unit) INTO picked FROM (
                SELECT h.unit, sum(h.score) AS score FROM (
                    SELECT leadwire_unit(c.part, c.document_id, c.chunk_id) AS unit, a.place, max(a.score) AS score
                      FROM (SELECT a.query::tsquery AS query, a.place, a.score,
                                   sum(a.units) OVER (ORDER BY a.units, a.query) AS so_far
                              FROM unnest(alt_queries, alt_places, alt_scores, alt_units)
                                   AS a (query, place, score, units)) AS a
                     CROSS JOIN LATERAL (SELECT c.* FROM chunks c
                                          WHERE leadwire_terms(c.kb_id, c.words) @@ a.query OFFSET 0) AS c
                     WHERE a.so_far <= rare_most AND c.client_id = client AND c.kb_id = base.kb_id
                     GROUP BY 1, 2) AS h
                 GROUP BY h.unit ORDER BY score DESC LIMIT each) AS b;
            units := units || picked;
            -- Where the most telling terms meet: all of them, or fewer until enough is found.
            IF alt_total > rare_most THEN
                SELECT array_agg(m.query ORDER BY m.value DESC) INTO meeting FROM (
                    SELECT '(' || string_agg(a.query, '|') || ')' AS query, max(a.score) AS value
                      FROM unnest(alt_queries, alt_places, alt_scores) AS a (query, place, score)
                     GROUP BY a.place ORDER BY value DESC LIMIT 4) AS m;
                FOR level IN REVERSE cardinality(meeting) .. 1 LOOP
                    picked := ARRAY(
                        SELECT leadwire_unit(c.part, c.document_id, c.chunk_id)
                          FROM (SELECT * FROM chunks c
                                 WHERE leadwire_terms(c.kb_id, c.words)
                                       @@ array_to_string(meeting[:level], '&')::tsquery
                                OFFSET 0) AS c
                         WHERE c.client_id = client AND c.kb_id = base.kb_id LIMIT each);
                    units := units || picked;
                    EXIT WHEN cardinality(picked) >= each / 2;
                END LOOP;
            END IF;
        END IF;

        -- The question itself.
        units := units || ARRAY(SELECT d.document_id FROM documents d
                                 WHERE d.client_id = client AND d.kb_id = base.kb_id AND d.kind = 'faq'
                                   AND d.title_key = plain_query);
    END LOOP;

    FOR place IN 1 .. coalesce(cardinality(models), 0) LOOP
        of_model := models[place];
        of_bases := '{}';
        held := 0;
        FOR i IN 1 .. cardinality(base_ids) LOOP
            IF base_models[i] = of_model THEN
                of_bases := of_bases || base_ids[i];
                held := held + base_chunks[i];
            END IF;
        END LOOP;
        CONTINUE WHEN held = 0;
        index_dimensions := NULL;
        IF held >= exact_below THEN
            SELECT i.dimensions INTO index_dimensions FROM vector_indexes i
             WHERE i.client_id = client AND i.model = of_model AND i.state = 'ready'
               AND i.dimensions = vector_dims(vectors[place]);
        END IF;
        -- Where few of the nearest belong to these bases, more are asked for.
        wanted := each;
        LOOP
            IF index_dimensions IS NULL THEN
                SELECT array_agg(c.chunk_id), array_agg(leadwire_unit(c.part, c.document_id, c.chunk_id)),
                       array_agg(n.cosine), count(DISTINCT n.text_hash)
                  INTO new_chunks, new_units, new_cosines, found
                  FROM leadwire_nearest_exact(client, of_model, vectors[place], wanted) AS n
                  LEFT JOIN LATERAL (SELECT t.chunk_id, t.document_id, t.part, t.kb_id FROM chunks t
                                      WHERE t.client_id = client AND t.text_hash = n.text_hash OFFSET 0) AS c
                    ON c.kb_id = ANY (of_bases);
            ELSE
                SELECT array_agg(c.chunk_id), array_agg(leadwire_unit(c.part, c.document_id, c.chunk_id)),
                       array_agg(n.cosine), count(DISTINCT n.text_hash)
                  INTO new_chunks, new_units, new_cosines, found
                  FROM leadwire_nearest(client, of_model, index_dimensions, vectors[place], wanted) AS n
                  LEFT JOIN LATERAL (SELECT t.chunk_id, t.document_id, t.part, t.kb_id FROM chunks t
                                      WHERE t.client_id = client AND t.text_hash = n.text_hash OFFSET 0) AS c
                    ON c.kb_id = ANY (of_bases);
            END IF;
            EXIT WHEN found < wanted OR cardinality(array_remove(new_units, NULL)) >= each / 2;
            wanted := wanted * 8;
        END LOOP;
        seen_chunks := seen_chunks || new_chunks;
        seen_cosines := seen_cosines || new_cosines;
        units := units || new_units;
    END LOOP;

    RETURN QUERY
    SELECT 'chunk', c.kb_id, c.document_id, c.chunk_id, c.part, c.position,
           CASE WHEN c.part <> 'answer' THEN d.title END,
           CASE c.part WHEN 'text' THEN CASE WHEN d.title_key LIKE 'title:%' THEN substr(d.title_key, 7)
                                             ELSE leadwire_fold(d.title) END
                       WHEN 'question' THEN d.title_key END,
           c.heading, d.source_url,
           CASE c.part WHEN 'text' THEN c.body WHEN 'question' THEN d.content END,
           c.words::text,
           coalesce(seen_cosines[array_position(seen_chunks, c.chunk_id)],
                    (SELECT CASE WHEN vector_dims(e.embedding)
                                      = vector_dims(vectors[base_places[array_position(base_ids, c.kb_id)]])
                                 THEN 1 - (e.embedding <=> vectors[base_places[array_position(base_ids, c.kb_id)]]) END
                       FROM embeddings e
                      WHERE e.client_id = client AND e.text_hash = c.text_hash
                        AND e.model = models[base_places[array_position(base_ids, c.kb_id)]])),
           NULL, NULL, NULL::double precision
      FROM (SELECT DISTINCT u.unit FROM unnest(units) AS u (unit) WHERE u.unit IS NOT NULL) AS u
     CROSS JOIN LATERAL (
            SELECT * FROM chunks f WHERE f.client_id = client AND f.document_id = u.unit AND f.part <> 'text'
             UNION ALL
            SELECT * FROM chunks t WHERE t.client_id = client AND t.chunk_id = u.unit) AS c
      LEFT JOIN LATERAL (SELECT d.title, d.title_key, d.source_url, d.content FROM documents d
                          WHERE c.part <> 'answer' AND d.client_id = client AND d.document_id = c.document_id
                         OFFSET 0) AS d ON true;
END
$$;
