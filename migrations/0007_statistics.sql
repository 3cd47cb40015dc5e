-- 0007: statistics in time for the first leads
--
-- Plans are kept with their session. One that was made while a table was nearly
-- empty may search a whole client's rows where a unique index would give the one
-- (the planner cannot tell them apart by cost then), and it stays until autovacuum
-- looks at the table, up to a minute later: measured, storing a text took 2 ms
-- instead of 0.1 ms after the first 2,000 texts of a new database. So the scheduler
-- calls this every second: a table that has doubled since it was last analyzed is
-- analyzed again, which also makes every session plan anew. Large tables are left
-- to autovacuum.
CREATE FUNCTION refresh_statistics() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    grown regclass;
    n     integer := 0;
BEGIN
    FOR grown IN
        SELECT c.oid::regclass FROM pg_class c
         WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
           AND c.relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)
           AND pg_relation_size(c.oid) / 8192 BETWEEN 2 * greatest(c.relpages, 0) + 4 AND 8192
    LOOP
        EXECUTE format('ANALYZE (SKIP_LOCKED) %s', grown);
        n := n + 1;
    END LOOP;
    RETURN n;
END
$$;

REVOKE ALL ON FUNCTION refresh_statistics() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION refresh_statistics() TO leadwire_scheduler;
