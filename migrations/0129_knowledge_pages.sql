-- 0129: what a large client knows is copied too, page by page
--
-- A search among 10,000 chunks took PostgreSQL 1.9 ms of CPU, and six times as much as all else. The knowledge service
-- keeps a copy of such a client's knowledge as well, with an index of its own, and reads it in many short statements.

-- The client's bases, as leadwire_knowledge has them, beside the version and how many chunks there are. A copy of that
-- version is made of these and of pages of the same version; what was read meanwhile of another one is of no use.
CREATE FUNCTION leadwire_knowledge_bases(client uuid)
RETURNS TABLE (version bigint, chunks bigint, kb_id uuid, language text, model text, threshold double precision,
               units bigint, folded text, words text)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off ROWS 4 AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT coalesce((SELECT v.version FROM knowledge_versions v WHERE v.client_id = client), 0),
           coalesce(s.chunks, 0), b.kb_id, b.language, b.embedding_model, b.similarity_threshold, coalesce(s.units, 0),
           (SELECT string_agg(w.lexeme || E'\t' || w.word, E'\n')
              FROM kb_words w WHERE w.client_id = client AND w.kb_id = b.kb_id),
           (SELECT string_agg(t.units || E'\t' || t.lexeme, E'\n' ORDER BY t.lexeme COLLATE "C")
              FROM kb_terms t WHERE t.client_id = client AND t.kb_id = b.kb_id AND t.units > 0)
      FROM knowledge_bases b LEFT JOIN kb_sizes s ON s.client_id = client AND s.kb_id = b.kb_id
     WHERE b.client_id = client ORDER BY b.kb_id;
END
$$;
REVOKE EXECUTE ON FUNCTION leadwire_knowledge_bases FROM PUBLIC;
GRANT EXECUTE ON FUNCTION leadwire_knowledge_bases TO leadwire_knowledge;

-- The next chunks of a client behind one of them, by their ids; as of leadwire_knowledge, but title, folded and
-- source_url stand only where a search reads them: folded with questions, all three with pieces of documents.
CREATE FUNCTION leadwire_knowledge_page(client uuid, after uuid, most integer)
RETURNS TABLE (version bigint, kb_id uuid, document_id uuid, chunk_id uuid, part text, "position" integer, title text,
               folded text, heading text, source_url text, body text, words text, vector text)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off ROWS 200 AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT coalesce((SELECT v.version FROM knowledge_versions v WHERE v.client_id = client), 0),
           c.kb_id, c.document_id, c.chunk_id, c.part, c.position, CASE c.part WHEN 'text' THEN d.title END,
           CASE c.part WHEN 'question' THEN d.title_key
                       WHEN 'text' THEN CASE WHEN d.title_key LIKE 'title:%' THEN substr(d.title_key, 7)
                                             ELSE leadwire_fold(d.title) END END,
           c.heading, CASE c.part WHEN 'text' THEN d.source_url END, c.body, c.words::text,
           encode(halfvec_send(e.embedding), 'hex')
      FROM (SELECT * FROM chunks p WHERE p.client_id = client AND p.chunk_id > after
             ORDER BY p.chunk_id LIMIT most) AS c
      JOIN documents d ON d.client_id = client AND d.document_id = c.document_id
      JOIN knowledge_bases b ON b.client_id = client AND b.kb_id = c.kb_id
      LEFT JOIN embeddings e ON e.client_id = client AND e.model = b.embedding_model AND e.text_hash = c.text_hash
     ORDER BY c.chunk_id;
END
$$;
REVOKE EXECUTE ON FUNCTION leadwire_knowledge_page FROM PUBLIC;
GRANT EXECUTE ON FUNCTION leadwire_knowledge_page TO leadwire_knowledge;
