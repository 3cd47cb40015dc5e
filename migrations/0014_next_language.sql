-- 0014: a base of any size changes its language
--
-- The words of a large base are made anew page by page, by the task bulk_ingest_faqs. While next_language is set each
-- chunk that was passed has the words of both languages, and so does what is added; then the language changes at once,
-- and a second pass leaves the old language's words out. A search finds every chunk at any time.

ALTER TABLE knowledge_bases
    ADD COLUMN next_language  text,     -- takes over when all chunks have its words too; NULL: none
    ADD COLUMN words_document uuid,     -- of the last chunk whose words were made anew; NULL: no pass is under way
    ADD COLUMN words_position integer NOT NULL DEFAULT -1;

-- Of both languages; next NULL: of the first alone.
CREATE FUNCTION leadwire_tsvector(config regconfig, next regconfig, given text) RETURNS tsvector LANGUAGE sql IMMUTABLE
    PARALLEL SAFE AS
    $$ SELECT CASE WHEN next IS NULL THEN leadwire_tsvector(config, given)
                   ELSE leadwire_tsvector(config, given) || leadwire_tsvector(next, given) END $$;

-- What the first makes of a word, or else the next.
CREATE FUNCTION leadwire_lexeme(config regconfig, next regconfig, word text) RETURNS text LANGUAGE sql IMMUTABLE
    PARALLEL SAFE AS
    $$ SELECT coalesce(leadwire_lexeme(config, word),
                       CASE WHEN next IS NOT NULL THEN leadwire_lexeme(next, word) END) $$;

-- The words of texts, as leadwire_words has them, each once. Distinct tokens are told by hashing, whatever the
-- planner thinks of their number: half of what sorting them costs.
CREATE FUNCTION leadwire_vocabulary(texts text[]) RETURNS SETOF text LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 10000
    SET enable_sort = off SET work_mem = '32MB' AS
    $$ SELECT DISTINCT lower(token) AS word
         FROM (SELECT DISTINCT token FROM unnest(texts) AS given, ts_parse('default', leadwire_plain(given))
                WHERE tokid NOT IN (12, 13, 14, 15, 16, 17, 23)) AS tokens $$;
