-- 0025: a search plans nothing, and looks up less
--
-- Measured was how many blocks a search reads (860, of a client of 10,000 chunks) and what its statements cost. The
-- statement for the nearest vectors was planned at each search, since it names its client: dearer with each client that
-- has an index. Each index gets a function of its own, whose plan the session keeps. Of an FAQ its document was read
-- for what its chunks hold as well, and each candidate was looked for both as an FAQ and as a chunk of a document.
--
-- leadwire_search stays for processes of the version before, until they are gone.

-- Makes the function of a client's index of vectors, with the index's name: the nearest by it, as two arrays. It is
-- called by leadwire_candidates alone, with its settings. To be called by the owner of the tables.
CREATE FUNCTION leadwire_make_nearest(client uuid, of_model text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    i record;
BEGIN
    SELECT index_name, dimensions INTO i FROM vector_indexes WHERE client_id = client AND model = of_model;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE OR REPLACE FUNCTION %I(query halfvec, wanted integer, OUT hashes uuid[],'
                   ' OUT cosines double precision[]) LANGUAGE plpgsql STABLE SET enable_sort = off AS %L',
                   i.index_name, format($f$
BEGIN
    SELECT array_agg(n.text_hash), array_agg(1 - n.distance) INTO hashes, cosines
      FROM (SELECT e.text_hash, e.embedding::halfvec(%1$s) <=> query AS distance FROM embeddings e
             WHERE e.client_id = %2$L AND e.model = %3$L AND vector_dims(e.embedding) = %1$s
             ORDER BY e.embedding::halfvec(%1$s) <=> query LIMIT wanted) AS n;
END
$f$, i.dimensions, client, of_model));
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %I(halfvec, integer) FROM PUBLIC', i.index_name);
END
$$;
REVOKE EXECUTE ON FUNCTION leadwire_make_nearest FROM PUBLIC;

DO $$
BEGIN
    PERFORM '[1]'::vector;  -- loads the library, so that its settings are known below
    PERFORM leadwire_make_nearest(client_id, model) FROM vector_indexes WHERE state = 'ready';
END
$$;

-- What of a client's knowledge may answer a query: kb NULL means all of its bases. vectors are the query's, one for each
-- of models. each: candidates by words, and as many by vectors, of each base. Rows of two kinds, bases first:
--   base   one for each base: language, model, threshold; folded is the query as questions are compared; words is what
--          the query asks, one line for each lexeme that stands for one of its terms: the term's number, the term's
--          value (the rarer in the base the more), the lexeme's weight, the lexeme
--   chunk  a chunk of a candidate, question and answer of an FAQ both: words are its lexemes as a tsvector is written,
--          cosine is NULL without a vector. title and source_url are of documents alone; folded is a document's title as
--          questions are compared, and of a question the query if it is the same, or else NULL where the question is
--          ASCII, whose reader lowers its letters itself
-- Candidates by words come from the rare lexemes, and from where the frequent ones meet: what all chunks say is not
-- read through. Of a query 64 words are looked at. Its statements are planned once a session, and look everything up by
-- indexes whatever the statistics are: a query has few words and few candidates, however much a base holds.
-- ef_search: of 10,000 vectors of 1,536 numbers the three nearest are all found from 15 on.
CREATE FUNCTION leadwire_candidates(client uuid, kb uuid, query text, each integer, models text[], vectors halfvec[],
                                    exact_below bigint)
RETURNS TABLE (kind text, kb_id uuid, document_id uuid, chunk_id uuid, part text, "position" integer, title text,
               folded text, heading text, source_url text, body text, words text, cosine double precision,
               language text, model text, threshold double precision)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET hnsw.ef_search = 20 SET hnsw.iterative_scan = strict_order ROWS 40 AS $$
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
    faqs    uuid[] := '{}';   -- candidates: FAQs, by their documents
    texts   uuid[] := '{}';   -- candidates: chunks of documents
    same    uuid[] := '{}';   -- FAQs whose question is the query
    more_faqs  uuid[];
    more_texts uuid[];
    level   integer;
    place   integer;
    index_dimensions integer;  -- NULL: there is no index to use
    seen_chunks  uuid[] := '{}';
    seen_cosines double precision[] := '{}';
    new_chunks   uuid[];
    new_cosines  double precision[];
    near_hashes  uuid[];
    near_cosines double precision[];
    nearest text;              -- the function of the index; NULL: there is none
    wanted  integer;
    of_model text;
    of_bases uuid[];
    held    bigint;
    found   bigint;
    of_these bigint;
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
                SELECT array_agg(c.document_id) FILTER (WHERE c.part <> 'text'),
                       array_agg(c.chunk_id) FILTER (WHERE c.part = 'text')
                  INTO more_faqs, more_texts
                  FROM (SELECT * FROM chunks c
                         WHERE leadwire_terms(c.kb_id, c.words) @@ array_to_string(alt_queries, '|')::tsquery
                        OFFSET 0) AS c
                 WHERE c.client_id = client AND c.kb_id = base.kb_id;
                faqs := faqs || more_faqs;
                texts := texts || more_texts;
            END IF;
        ELSE
            -- Each rare lexeme's chunks by themselves, so that what speaks for them is known without reading them.
            SELECT array_agg(b.unit) FILTER (WHERE NOT b.is_text), array_agg(b.unit) FILTER (WHERE b.is_text)
              INTO more_faqs, more_texts
              FROM (
                SELECT h.unit, h.is_text, sum(h.score) AS score FROM (
                    SELECT leadwire_unit(c.part, c.document_id, c.chunk_id) AS unit, c.part = 'text' AS is_text,
                           a.place, max(a.score) AS score
                      FROM (SELECT a.query::tsquery AS query, a.place, a.score,
                                   sum(a.units) OVER (ORDER BY a.units, a.query) AS so_far
                              FROM unnest(alt_queries, alt_places, alt_scores, alt_units)
                                   AS a (query, place, score, units)) AS a
                     CROSS JOIN LATERAL (SELECT c.* FROM chunks c
                                          WHERE leadwire_terms(c.kb_id, c.words) @@ a.query OFFSET 0) AS c
                     WHERE a.so_far <= rare_most AND c.client_id = client AND c.kb_id = base.kb_id
                     GROUP BY 1, 2, 3) AS h
                 GROUP BY h.unit, h.is_text ORDER BY score DESC LIMIT each) AS b;
            faqs := faqs || more_faqs;
            texts := texts || more_texts;
            -- Where the most telling terms meet: all of them, or fewer until enough is found.
            IF alt_total > rare_most THEN
                SELECT array_agg(m.query ORDER BY m.value DESC) INTO meeting FROM (
                    SELECT '(' || string_agg(a.query, '|') || ')' AS query, max(a.score) AS value
                      FROM unnest(alt_queries, alt_places, alt_scores) AS a (query, place, score)
                     GROUP BY a.place ORDER BY value DESC LIMIT 4) AS m;
                FOR level IN REVERSE cardinality(meeting) .. 1 LOOP
                    SELECT array_agg(c.document_id) FILTER (WHERE c.part <> 'text'),
                           array_agg(c.chunk_id) FILTER (WHERE c.part = 'text'), count(*)
                      INTO more_faqs, more_texts, found
                      FROM (SELECT c.document_id, c.chunk_id, c.part
                              FROM (SELECT * FROM chunks c
                                     WHERE leadwire_terms(c.kb_id, c.words)
                                           @@ array_to_string(meeting[:level], '&')::tsquery
                                    OFFSET 0) AS c
                             WHERE c.client_id = client AND c.kb_id = base.kb_id LIMIT each) AS c;
                    faqs := faqs || more_faqs;
                    texts := texts || more_texts;
                    EXIT WHEN found >= each / 2;
                END LOOP;
            END IF;
        END IF;

        -- The question itself.
        same := same || ARRAY(SELECT d.document_id FROM documents d
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
        nearest := NULL;
        IF held >= exact_below THEN
            SELECT i.dimensions, to_regproc(i.index_name) INTO index_dimensions, nearest FROM vector_indexes i
             WHERE i.client_id = client AND i.model = of_model AND i.state = 'ready'
               AND i.dimensions = vector_dims(vectors[place]);
        END IF;
        -- Where few of the nearest belong to these bases, more are asked for.
        wanted := each;
        LOOP
            IF index_dimensions IS NULL THEN
                SELECT array_agg(n.text_hash), array_agg(n.cosine) INTO near_hashes, near_cosines
                  FROM leadwire_nearest_exact(client, of_model, vectors[place], wanted) AS n;
            ELSIF nearest IS NULL THEN  -- the index was made by a process of a version before
                SELECT array_agg(n.text_hash), array_agg(n.cosine) INTO near_hashes, near_cosines
                  FROM leadwire_nearest(client, of_model, index_dimensions, vectors[place], wanted) AS n;
            ELSE
                EXECUTE 'SELECT * FROM ' || nearest || '($1, $2)' INTO near_hashes, near_cosines
                  USING vectors[place], wanted;
            END IF;
            SELECT array_agg(c.chunk_id), array_agg(n.cosine), count(c.chunk_id),
                   array_agg(c.document_id) FILTER (WHERE c.part <> 'text'),
                   array_agg(c.chunk_id) FILTER (WHERE c.part = 'text')
              INTO new_chunks, new_cosines, of_these, more_faqs, more_texts
              FROM unnest(near_hashes, near_cosines) AS n (text_hash, cosine)
              LEFT JOIN LATERAL (SELECT t.chunk_id, t.document_id, t.part, t.kb_id FROM chunks t
                                  WHERE t.client_id = client AND t.text_hash = n.text_hash OFFSET 0) AS c
                ON c.kb_id = ANY (of_bases);
            found := coalesce(cardinality(near_hashes), 0);
            EXIT WHEN found < wanted OR of_these >= each / 2;
            wanted := wanted * 8;
        END LOOP;
        seen_chunks := seen_chunks || new_chunks;
        seen_cosines := seen_cosines || new_cosines;
        faqs := faqs || more_faqs;
        texts := texts || more_texts;
    END LOOP;

    RETURN QUERY
    SELECT 'chunk', c.kb_id, c.document_id, c.chunk_id, c.part, c.position, NULL,
           CASE WHEN c.part <> 'question' THEN NULL
                WHEN c.document_id = ANY (same) THEN plain_query
                WHEN octet_length(c.body) <> length(c.body)
                THEN (SELECT d.title_key FROM documents d
                       WHERE d.client_id = client AND d.document_id = c.document_id) END,
           c.heading, NULL, c.body, c.words::text,
           coalesce(seen_cosines[array_position(seen_chunks, c.chunk_id)],
                    (SELECT CASE WHEN vector_dims(e.embedding)
                                      = vector_dims(vectors[base_places[array_position(base_ids, c.kb_id)]])
                                 THEN 1 - (e.embedding <=> vectors[base_places[array_position(base_ids, c.kb_id)]]) END
                       FROM embeddings e
                      WHERE e.client_id = client AND e.text_hash = c.text_hash
                        AND e.model = models[base_places[array_position(base_ids, c.kb_id)]])),
           NULL, NULL, NULL::double precision
      FROM (SELECT DISTINCT u.unit FROM unnest(faqs || same) AS u (unit)) AS u
     CROSS JOIN LATERAL (SELECT * FROM chunks f
                          WHERE f.client_id = client AND f.document_id = u.unit AND f.part <> 'text' OFFSET 0) AS c;

    IF cardinality(texts) > 0 THEN
        RETURN QUERY
        SELECT 'chunk', c.kb_id, c.document_id, c.chunk_id, c.part, c.position, d.title,
               CASE WHEN d.title_key LIKE 'title:%' THEN substr(d.title_key, 7) ELSE leadwire_fold(d.title) END,
               c.heading, d.source_url, c.body, c.words::text,
               coalesce(seen_cosines[array_position(seen_chunks, c.chunk_id)],
                        (SELECT CASE WHEN vector_dims(e.embedding)
                                          = vector_dims(vectors[base_places[array_position(base_ids, c.kb_id)]])
                                     THEN 1 - (e.embedding
                                               <=> vectors[base_places[array_position(base_ids, c.kb_id)]]) END
                           FROM embeddings e
                          WHERE e.client_id = client AND e.text_hash = c.text_hash
                            AND e.model = models[base_places[array_position(base_ids, c.kb_id)]])),
               NULL, NULL, NULL::double precision
          FROM (SELECT DISTINCT u.unit FROM unnest(texts) AS u (unit)) AS u
         CROSS JOIN LATERAL (SELECT * FROM chunks t WHERE t.client_id = client AND t.chunk_id = u.unit OFFSET 0) AS c
         CROSS JOIN LATERAL (SELECT d.title, d.title_key, d.source_url FROM documents d
                              WHERE d.client_id = client AND d.document_id = c.document_id OFFSET 0) AS d;
    END IF;
END
$$;
REVOKE EXECUTE ON FUNCTION leadwire_candidates FROM PUBLIC;
GRANT EXECUTE ON FUNCTION leadwire_candidates TO leadwire_knowledge;
