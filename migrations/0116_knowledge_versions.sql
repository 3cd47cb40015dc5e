-- 0116: searches of what little a client knows are answered from a copy of it
--
-- Nearly all of a search among some hundred chunks was the start and the end of a dozen small statements. The knowledge
-- service now keeps a copy of what such a client's bases hold, and asks at each search for its version alone.

-- Of what a client's searches read. It changes with that, in the same transaction. Taken from a sequence, so that none
-- comes back; a client without bases has no row.
CREATE TABLE knowledge_versions (
    client_id uuid PRIMARY KEY REFERENCES clients ON DELETE CASCADE,
    version   bigint NOT NULL
) WITH (fillfactor = 50);
CREATE SEQUENCE knowledge_versions_given;
ALTER TABLE knowledge_versions ENABLE ROW LEVEL SECURITY;
-- In sub-selects, so that the setting is read once a statement and not once a row.
CREATE POLICY tenant ON knowledge_versions USING (client_id = (SELECT leadwire_client())
                                                  OR (SELECT leadwire_every_client()));
GRANT SELECT ON knowledge_versions TO leadwire_knowledge;

-- Of a document a search reads the names alone; its state is its task's business, which must not wait for who changes
-- knowledge.
CREATE FUNCTION leadwire_knowledge_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO knowledge_versions AS v (client_id, version)
        SELECT client_id, nextval('knowledge_versions_given')
          FROM (SELECT DISTINCT client_id FROM new_rows ORDER BY client_id) AS changed
        ON CONFLICT (client_id) DO UPDATE SET version = excluded.version;
    ELSIF TG_TABLE_NAME = 'documents' THEN
        UPDATE knowledge_versions v SET version = nextval('knowledge_versions_given')
         WHERE v.client_id IN (SELECT o.client_id FROM old_rows o JOIN new_rows n USING (client_id, document_id)
                                WHERE (o.title, o.title_key, o.source_url)
                                      IS DISTINCT FROM (n.title, n.title_key, n.source_url));
    ELSE
        UPDATE knowledge_versions v SET version = nextval('knowledge_versions_given')
         WHERE v.client_id IN (SELECT client_id FROM old_rows);
    END IF;
    IF TG_TABLE_NAME = 'knowledge_bases' AND TG_OP = 'DELETE' THEN
        DELETE FROM knowledge_versions v
         WHERE v.client_id IN (SELECT client_id FROM old_rows)
           AND NOT EXISTS (SELECT FROM knowledge_bases b WHERE b.client_id = v.client_id);
    END IF;
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION leadwire_knowledge_changed FROM PUBLIC;

DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['knowledge_bases', 'chunks', 'kb_words', 'embeddings'] LOOP
        EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %I REFERENCING NEW TABLE AS new_rows'
                       ' FOR EACH STATEMENT EXECUTE FUNCTION leadwire_knowledge_changed()', table_name || '_new', table_name);
        EXECUTE format('CREATE TRIGGER %I AFTER UPDATE ON %I REFERENCING OLD TABLE AS old_rows'
                       ' FOR EACH STATEMENT EXECUTE FUNCTION leadwire_knowledge_changed()', table_name || '_changed', table_name);
        EXECUTE format('CREATE TRIGGER %I AFTER DELETE ON %I REFERENCING OLD TABLE AS old_rows'
                       ' FOR EACH STATEMENT EXECUTE FUNCTION leadwire_knowledge_changed()', table_name || '_gone', table_name);
    END LOOP;
END
$$;
CREATE TRIGGER documents_changed AFTER UPDATE ON documents REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION leadwire_knowledge_changed();

INSERT INTO knowledge_versions (client_id, version)
SELECT client_id, nextval('knowledge_versions_given') FROM (SELECT DISTINCT client_id FROM knowledge_bases) AS known;

-- What a query asks in a language, whatever a base says: a line with the query as questions are compared, and then one
-- for each of its terms, as leadwire_candidates numbers them: whether the language takes the word for one that says
-- nothing (t, f), its concept (* if it has none), the word and its lexeme, tabs between them.
CREATE FUNCTION leadwire_asked(of_language text, query text) RETURNS text LANGUAGE plpgsql STABLE
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    config regconfig := of_language;
BEGIN
    RETURN leadwire_fold(query) || E'\n' || coalesce((
        SELECT string_agg(concat_ws(E'\t', s.stop, coalesce(s.concept, '*'), s.word, s.lexeme), E'\n')
          FROM (SELECT l.*, (SELECT c.concept FROM search_words c
                              WHERE c.language = of_language AND c.lexeme = l.lexeme LIMIT 1) AS concept
                  FROM (SELECT DISTINCT ON (coalesce(x.lexeme, x.w)) x.w AS word,
                               coalesce(x.lexeme, x.w) AS lexeme, x.lexeme IS NULL AS stop
                          FROM (SELECT w, leadwire_lexeme(config, w) AS lexeme
                                  FROM (SELECT w FROM leadwire_words(query) AS w LIMIT 64) AS asked OFFSET 0) AS x
                       ) AS l OFFSET 0) AS s
         WHERE s.concept <> '' OR (s.concept IS NULL AND NOT s.stop)), '');
END
$$;
REVOKE EXECUTE ON FUNCTION leadwire_asked FROM PUBLIC;
GRANT EXECUTE ON FUNCTION leadwire_asked TO leadwire_knowledge;

-- All that a client's searches read, of one moment. Rows of three kinds, in this order:
--   version  once: the version, and how many chunks there are; nothing else follows where they are more than chunks_most
--   base     folded is its vocabulary: "lexeme TAB word" a line; words its lexemes: "units TAB lexeme" a line
--   chunk    as of leadwire_candidates, those of a base together, and of an FAQ: folded is of an FAQ what its question is
--            compared by; vector is that of its base's model, as halfvec_send has it
CREATE FUNCTION leadwire_knowledge(client uuid, chunks_most bigint)
RETURNS TABLE (kind text, version bigint, chunks bigint, kb_id uuid, language text, model text,
               threshold double precision, units bigint, document_id uuid, chunk_id uuid, part text,
               "position" integer, title text, folded text, heading text, source_url text, body text, words text,
               vector text)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off ROWS 40 AS $$
#variable_conflict use_column
BEGIN
    kind := 'version';
    version := coalesce((SELECT v.version FROM knowledge_versions v WHERE v.client_id = client), 0);
    chunks := coalesce((SELECT sum(s.chunks) FROM kb_sizes s WHERE s.client_id = client), 0);
    RETURN NEXT;
    IF chunks > chunks_most THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT 'base', NULL::bigint, NULL::bigint, b.kb_id, b.language, b.embedding_model, b.similarity_threshold,
           coalesce((SELECT s.units FROM kb_sizes s WHERE s.client_id = client AND s.kb_id = b.kb_id), 0),
           NULL::uuid, NULL::uuid, NULL, NULL::integer, NULL,
           (SELECT string_agg(w.lexeme || E'\t' || w.word, E'\n')
              FROM kb_words w WHERE w.client_id = client AND w.kb_id = b.kb_id),
           NULL, NULL, NULL,
           (SELECT string_agg(t.units || E'\t' || t.lexeme, E'\n' ORDER BY t.lexeme COLLATE "C")
              FROM kb_terms t WHERE t.client_id = client AND t.kb_id = b.kb_id AND t.units > 0),
           NULL
      FROM knowledge_bases b WHERE b.client_id = client ORDER BY b.kb_id;
    RETURN QUERY
    SELECT 'chunk', NULL::bigint, NULL::bigint, c.kb_id, NULL, NULL, NULL::double precision, NULL::bigint,
           c.document_id, c.chunk_id, c.part, c.position, d.title,
           CASE WHEN c.part <> 'text' THEN d.title_key
                WHEN d.title_key LIKE 'title:%' THEN substr(d.title_key, 7) ELSE leadwire_fold(d.title) END,
           c.heading, d.source_url, c.body, c.words::text, encode(halfvec_send(e.embedding), 'hex')
      FROM chunks c
      JOIN documents d ON d.client_id = client AND d.document_id = c.document_id
      JOIN knowledge_bases b ON b.client_id = client AND b.kb_id = c.kb_id
      LEFT JOIN embeddings e ON e.client_id = client AND e.model = b.embedding_model AND e.text_hash = c.text_hash
     WHERE c.client_id = client ORDER BY c.kb_id, c.document_id, c.part, c.position;
END
$$;
REVOKE EXECUTE ON FUNCTION leadwire_knowledge FROM PUBLIC;
GRANT EXECUTE ON FUNCTION leadwire_knowledge TO leadwire_knowledge;
