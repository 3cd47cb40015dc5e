-- 0132: an alert call speaks the client's language

DROP FUNCTION alert_call(uuid, uuid, text, text);

-- As in 0046, with the tag of the client's language; NULL: none is configured.
CREATE FUNCTION alert_call(of_client uuid, of_message uuid, account text, own_account text)
RETURNS TABLE (ours boolean, body text, our_number text, lead_phone text, language text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT a.ours, CASE WHEN a.ours THEN m.body END, CASE WHEN a.ours THEN m.from_address END,
           CASE WHEN a.ours THEN l.phone END, CASE WHEN a.ours THEN c.config ->> 'language' END
      FROM messages m
      JOIN clients c ON c.client_id = m.client_id
      JOIN leads l ON l.client_id = m.client_id AND l.lead_id = m.lead_id
     CROSS JOIN LATERAL (SELECT coalesce(nullif(m.account_sid, ''), c.config ->> 'twilio_account_sid',
                                           own_account) = account AS ours) a
     WHERE m.client_id = of_client AND m.message_id = of_message AND m.direction = 'out' AND m.channel = 'voice'
$$;
REVOKE ALL ON FUNCTION alert_call(uuid, uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION alert_call(uuid, uuid, text, text) TO leadwire_gateway;
