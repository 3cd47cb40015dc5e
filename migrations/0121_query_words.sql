-- 0121: of a query the database tells the words alone
--
-- What concepts they have the knowledge service knows already: looking it up was more than half of what a query cost
-- that nobody had asked before.

DROP FUNCTION leadwire_asked(text, text);

-- A line with the query as questions are compared, and one for each of its words: the word, a tab, its lexeme (nothing
-- where the language takes it for one that says nothing).
CREATE FUNCTION leadwire_query_words(of_language text, query text) RETURNS text LANGUAGE plpgsql STABLE
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    config regconfig := of_language;
BEGIN
    RETURN leadwire_fold(query) || E'\n' || coalesce((
        SELECT string_agg(w || E'\t' || coalesce(leadwire_lexeme(config, w), ''), E'\n')
          FROM (SELECT w FROM leadwire_words(query) AS w LIMIT 64) AS asked), '');
END
$$;
REVOKE EXECUTE ON FUNCTION leadwire_query_words FROM PUBLIC;
GRANT EXECUTE ON FUNCTION leadwire_query_words TO leadwire_knowledge;
