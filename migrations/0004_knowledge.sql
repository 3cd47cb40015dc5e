-- 0004: knowledge bases, FAQs, chunks, and the words by which they are searched

CREATE EXTENSION IF NOT EXISTS fuzzystrmatch;  -- levenshtein, for misspelt words

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
    CONSTRAINT knowledge_bases_name UNIQUE (client_id, name),
    CONSTRAINT knowledge_bases_id UNIQUE (kb_id)  -- an administrator names a base by its id alone
);

-- An FAQ is a document of two chunks (question and answer); a longer document comes with the ingestion of documents.
CREATE TABLE documents (
    client_id   uuid NOT NULL,
    document_id uuid NOT NULL,
    kb_id       uuid NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('faq', 'document')),
    title       text NOT NULL,          -- of an FAQ: its question
    content     text NOT NULL,          -- of an FAQ: its answer
    title_key   text NOT NULL,          -- leadwire_fold(title): a repeated question replaces the earlier one
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
    embedding_model text NOT NULL DEFAULT '',  -- that made it, or refused to ('refused:' before its name)
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, chunk_id),
    CONSTRAINT chunks_place UNIQUE (client_id, document_id, part, position),
    FOREIGN KEY (client_id, document_id) REFERENCES documents ON DELETE CASCADE
);
-- No index on words: its operator is not leakproof, so row-level security would keep it from being used. A client's
-- chunks are read by this one, and searched exactly.
CREATE INDEX chunks_kb ON chunks (client_id, kb_id);
CREATE INDEX chunks_without_vector ON chunks (client_id, kb_id, chunk_id) WHERE embedding IS NULL;

-- The vocabulary of a base as it is written, for the correction of misspelt words. Only ever added to.
CREATE TABLE kb_words (
    client_id uuid NOT NULL,
    kb_id     uuid NOT NULL,
    word      text NOT NULL,  -- lower case
    lexeme    text NOT NULL,  -- what the base's language makes of it, as in chunks.words
    PRIMARY KEY (client_id, kb_id, word),
    FOREIGN KEY (client_id, kb_id) REFERENCES knowledge_bases ON DELETE CASCADE
);
CREATE INDEX kb_words_lexeme ON kb_words (client_id, kb_id, lexeme);

DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['knowledge_bases', 'documents', 'chunks', 'kb_words'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
        -- In sub-selects, so that the setting is read once a statement and not once a row.
        EXECUTE format('CREATE POLICY tenant ON %I USING (client_id = (SELECT leadwire_client())'
                       ' OR (SELECT leadwire_every_client()))', table_name);
    END LOOP;
END
$$;
GRANT SELECT, INSERT, UPDATE, DELETE ON knowledge_bases, documents, chunks, kb_words TO leadwire_knowledge;

-- Two questions are the same if they differ in case, spaces and trailing punctuation alone.
CREATE FUNCTION leadwire_fold(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT regexp_replace(btrim(regexp_replace(lower(given), '\s+', ' ', 'g')), '[[:space:][:punct:]]+$', '') $$;

-- The words of a text, lower case; no markup, no spaces, of hyphenated words the parts.
CREATE FUNCTION leadwire_words(given text) RETURNS SETOF text LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 20 AS
    $$ SELECT DISTINCT lower(token) FROM ts_parse('default', given) WHERE tokid NOT IN (12, 13, 14, 15, 16, 17, 23) $$;

-- What a text search configuration makes of one word; NULL for a stop word.
CREATE FUNCTION leadwire_lexeme(config regconfig, word text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT (tsvector_to_array(to_tsvector(config, word)))[1] $$;

-- How many slips of the pen make the one word out of the other: a letter too many, too few, another, or two swapped.
-- NULL when they are too many for words of this length to be the same. The first letter is hardly ever wrong.
CREATE FUNCTION leadwire_slips(a text, b text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT CASE WHEN least(length(a), length(b)) < 4 OR greatest(length(a), length(b)) > 40 THEN NULL
                   WHEN left(a, 1) <> left(b, 1) THEN NULL
                   ELSE (SELECT CASE WHEN edits < 2 THEN edits
                                     WHEN edits > 2 THEN NULL
                                     WHEN (SELECT array_agg(l ORDER BY l) FROM regexp_split_to_table(a, '') AS l)
                                        = (SELECT array_agg(l ORDER BY l) FROM regexp_split_to_table(b, '') AS l) THEN 1
                                     WHEN least(length(a), length(b)) >= 7 THEN 2 END
                           FROM levenshtein_less_equal(a, b, 2) AS edits) END $$;

-- What leads' words mean, whatever a base says: words of one concept stand for each other when searching, and those of
-- the concept '' say nothing (hello, please, could).
CREATE TABLE search_words (
    language text NOT NULL,
    word     text NOT NULL,  -- lower case
    lexeme   text NOT NULL,  -- what the language makes of it; of a stop word the word itself
    concept  text NOT NULL,
    PRIMARY KEY (language, word)
);
CREATE INDEX search_words_lexeme ON search_words (language, lexeme);
CREATE INDEX search_words_concept ON search_words (language, concept);
GRANT SELECT ON search_words TO leadwire_knowledge;

INSERT INTO search_words (language, word, lexeme, concept)
SELECT 'english', word, coalesce(leadwire_lexeme('english', word), word), concept
FROM (VALUES
    ('', 'hi hello hey hiya thanks thank please pls plz could would like want need know tell get got give let lets guys
          wonder wondering ask question anyone someone something anything also really ok okay possible possibly maybe
          looking look interested m ve ll re d u ur r im ya able may might shall must us thing things kindly currently
          offer provide good morning sort kind help right say see go going come make sure well back still even quite
          bit lot way people person folks dear sir madam team everyone somebody anybody time today tomorrow
          yesterday tonight week'),
    ('price', 'price pricing cost charge fee rate much expensive cheap quote estimate'),
    ('payment', 'pay payment card credit debit cash cheque finance financing instalment installment'),
    ('hours', 'open opening hour hours close closing closed'),
    ('weekend', 'weekend saturday sunday'),
    ('place', 'where address located location directions situated'),
    ('area', 'area cover serve region district'),
    ('booking', 'book booking appointment schedule reserve reservation slot'),
    ('urgent', 'emergency urgent urgently asap immediately immediate'),
    ('repair', 'repair fix mend'),
    ('soon', 'soon quick quickly fast'),
    ('cancel', 'cancel cancellation reschedule'),
    ('guarantee', 'guarantee guaranteed warranty'),
    ('insurance', 'insurance insured insurer'),
    ('leak', 'leak leaking leaky drip dripping'),
    ('blocked', 'block blocked blockage clog clogged unblock unclog'),
    ('tap', 'tap faucet'),
    ('toilet', 'toilet loo lavatory wc'),
    ('child', 'child children kid kids'),
    ('tooth', 'tooth teeth'),
    ('pain', 'pain painful hurt hurts ache aching toothache sore'),
    ('qualified', 'licensed license licence certified certificate qualified accredited'),
    ('phone', 'call phone telephone ring'),
    ('discount', 'discount coupon voucher promotion'),
    ('parking', 'park parking'),
    ('install', 'install installation fit fitting')
) AS given (concept, list), regexp_split_to_table(given.list, '\s+') AS word;
