-- 0023: vectors that are searched one by one are compared once each
--
-- With the distance both in the order and in the result, PostgreSQL computed it twice for each row.

CREATE OR REPLACE FUNCTION leadwire_nearest_exact(client uuid, of_model text, query halfvec, wanted integer)
RETURNS TABLE (text_hash uuid, cosine double precision)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp ROWS 20 AS $$
BEGIN
    RETURN QUERY
    SELECT n.text_hash, 1 - n.distance
      FROM (SELECT e.text_hash, e.embedding <=> query AS distance FROM embeddings e
             WHERE e.client_id = client AND e.model = of_model AND vector_dims(e.embedding) = vector_dims(query)
             ORDER BY distance LIMIT wanted) AS n;
END
$$;
