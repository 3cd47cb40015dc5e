-- 0012: lists of documents and FAQs, and counting what a base holds without reading it
--
-- chunks is written anew.

-- A page of a base's documents or FAQs, in the order of their ids.
CREATE INDEX documents_page ON documents (client_id, kb_id, kind, document_id);

-- A base of 100,000 chunks is counted in this index alone; its table has some 400 MB.
ALTER TABLE chunks ADD COLUMN bytes integer NOT NULL
    GENERATED ALWAYS AS (octet_length(heading) + octet_length(body)) STORED;
CREATE INDEX chunks_counted ON chunks (client_id, kb_id, text_hash) INCLUDE (tokens, bytes);

-- Texts that a model refuses are few, and told from the others here without reading any vector.
CREATE INDEX embeddings_refused ON embeddings (client_id, model, text_hash) WHERE embedding IS NULL;
