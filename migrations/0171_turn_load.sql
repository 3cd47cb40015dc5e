-- 0171: what few conversations need is not planned and set up for every turn
--
-- The statement that loads a turn had parts for what most conversations have not: a month's budget, a person who was called,
-- a follow-up. Each part is planned with the statement and set up at each run of it, whether it is run or not: together half
-- of what the statement took. As functions of a language that is not inlined they cost nothing until they are called.

CREATE FUNCTION client_month_spent(of_client uuid) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT b.spent FROM client_budget(of_client) b);
END
$$;

-- Why a person was called within so many hours: the causes, with spaces between; NULL if none was.
CREATE FUNCTION conversation_escalations(of_client uuid, of_conversation uuid, within_hours integer) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT string_agg(DISTINCT e.cause, ' ') FROM conversation_events e
             WHERE e.client_id = of_client AND e.conversation_id = of_conversation AND e.kind = 'escalated'
               AND e.created_at > now() - make_interval(hours => within_hours));
END
$$;

-- The time that a follow-up is for, as it stands in its task.
CREATE FUNCTION follow_up_write_at(of_client uuid, of_task uuid) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT p.payload ->> 'write_at' FROM task_payloads p WHERE p.client_id = of_client AND p.task_id = of_task);
END
$$;

REVOKE ALL ON FUNCTION client_month_spent(uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION conversation_escalations(uuid, uuid, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION follow_up_write_at(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION client_month_spent(uuid) TO leadwire_orchestrator;
GRANT EXECUTE ON FUNCTION conversation_escalations(uuid, uuid, integer) TO leadwire_orchestrator;
GRANT EXECUTE ON FUNCTION follow_up_write_at(uuid, uuid) TO leadwire_orchestrator;
