-- 0004: knowledge bases, FAQs, chunks

CREATE TABLE knowledge_bases (
    client_id   uuid NOT NULL REFERENCES clients ON DELETE CASCADE,
    kb_id       uuid NOT NULL,
    name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    description text NOT NULL DEFAULT '',
    language    text NOT NULL DEFAULT 'english',  -- a text search configuration; 'simple' where unknown
    embedding_model text NOT NULL DEFAULT '',     -- '': words and trigrams alone
    similarity_threshold double precision NOT NULL DEFAULT 0.75 CHECK (similarity_threshold BETWEEN 0 AND 1),
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, kb_id),
    CONSTRAINT knowledge_bases_name UNIQUE (client_id, name)
);

-- An FAQ is a document of two chunks (question and answer); a longer document comes with the ingestion of documents.
CREATE TABLE documents (
    client_id   uuid NOT NULL,
    document_id uuid NOT NULL,
    kb_id       uuid NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('faq', 'document')),
    title       text NOT NULL,          -- of an FAQ: its question
    content     text NOT NULL,          -- of an FAQ: its answer
    title_key   text NOT NULL,          -- the title folded (case, spaces): a repeated question replaces the earlier one
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, document_id),
    CONSTRAINT documents_title UNIQUE (client_id, kb_id, kind, title_key),
    FOREIGN KEY (client_id, kb_id) REFERENCES knowledge_bases ON DELETE CASCADE
);

CREATE TABLE chunks (
    client_id   uuid NOT NULL,
    chunk_id    uuid NOT NULL,
    kb_id       uuid NOT NULL,
    document_id uuid NOT NULL,
    part        text NOT NULL CHECK (part IN ('question', 'answer', 'text')),
    position    integer NOT NULL DEFAULT 0,
    body        text NOT NULL,
    words       tsvector NOT NULL,
    embedding   vector,           -- NULL until it has been made
    embedding_model text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, chunk_id),
    FOREIGN KEY (client_id, document_id) REFERENCES documents ON DELETE CASCADE
);
CREATE INDEX chunks_kb ON chunks (client_id, kb_id);
CREATE INDEX chunks_document ON chunks (client_id, document_id);

DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['knowledge_bases', 'documents', 'chunks'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format('CREATE POLICY tenant ON %I USING (client_id = leadwire_client() OR leadwire_every_client())',
                       table_name);
    END LOOP;
END
$$;
GRANT SELECT, INSERT, UPDATE, DELETE ON knowledge_bases, documents, chunks TO leadwire_knowledge;
