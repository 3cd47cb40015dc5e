-- 0009: search that stays fast with many chunks, and that reads letters however they are written
--
-- Text and query are folded to one way of writing before words are made of them (leadwire_plain). Search becomes one
-- function that runs as the tables' owner: row-level security would keep it from using an index on words, whose operator
-- is not leakproof. It therefore checks the client itself, and each of its statements names the client.

DO $$
DECLARE
    version text := (SELECT extversion FROM pg_extension WHERE extname = 'vector');
BEGIN
    IF string_to_array(version, '.')::integer[] < ARRAY[0, 8] THEN
        RAISE EXCEPTION 'pgvector 0.8 or later is needed, this database has %: install it and run'
            ' ALTER EXTENSION vector UPDATE', version;
    END IF;
    PERFORM '[1]'::vector;  -- loads the library, so that its settings are known below
END
$$;

-- ---- one way of writing ----

-- Without what readers do not see as another word: accents and vowel signs, the forms of one Arabic letter (alef, yeh,
-- kaf, hamza's carriers, teh marbuta), presentation forms, Arabic-Indic and Persian digits, tatweel, typographic
-- apostrophes, marks of direction and zero-width characters. ASCII stays as it is.
CREATE FUNCTION leadwire_plain(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT CASE WHEN octet_length(given) = length(given) THEN given ELSE
           normalize(translate(regexp_replace(normalize(given, NFKD),
               U&'[\0300-\036f\064b-\065f\0670\06d6-\06dc\06df-\06e8\06ea-\06ed\0640\00ad\061c\200b-\200f\202a-\202e\2060-\2069\feff]',
               '', 'g'),
               -- digits, then yeh, kaf, heh, alef, decimal and thousands separators, apostrophes
               U&'\0660\0661\0662\0663\0664\0665\0666\0667\0668\0669\06f0\06f1\06f2\06f3\06f4\06f5\06f6\06f7\06f8\06f9' ||
               U&'\0649\06cc\06a9\0629\06c1\06be\0671\066b\066c\2018\2019\02bc',
               '01234567890123456789' ||
               U&'\064a\064a\0643\0647\0647\0647\0627.,'''''''), NFC) END $$;

-- Two questions are the same if they differ in writing, case, spaces and trailing punctuation alone.
CREATE OR REPLACE FUNCTION leadwire_fold(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT regexp_replace(btrim(regexp_replace(lower(leadwire_plain(given)), '\s+', ' ', 'g')),
                             '[[:space:][:punct:]؟،؛]+$', '') $$;

-- The words of a text, plain and lower case; no markup, no spaces, of hyphenated words the parts.
CREATE OR REPLACE FUNCTION leadwire_words(given text) RETURNS SETOF text LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 20 AS
    $$ SELECT DISTINCT lower(token) FROM ts_parse('default', leadwire_plain(given))
        WHERE tokid NOT IN (12, 13, 14, 15, 16, 17, 23) $$;

-- What chunks.words is: heading and body as the base's language sees them.
CREATE FUNCTION leadwire_tsvector(config regconfig, given text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT to_tsvector(config, leadwire_plain(given)) $$;

-- What was stored before, in the new way of writing. ASCII is the same in both.
UPDATE chunks c SET words = leadwire_tsvector(b.language::regconfig, c.heading || E'\n' || c.body)
  FROM knowledge_bases b
 WHERE b.client_id = c.client_id AND b.kb_id = c.kb_id
   AND octet_length(c.body || c.heading) <> length(c.body || c.heading);

DELETE FROM kb_words WHERE octet_length(word) <> length(word);
INSERT INTO kb_words (client_id, kb_id, word, lexeme)
SELECT DISTINCT c.client_id, c.kb_id, w.word, leadwire_lexeme(b.language::regconfig, w.word)
  FROM chunks c JOIN knowledge_bases b USING (client_id, kb_id), leadwire_words(c.body) AS w (word)
 WHERE octet_length(c.body) <> length(c.body) AND length(w.word) BETWEEN 3 AND 40
   AND leadwire_lexeme(b.language::regconfig, w.word) IS NOT NULL
ON CONFLICT DO NOTHING;

-- Of questions that are the same only now, the one changed last has the key; the others keep their own.
UPDATE documents d SET title_key = own.key
  FROM (SELECT DISTINCT ON (client_id, kb_id, key) client_id, document_id, key
          FROM (SELECT *, leadwire_fold(title) AS key FROM documents WHERE kind = 'faq') AS folded
         ORDER BY client_id, kb_id, key, title_key = key DESC, updated_at DESC, document_id) AS own
 WHERE d.client_id = own.client_id AND d.document_id = own.document_id AND d.title_key <> own.key;

-- ---- how much a base holds, and how often it says what ----

-- A unit is what can answer: an FAQ (question and answer together), or a chunk of a document.
CREATE FUNCTION leadwire_unit(part text, document_id uuid, chunk_id uuid) RETURNS uuid LANGUAGE sql IMMUTABLE
    PARALLEL SAFE AS $$ SELECT CASE part WHEN 'text' THEN chunk_id ELSE document_id END $$;

CREATE TABLE kb_sizes (
    client_id uuid NOT NULL,
    kb_id     uuid NOT NULL,
    units     bigint NOT NULL,
    chunks    bigint NOT NULL,
    PRIMARY KEY (client_id, kb_id),
    FOREIGN KEY (client_id, kb_id) REFERENCES knowledge_bases ON DELETE CASCADE
) WITH (fillfactor = 50);

CREATE TABLE kb_terms (
    client_id uuid NOT NULL,
    kb_id     uuid NOT NULL,
    lexeme    text NOT NULL,    -- as in chunks.words
    units     bigint NOT NULL,  -- that say it
    PRIMARY KEY (client_id, kb_id, lexeme),
    FOREIGN KEY (client_id, kb_id) REFERENCES knowledge_bases ON DELETE CASCADE
) WITH (fillfactor = 70);

-- Which clients' vectors of a model have an HNSW index; of the others they are searched one by one. See
-- services/knowledge/vector_index.h.
CREATE TABLE vector_indexes (
    client_id  uuid NOT NULL REFERENCES clients ON DELETE CASCADE,
    model      text NOT NULL,
    index_name text NOT NULL CONSTRAINT vector_indexes_name UNIQUE,
    dimensions integer NOT NULL DEFAULT 0,  -- 0 until it is known
    state      text NOT NULL CHECK (state IN ('wanted', 'building', 'ready', 'unwanted')),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, model)
);

DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['kb_sizes', 'kb_terms', 'vector_indexes'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format('CREATE POLICY tenant ON %I USING (client_id = (SELECT leadwire_client())'
                       ' OR (SELECT leadwire_every_client()))', table_name);
    END LOOP;
END
$$;
GRANT SELECT ON kb_sizes, kb_terms TO leadwire_knowledge;
GRANT SELECT, INSERT, UPDATE, DELETE ON vector_indexes TO leadwire_knowledge;

-- Keeps both counts in step with chunks, in the same transaction. The base's row in kb_sizes comes first: whoever
-- writes chunks of the same base waits there, so that nobody waits in a circle for words. Of a base that is being
-- deleted nothing is counted: the counts go with it.
CREATE FUNCTION leadwire_count_chunks() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO kb_sizes AS s (client_id, kb_id, units, chunks)
        SELECT client_id, kb_id, count(DISTINCT leadwire_unit(part, document_id, chunk_id)), count(*)
          FROM new_chunks GROUP BY client_id, kb_id ORDER BY client_id, kb_id
        ON CONFLICT (client_id, kb_id) DO UPDATE SET units = s.units + excluded.units,
                                                     chunks = s.chunks + excluded.chunks;
        INSERT INTO kb_terms AS t (client_id, kb_id, lexeme, units)
        SELECT client_id, kb_id, lexeme, count(DISTINCT leadwire_unit(part, document_id, chunk_id))
          FROM new_chunks, unnest(tsvector_to_array(words)) AS lexeme GROUP BY client_id, kb_id, lexeme
        ON CONFLICT (client_id, kb_id, lexeme) DO UPDATE SET units = t.units + excluded.units;
    ELSIF TG_OP = 'DELETE' THEN
        UPDATE kb_sizes s SET units = s.units - gone.units, chunks = s.chunks - gone.chunks
          FROM (SELECT client_id, kb_id, count(DISTINCT leadwire_unit(part, document_id, chunk_id)) AS units,
                       count(*) AS chunks
                  FROM old_chunks JOIN knowledge_bases USING (client_id, kb_id) GROUP BY client_id, kb_id) AS gone
         WHERE s.client_id = gone.client_id AND s.kb_id = gone.kb_id;
        UPDATE kb_terms t SET units = t.units - gone.units
          FROM (SELECT client_id, kb_id, lexeme, count(DISTINCT leadwire_unit(part, document_id, chunk_id)) AS units
                  FROM old_chunks JOIN knowledge_bases USING (client_id, kb_id),
                       unnest(tsvector_to_array(words)) AS lexeme
                 GROUP BY client_id, kb_id, lexeme) AS gone
         WHERE t.client_id = gone.client_id AND t.kb_id = gone.kb_id AND t.lexeme = gone.lexeme;
    ELSE
        PERFORM FROM kb_sizes s WHERE (s.client_id, s.kb_id) IN (SELECT client_id, kb_id FROM new_chunks)
         ORDER BY client_id, kb_id FOR UPDATE;
        INSERT INTO kb_terms AS t (client_id, kb_id, lexeme, units)
        SELECT client_id, kb_id, lexeme, sum(n) FROM (
            SELECT client_id, kb_id, lexeme, count(DISTINCT leadwire_unit(part, document_id, chunk_id)) AS n
              FROM new_chunks, unnest(tsvector_to_array(words)) AS lexeme GROUP BY client_id, kb_id, lexeme
             UNION ALL
            SELECT client_id, kb_id, lexeme, -count(DISTINCT leadwire_unit(part, document_id, chunk_id))
              FROM old_chunks, unnest(tsvector_to_array(words)) AS lexeme GROUP BY client_id, kb_id, lexeme) AS each
         GROUP BY client_id, kb_id, lexeme HAVING sum(n) <> 0
        ON CONFLICT (client_id, kb_id, lexeme) DO UPDATE SET units = t.units + excluded.units;
    END IF;
    RETURN NULL;
END
$$;

INSERT INTO kb_sizes (client_id, kb_id, units, chunks)
SELECT client_id, kb_id, count(DISTINCT leadwire_unit(part, document_id, chunk_id)), count(*)
  FROM chunks GROUP BY client_id, kb_id;
INSERT INTO kb_terms (client_id, kb_id, lexeme, units)
SELECT client_id, kb_id, lexeme, count(DISTINCT leadwire_unit(part, document_id, chunk_id))
  FROM chunks, unnest(tsvector_to_array(words)) AS lexeme GROUP BY client_id, kb_id, lexeme;

CREATE TRIGGER chunks_counted_in AFTER INSERT ON chunks REFERENCING NEW TABLE AS new_chunks
    FOR EACH STATEMENT EXECUTE FUNCTION leadwire_count_chunks();
CREATE TRIGGER chunks_counted_over AFTER UPDATE ON chunks REFERENCING NEW TABLE AS new_chunks OLD TABLE AS old_chunks
    FOR EACH STATEMENT EXECUTE FUNCTION leadwire_count_chunks();
CREATE TRIGGER chunks_counted_out AFTER DELETE ON chunks REFERENCING OLD TABLE AS old_chunks
    FOR EACH STATEMENT EXECUTE FUNCTION leadwire_count_chunks();

-- ---- indexes ----

-- The words of a chunk, each behind its base's name, so that a list in the index is one base's alone and not longer for
-- what others say. High cost: it is for the index, a scan must not compute it.
CREATE FUNCTION leadwire_terms(kb_id uuid, words tsvector) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
    COST 10000 AS
    $$ SELECT array_to_tsvector(ARRAY(SELECT right(kb_id::text, 8) || l FROM unnest(tsvector_to_array(words)) AS l)) $$;
-- Without a pending list, which each search would have to read to its end.
CREATE INDEX chunks_terms ON chunks USING gin (leadwire_terms(kb_id, words)) WITH (fastupdate = off);

-- Where a misspelt word is looked for: among those of about its length with its first letter.
CREATE INDEX kb_words_shape ON kb_words (client_id, kb_id, left(word, 1), length(word));
DROP INDEX kb_words_lexeme;

-- ---- search ----

CREATE FUNCTION leadwire_quoted(lexeme text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT '''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''' $$;

-- What misspelt words of a query were meant to be: of the base's words, or the language's own list, the nearest.
-- places: of the words in the query's list of terms.
CREATE FUNCTION leadwire_near(client uuid, kb uuid, lang text, words text[], places integer[])
RETURNS TABLE (place integer, lexeme text, concept text, weight double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp ROWS 4 AS $$
    SELECT DISTINCT ON (n.place) n.place, n.lexeme,
           (SELECT s.concept FROM search_words s WHERE s.language = lang AND s.lexeme = n.lexeme LIMIT 1),
           CASE WHEN n.slips = 2 THEN 0.8 WHEN length(n.word) < 6 THEN 0.75 ELSE 0.9 END::double precision
      FROM (SELECT u.place, u.word, w.lexeme, leadwire_slips(w.word, u.word) AS slips
              FROM unnest(words, places) AS u (word, place)
              JOIN kb_words w ON w.client_id = client AND w.kb_id = kb AND left(w.word, 1) = left(u.word, 1)
               AND length(w.word) BETWEEN length(u.word) - 2 AND length(u.word) + 2
             WHERE levenshtein_less_equal(w.word, u.word, 2) <= 2
             UNION ALL
            SELECT u.place, u.word, w.lexeme, leadwire_slips(w.word, u.word)
              FROM unnest(words, places) AS u (word, place)
              JOIN search_words w ON w.language = lang
               AND CASE WHEN left(w.word, 1) = left(u.word, 1) THEN levenshtein_less_equal(w.word, u.word, 2) <= 2 END
           ) AS n
     WHERE n.slips IS NOT NULL ORDER BY n.place, n.slips, n.lexeme
$$;
REVOKE EXECUTE ON FUNCTION leadwire_near FROM PUBLIC;

-- A client's nearest vectors by its HNSW index. The index is the client's and the model's own, so both must be
-- constants. The width of the search (ef_search) was chosen by measurement; the scan goes on beyond it where more is
-- asked for.
CREATE FUNCTION leadwire_nearest(client uuid, of_model text, dimensions integer, query halfvec, wanted integer)
RETURNS TABLE (text_hash uuid, cosine double precision)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET hnsw.ef_search = 30 SET hnsw.iterative_scan = strict_order ROWS 20 AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT text_hash, 1 - (embedding::halfvec(%1$s) <=> $1) FROM embeddings'
        ' WHERE client_id = %2$L AND model = %3$L AND vector_dims(embedding) = %1$s'
        ' ORDER BY embedding::halfvec(%1$s) <=> $1 LIMIT $2', dimensions, client, of_model) USING query, wanted;
END
$$;
REVOKE EXECUTE ON FUNCTION leadwire_nearest FROM PUBLIC;

-- What of a client's knowledge may answer a query: kb NULL means all of its bases. vectors are the query's, one for each
-- of models. each: candidates by words, and as many by vectors, of each base. Rows of two kinds:
--   base   one for each base: language, model, threshold; folded is the query as questions are compared; words is what
--          the query asks, one line for each lexeme that stands for one of its terms: the term's number, the term's
--          value (the rarer in the base the more), the lexeme's weight, the lexeme
--   chunk  a chunk of a candidate, question and answer of an FAQ both: folded is its title as questions are compared,
--          words are its lexemes, cosine is NULL without a vector; what both chunks of an FAQ share stands with the
--          question alone
-- Candidates by words come from the rare lexemes, and from where the frequent ones meet: what all chunks say is not
-- read through. Of a query 64 words are looked at. Its statements are planned once a session: planning them for each
-- query takes several times as long as running them.
CREATE FUNCTION leadwire_search(client uuid, kb uuid, query text, each integer, models text[], vectors halfvec[],
                                exact_below bigint)
RETURNS TABLE (kind text, kb_id uuid, document_id uuid, chunk_id uuid, part text, "position" integer, title text,
               folded text, heading text, source_url text, body text, words text, cosine double precision,
               language text, model text, threshold double precision)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan ROWS 40 AS $$
#variable_conflict use_column
DECLARE
    rare_most constant integer := 64;  -- units looked at because of rare lexemes
    asked   text[];
    plain_query text := leadwire_fold(query);
    base    record;
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
    asked := ARRAY(SELECT w FROM leadwire_words(query) AS w LIMIT 64);

    FOR base IN
        SELECT b.kb_id, b.language, b.language::regconfig AS config, b.embedding_model, b.similarity_threshold,
               coalesce(s.units, 0) AS units
          FROM knowledge_bases b LEFT JOIN kb_sizes s ON s.client_id = b.client_id AND s.kb_id = b.kb_id
         WHERE b.client_id = client AND (kb IS NULL OR b.kb_id = kb)
    LOOP
        -- The terms of the query: its words that say something, by the language of the base.
        SELECT array_agg(t.lexeme ORDER BY t.place), array_agg(t.stop ORDER BY t.place), array_agg(t.concept ORDER BY t.place),
               array_agg(t.word) FILTER (WHERE t.unknown), array_agg(t.place) FILTER (WHERE t.unknown)
          INTO term_lexemes, term_stops, term_concepts, unknown_words, unknown_places
          FROM (SELECT l.word, l.lexeme, l.stop, s.concept, row_number() OVER ()::integer AS place,
                       s.concept IS NULL AND n.units IS NULL AND length(l.word) BETWEEN 4 AND 40 AS unknown
                  FROM (SELECT DISTINCT ON (coalesce(x.lexeme, w)) w AS word, coalesce(x.lexeme, w) AS lexeme,
                               x.lexeme IS NULL AS stop
                          FROM unnest(asked) AS w
                         CROSS JOIN LATERAL (SELECT leadwire_lexeme(base.config, w) AS lexeme OFFSET 0) AS x) AS l
                  LEFT JOIN LATERAL (SELECT c.concept FROM search_words c
                                      WHERE c.language = base.language AND c.lexeme = l.lexeme LIMIT 1) AS s ON true
                  LEFT JOIN kb_terms n ON n.client_id = client AND n.kb_id = base.kb_id AND n.lexeme = l.lexeme
                                      AND n.units > 0
                 WHERE s.concept <> '' OR (s.concept IS NULL AND NOT l.stop)) AS t;

        near_places := '{}';
        IF cardinality(unknown_words) > 0 THEN
            SELECT array_agg(n.place), array_agg(n.lexeme), array_agg(n.concept), array_agg(n.weight)
              INTO near_places, near_lexemes, near_concepts, near_weights
              FROM leadwire_near(client, base.kb_id, base.language, unknown_words, unknown_places) AS n;
        END IF;

        -- The lexemes that stand for a term: itself, those of the same concept, what it was meant to be.
        SELECT string_agg(v.place || ' ' || v.value || ' ' || v.weight || ' ' || v.lexeme, E'\n'),
               array_agg(v.place ORDER BY v.units, v.lexeme) FILTER (WHERE v.units > 0),
               array_agg(v.weight * v.value ORDER BY v.units, v.lexeme) FILTER (WHERE v.units > 0),
               array_agg(leadwire_quoted(right(base.kb_id::text, 8) || v.lexeme) ORDER BY v.units, v.lexeme)
                   FILTER (WHERE v.units > 0),
               array_agg(v.units ORDER BY v.units, v.lexeme) FILTER (WHERE v.units > 0),
               coalesce(sum(v.units), 0)
          INTO words, alt_places, alt_scores, alt_queries, alt_units, alt_total
          FROM (SELECT a.place, a.lexeme, a.weight, a.units,
                       ln(1 + base.units / (0.5 + least(sum(a.units) OVER (PARTITION BY a.place), base.units)))
                       * CASE WHEN term_stops[a.place] THEN 0.4 ELSE 1 END AS value
                  FROM (SELECT e.place, e.lexeme, max(e.weight) AS weight, coalesce(max(n.units), 0) AS units
                          FROM (SELECT p.place::integer, p.lexeme, 1.0::double precision AS weight
                                  FROM unnest(term_lexemes) WITH ORDINALITY AS p (lexeme, place)
                                 UNION ALL
                                SELECT p.place::integer, c.lexeme, 0.9
                                  FROM unnest(term_concepts) WITH ORDINALITY AS p (concept, place)
                                  JOIN search_words c ON c.language = base.language AND c.concept = p.concept
                                 UNION ALL
                                SELECT p.place, p.lexeme, p.weight
                                  FROM unnest(near_places, near_lexemes, near_weights) AS p (place, lexeme, weight)
                                 UNION ALL
                                SELECT p.place, c.lexeme, 0.9 * p.weight
                                  FROM unnest(near_places, near_concepts, near_weights) AS p (place, concept, weight)
                                  JOIN search_words c ON c.language = base.language AND c.concept = p.concept
                               ) AS e
                          LEFT JOIN kb_terms n ON n.client_id = client AND n.kb_id = base.kb_id AND n.lexeme = e.lexeme
                         -- A misspelt word that says nothing.
                         WHERE NOT EXISTS (SELECT FROM unnest(near_places, near_concepts) AS p (place, concept)
                                            WHERE p.place = e.place AND p.concept = '')
                         GROUP BY e.place, e.lexeme) AS a) AS v;

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
        SELECT array_agg(b.kb_id), coalesce(sum(s.chunks), 0) INTO of_bases, held
          FROM knowledge_bases b JOIN kb_sizes s ON s.client_id = b.client_id AND s.kb_id = b.kb_id
         WHERE b.client_id = client AND b.embedding_model = of_model AND (kb IS NULL OR b.kb_id = kb);
        CONTINUE WHEN held = 0;
        index_dimensions := NULL;
        IF held >= exact_below THEN
            SELECT i.dimensions INTO index_dimensions FROM vector_indexes i
             WHERE i.client_id = client AND i.model = of_model AND i.state = 'ready'
               AND i.dimensions = vector_dims(vectors[place]);
        END IF;
        IF index_dimensions IS NULL THEN
            SELECT array_agg(n.chunk_id), array_agg(n.unit), array_agg(n.cosine)
              INTO new_chunks, new_units, new_cosines
              FROM (SELECT c.chunk_id, leadwire_unit(c.part, c.document_id, c.chunk_id) AS unit,
                           1 - (e.embedding <=> vectors[place]) AS cosine
                      FROM chunks c
                      JOIN embeddings e ON e.client_id = client AND e.model = of_model AND e.text_hash = c.text_hash
                     WHERE c.client_id = client AND c.kb_id = ANY (of_bases)
                       AND vector_dims(e.embedding) = vector_dims(vectors[place])
                     ORDER BY cosine DESC LIMIT each) AS n;
        ELSE
            -- Where few of the nearest belong to these bases, more are asked for.
            wanted := each;
            LOOP
                SELECT array_agg(c.chunk_id), array_agg(leadwire_unit(c.part, c.document_id, c.chunk_id)),
                       array_agg(n.cosine), count(DISTINCT n.text_hash)
                  INTO new_chunks, new_units, new_cosines, found
                  FROM leadwire_nearest(client, of_model, index_dimensions, vectors[place], wanted) AS n
                  LEFT JOIN chunks c ON c.client_id = client AND c.text_hash = n.text_hash
                                    AND c.kb_id = ANY (of_bases);
                EXIT WHEN found < wanted OR cardinality(array_remove(new_units, NULL)) >= each / 2;
                wanted := wanted * 8;
            END LOOP;
        END IF;
        seen_chunks := seen_chunks || new_chunks;
        seen_cosines := seen_cosines || new_cosines;
        units := units || new_units;
    END LOOP;

    RETURN QUERY
    SELECT 'chunk', c.kb_id, c.document_id, c.chunk_id, c.part, c.position,
           CASE WHEN c.part <> 'answer' THEN d.title END,
           CASE c.part WHEN 'text' THEN leadwire_fold(d.title) WHEN 'question' THEN d.title_key END,
           c.heading, d.source_url,
           CASE c.part WHEN 'text' THEN c.body WHEN 'question' THEN d.content END,
           array_to_string(tsvector_to_array(c.words), E'\n'),
           coalesce(n.cosine, CASE WHEN vector_dims(e.embedding) = vector_dims(vectors[array_position(models, e.model)])
                                   THEN 1 - (e.embedding <=> vectors[array_position(models, e.model)]) END),
           NULL, NULL, NULL::double precision
      FROM (SELECT DISTINCT u.unit FROM unnest(units) AS u (unit) WHERE u.unit IS NOT NULL) AS u
     CROSS JOIN LATERAL (
            SELECT * FROM chunks f WHERE f.client_id = client AND f.document_id = u.unit AND f.part <> 'text'
             UNION ALL
            SELECT * FROM chunks t WHERE t.client_id = client AND t.chunk_id = u.unit) AS c
      JOIN documents d ON d.client_id = client AND d.document_id = c.document_id
      LEFT JOIN unnest(seen_chunks, seen_cosines) AS n (chunk_id, cosine) ON n.chunk_id = c.chunk_id
      LEFT JOIN knowledge_bases b ON n.chunk_id IS NULL AND b.client_id = client AND b.kb_id = c.kb_id
                                 AND b.embedding_model = ANY (models)
      LEFT JOIN embeddings e ON e.client_id = client AND e.model = b.embedding_model AND e.text_hash = c.text_hash;
END
$$;
REVOKE EXECUTE ON FUNCTION leadwire_search FROM PUBLIC;
GRANT EXECUTE ON FUNCTION leadwire_search TO leadwire_knowledge;

-- ---- Spanish and Arabic: what says nothing when asking, and what stands for each other ----

INSERT INTO search_words (language, word, lexeme, concept)
SELECT language, word, coalesce(leadwire_lexeme(language::regconfig, word), word), concept
FROM (SELECT DISTINCT ON (language, leadwire_plain(word)) language, leadwire_plain(word) AS word, concept
        FROM (VALUES
    ('spanish', '', 'hola buenos buenas dias tardes noches gracias favor por quiero quisiera querria necesito puedo
                     puede pueden podria podrian saber decir dime digame pregunta alguien algo tambien ustedes usted
                     hay tener hacer haceis hacen ofrecen ofrece ayuda ayudar senor senora cosa cosas'),
    ('spanish', 'price', 'precio precios cuesta cuestan costo coste cuanto vale valen tarifa tarifas presupuesto cobran
                          cobra cobrais'),
    ('spanish', 'payment', 'pagar pago pagos tarjeta efectivo bizum transferencia'),
    ('spanish', 'hours', 'horario horarios abren abierto abrir cierran cerrar hora horas'),
    ('spanish', 'weekend', 'sabado sabados domingo domingos finde festivos'),
    ('spanish', 'place', 'donde direccion ubicacion ubicados'),
    ('spanish', 'booking', 'cita citas reservar reserva agendar'),
    ('spanish', 'urgent', 'urgencia urgencias urgente emergencia emergencias'),
    ('spanish', 'repair', 'reparar reparacion reparaciones reparan arreglar arreglan arreglo'),
    ('spanish', 'leak', 'fuga fugas gotea gotera goteras goteo'),
    ('spanish', 'blocked', 'atasco atascado atascada atascos desatascar desatasco desatascan'),
    ('spanish', 'guarantee', 'garantia garantizan garantias'),
    ('spanish', 'phone', 'telefono llamar llamada'),
    ('arabic', '', 'مرحبا السلام عليكم وعليكم اهلا شكرا لو سمحت سمحتم من فضلك ممكن اريد ابغي ابي بغيت عايز محتاج احتاج هل
                    في علي عن الي ما هي هو هذا هذه ذلك انا انت انتم نحن عندكم عندك لديكم لكم يا او ثم مع كيف حال صباح
                    مساء الخير استفسار سؤال تقدمون يوجد'),
    ('arabic', 'price', 'سعر اسعار السعر الاسعار تكلفه التكلفه كلفه بكم كم ثمن رسوم'),
    ('arabic', 'payment', 'دفع الدفع ادفع بطاقه كاش نقدا تحويل'),
    ('arabic', 'hours', 'اوقات الاوقات ساعات ساعه مفتوح مفتوحين تفتحون تغلقون دوام الدوام متي'),
    ('arabic', 'weekend', 'الجمعه السبت الاحد العطله'),
    ('arabic', 'place', 'وين اين موقعكم عنوان العنوان عنوانكم'),
    ('arabic', 'booking', 'موعد مواعيد حجز احجز الحجز'),
    ('arabic', 'urgent', 'طوارئ طارئ عاجل مستعجل'),
    ('arabic', 'repair', 'اصلاح تصليح صيانه الصيانه تصلحون تصليحات'),
    ('arabic', 'guarantee', 'ضمان الضمان كفاله')
             ) AS given (language, concept, list), regexp_split_to_table(given.list, '\s+') AS word
       WHERE word <> '' ORDER BY language, leadwire_plain(word), concept) AS listed
ON CONFLICT DO NOTHING;
