-- 0064: what a client's month has cost, and what has been told of its budget
--
-- A budget is monthly_budget_usd of the client's configuration, for a month of the client's own calendar. A turn looks at
-- what is added up and what is not yet, in one snapshot: only the turns that are under way at that moment are unknown to it.

-- As token_usage, with what is not added up yet.
CREATE VIEW usage_by_day WITH (security_invoker = true) AS
SELECT client_id, day, model, turns, scripted_turns, fallbacks, unused, input_tokens, output_tokens, cache_read_tokens,
       cache_write_tokens, cost_micro_usd
  FROM token_usage
UNION ALL
SELECT p.client_id, (p.at AT TIME ZONE c.timezone)::date, p.model, (NOT p.unused)::integer, p.scripted::integer,
       p.fallback::integer, p.unused::integer, p.input_tokens, p.output_tokens, p.cache_read_tokens,
       p.cache_write_tokens, p.cost_micro_usd
  FROM token_usage_pending p JOIN clients c USING (client_id);
GRANT SELECT ON usage_by_day TO leadwire_orchestrator, leadwire_scheduler;

-- The client's month as it is now; budget and spent in micro-USD. state:
--   none       there is no budget
--   off        it is 0: the model is never asked
--   ok, warning (from 80 %), exhausted
CREATE FUNCTION client_budget(of_client uuid) RETURNS TABLE (month date, budget bigint, spent bigint, state text)
LANGUAGE sql STABLE AS $$
    SELECT m.first, b.budget, s.spent,
           CASE WHEN b.budget IS NULL THEN 'none' WHEN b.budget = 0 THEN 'off' WHEN s.spent >= b.budget THEN 'exhausted'
                WHEN s.spent >= 0.8 * b.budget THEN 'warning' ELSE 'ok' END
      FROM clients c
     CROSS JOIN LATERAL (SELECT date_trunc('month', now() AT TIME ZONE c.timezone)::date AS first,
                                (date_trunc('month', now() AT TIME ZONE c.timezone) + interval '1 month')::date AS next) m
     CROSS JOIN LATERAL (SELECT round((c.config ->> 'monthly_budget_usd')::numeric * 1000000)::bigint AS budget) b
     CROSS JOIN LATERAL (SELECT coalesce(sum(u.cost_micro_usd), 0)::bigint AS spent FROM usage_by_day u
                          WHERE u.client_id = of_client AND u.day >= m.first AND u.day < m.next) s
     WHERE c.client_id = of_client
$$;
REVOKE ALL ON FUNCTION client_budget(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION client_budget(uuid) TO leadwire_orchestrator, leadwire_scheduler;

-- What was told last, so that each is told once: by update_token_usage, in the transaction that raises the notice.
CREATE TABLE budget_states (
    client_id uuid PRIMARY KEY REFERENCES clients ON DELETE CASCADE,
    month     date NOT NULL,
    state     text NOT NULL CHECK (state IN ('ok', 'warning', 'exhausted')),
    warned    boolean NOT NULL,  -- budget.warning has been published in this month
    exhausted boolean NOT NULL   -- budget.exhausted has
);
ALTER TABLE budget_states ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON budget_states USING (client_id = leadwire_client() OR leadwire_every_client());
GRANT SELECT, INSERT, UPDATE ON budget_states TO leadwire_scheduler;
