-- 0008: documents of any length, vectors that equal texts share, large uploads, progress
--
-- Vectors leave chunks for a table of their own, where a text has one vector for
-- each model however often it is said. So a version of a document can have all its
-- vectors before any of its chunks is seen, a task that was killed goes on where it
-- was, and a base can change its model while the old vectors still answer.

ALTER TABLE knowledge_bases ADD COLUMN next_model text;  -- takes over when all chunks have its vectors; NULL: none

-- What identifies a document in its base is title_key: of an FAQ its question, folded; of a document 'url:' and its
-- source_url, or 'title:' and its title, folded.
ALTER TABLE documents
    ADD COLUMN state text NOT NULL DEFAULT 'ready' CHECK (state IN ('ingesting', 'updating', 'ready', 'failed')),
    ADD COLUMN source_url text NOT NULL DEFAULT '',
    ADD COLUMN content_type text NOT NULL DEFAULT 'text/plain',
    ADD COLUMN metadata jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN bytes bigint NOT NULL DEFAULT 0,      -- of what was posted
    ADD COLUMN task_id uuid,                         -- of the last ingestion
    ADD COLUMN error text,                           -- why the last ingestion failed
    ADD COLUMN ingested_at timestamptz;              -- when the version that is searched was taken in
UPDATE documents SET ingested_at = updated_at;

-- A version on its way: its text is what content will be. A newer version takes the row's place, with another
-- revision_id: the older one's task then has nothing to do.
CREATE TABLE pending_documents (
    client_id   uuid NOT NULL,
    document_id uuid NOT NULL,
    revision_id uuid NOT NULL,
    title       text NOT NULL,
    content     text NOT NULL,  -- extracted: UTF-8 text or Markdown
    is_markdown boolean NOT NULL,
    source_url  text NOT NULL,
    content_type text NOT NULL,
    metadata    jsonb NOT NULL,
    bytes       bigint NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, document_id),
    FOREIGN KEY (client_id, document_id) REFERENCES documents ON DELETE CASCADE
);

-- A text has one vector for each model. Which text: md5 of what is embedded (see chunks.text_hash).
-- Vectors stay in their row, so that an exact search reads pages in order: halfvec has 2 bytes a number, 6 KB for the
-- 3,072 of the largest model.
CREATE TABLE embeddings (
    client_id uuid NOT NULL REFERENCES clients ON DELETE CASCADE,
    model     text NOT NULL,
    text_hash uuid NOT NULL,
    embedding halfvec,       -- NULL: the model refuses this text
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, model, text_hash)
) WITH (toast_tuple_target = 8160);
ALTER TABLE embeddings ALTER COLUMN embedding SET STORAGE EXTERNAL;

ALTER TABLE chunks
    ADD COLUMN heading text NOT NULL DEFAULT '',  -- the headings above it, outermost first, " > " between them
    ADD COLUMN tokens integer NOT NULL DEFAULT 0, -- estimated
    ADD COLUMN text_hash uuid NOT NULL
        GENERATED ALWAYS AS (md5(CASE heading WHEN '' THEN body ELSE heading || E'\n' || body END)::uuid) STORED;

INSERT INTO embeddings (client_id, model, text_hash, embedding)
SELECT DISTINCT ON (client_id, model, text_hash) client_id, model, text_hash, embedding
  FROM (SELECT client_id, regexp_replace(embedding_model, '^refused:', '') AS model, text_hash,
               embedding::halfvec AS embedding
          FROM chunks WHERE embedding_model <> '') AS made
 ORDER BY client_id, model, text_hash, embedding IS NULL;

DROP INDEX chunks_without_vector;
ALTER TABLE chunks DROP COLUMN embedding, DROP COLUMN embedding_model;
CREATE INDEX chunks_text ON chunks (client_id, text_hash);

-- What is larger than a message comes in parts. upload_id is made from the content: the same content again is the same
-- upload. client_id is the nil UUID for an administrator's. Cleaned away a day after the last part.
CREATE TABLE upload_parts (
    client_id uuid NOT NULL,
    upload_id uuid NOT NULL,
    part      integer NOT NULL,
    data      bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, upload_id, part)
);
CREATE INDEX upload_parts_age ON upload_parts (created_at);

-- How far a task is, for who asks. Leaves with the task's payload.
CREATE TABLE task_progress (
    client_id uuid NOT NULL,
    task_id   uuid NOT NULL,
    done      integer NOT NULL,
    total     integer NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, task_id)
) WITH (fillfactor = 70);
CREATE INDEX task_progress_age ON task_progress (updated_at);

DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['pending_documents', 'embeddings', 'upload_parts'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format('CREATE POLICY tenant ON %I USING (client_id = (SELECT leadwire_client())'
                       ' OR (SELECT leadwire_every_client()))', table_name);
    END LOOP;
END
$$;
GRANT SELECT, INSERT, UPDATE, DELETE ON pending_documents, embeddings, upload_parts TO leadwire_knowledge;
GRANT SELECT, DELETE ON upload_parts TO leadwire_scheduler;
GRANT SELECT, INSERT, UPDATE, DELETE ON task_progress TO leadwire_service;
