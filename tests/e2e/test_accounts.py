"""Twilio accounts that refuse us, clients with one of their own, and templates, which belong to an account."""

from cluster import SID, ClusterTest, main, wait_for

OWN_SID = "AC" + "b" * 32
OTHER_BUSINESS = "+15550100007"
WHATSAPP = "+15550100009"
ALWAYS = {"allowed_hours": "00:00-24:00"}


class AccountTest(ClusterTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster.api("PATCH", f"/clients/{cls.client_id}/config", {"twilio_whatsapp_number": WHATSAPP, **ALWAYS},
                        status=200)

    def write(self, client_id=None, **body):
        created = self.cluster.api("POST", "/messages", {"client_id": client_id or self.client_id, "to": self.lead,
                                                         **body}, status=202).json
        return created["message_id"]

    def wait_state(self, message_id, *states):
        return wait_for(f"the message to be {states}", lambda: (m := self.cluster.api(
            "GET", f"/messages/{message_id}", status=200).json)["state"] in states and m)

    def open_notices(self, client_id=None):
        query = "?state=open" + (f"&client_id={client_id}" if client_id else "")
        return self.cluster.api("GET", "/notices" + query, status=200).json["items"]

    def paused(self):
        return self.cluster.sql("SELECT account, reason FROM provider_accounts WHERE paused_until > now()")


class Accounts(AccountTest):
    """A client with an account of its own, whose credentials are refused and let in again."""

    def test_refused_credentials_hold_what_follows_until_they_are_mended(self):
        self.cluster.sandbox("PUT", "/accounts", {"account_sid": OWN_SID, "auth_token": "own-token",
                                                  "numbers": [OTHER_BUSINESS]})
        client_id = self.cluster.make_client(OTHER_BUSINESS, "Other", {
            **ALWAYS, "twilio_account_sid": OWN_SID, "twilio_auth_token": "wrong-token"})
        first = self.wait_state(self.write(client_id, body="one"), "failed")
        self.assertEqual(first["error_code"], 20003)
        wait_for("the account to be paused", lambda: self.paused() == f"twilio:{client_id}|credentials")
        notices = self.open_notices(client_id)
        self.assertEqual([(n["kind"], n["subject"], n["code"], n["count"]) for n in notices],
                         [("account_refused", OWN_SID, 20003, 1)])

        # What follows waits, and is asked about by nobody; other accounts go on.
        waiting = [self.write(client_id, body=text) for text in ("two", "three")]
        other = self.write(body="from another account")
        self.wait_state(other, "delivered")
        self.assertEqual(len([m for m in waiting if self.wait_state(m, "queued")]), 2)
        self.assertEqual(self.open_notices(client_id)[0]["count"], 1)

        # Another token in the configuration ends it at once.
        self.cluster.api("PATCH", f"/clients/{client_id}/config", {"twilio_auth_token": "own-token"}, status=200)
        for message in waiting:
            self.wait_state(message, "delivered")
        wait_for("the notice to be resolved", lambda: not self.open_notices(client_id))
        self.assertEqual([m["account_sid"] for m in self.cluster.replies(self.lead) if "two" in m["body"]], [OWN_SID])
        for secret in ("wrong-token", "own-token"):
            self.assertNotIn(secret, self.cluster.log("delivery"))

    def test_the_environments_account_is_the_operators_affair(self):
        self.cluster.sandbox("PUT", "/accounts", {"account_sid": SID, "refuse": True})
        self.cluster.api("POST", "/phone-lookups", {"phone": self.lead, "client_id": self.client_id}, status=503)
        self.assertEqual(self.paused(), "twilio|credentials")
        notices = self.open_notices()
        self.assertEqual([(n["kind"], n["subject"], "client_id" in n) for n in notices],
                         [("account_refused", SID, False)])
        # Its probe finds that it is let in again.
        self.cluster.sandbox("PUT", "/accounts", {"account_sid": SID, "refuse": False})
        self.cluster.sql("UPDATE tasks SET run_at = now() WHERE kind = 'probe_account'")
        wait_for("the pause to end", lambda: self.paused() == "")
        self.assertEqual(self.open_notices(), [])


class Limits(AccountTest):
    def test_a_limit_holds_the_whole_account_for_as_long_as_twilio_says(self):
        self.cluster.fault("twilio.send", "status", status=429, retry_after=2, count=1)
        message = self.write(body="one")
        wait_for("the account to be paused", lambda: self.paused() == "twilio|rate")
        self.wait_state(message, "delivered")
        self.assertEqual(self.open_notices(), [])
        self.assertEqual(self.cluster.sql("SELECT failures FROM provider_accounts"), "0")


class Templates(AccountTest):
    content = 0

    def template(self, body, **more):
        Templates.content += 1
        sid = "HX%032x" % Templates.content
        self.cluster.sandbox("PUT", "/templates", {"content_sid": sid, "body": body, **more})
        return sid

    def write_template(self, sid, variables):
        return self.write(channel="whatsapp", content_sid=sid, content_variables=variables)

    def test_a_template_goes_at_any_time_and_its_text_is_kept(self):
        sid = self.template("Hi {{1}}, see you on {{2}}.")
        message = self.wait_state(self.write_template(sid, {"1": "Ada", "2": "Monday"}), "delivered")
        self.assertEqual(message["body"], "Hi Ada, see you on Monday.")
        sent = self.cluster.replies("whatsapp:" + self.lead)
        self.assertEqual([(m["content_sid"], m["body"]) for m in sent], [(sid, "Hi Ada, see you on Monday.")])

    def test_what_cannot_be_sent_is_final_and_a_person_is_told(self):
        rejected = self.template("Hi", status="rejected", rejection_reason="TAG_CONTENT_MISMATCH")
        paused = self.template("Hi", status="paused")
        two = self.template("Hi {{1}} {{2}}")
        unknown = "HX" + "f" * 32
        for sid, variables, code in ((rejected, {}, 63040), (paused, {}, 63041), (unknown, {}, 20404),
                                     (two, {"1": "Ada"}, 63028), (two, {"1": "a", "2": "b", "3": "c"}, 63028),
                                     (two, {"1": "Ada", "2": "a\nb"}, 21656)):
            message = self.wait_state(self.write_template(sid, variables), "failed")
            self.assertEqual(message["error_code"], code, message)
            self.assertIn(("template_refused", sid), [(n["kind"], n["subject"]) for n in self.open_notices()])
        self.assertEqual(self.cluster.replies("whatsapp:" + self.lead), [])

    def test_one_that_is_uncertain_is_found_by_its_text(self):
        sid = self.template("Hi {{1}}.")
        self.cluster.fault("twilio.send", "accept-then-cut", count=1)
        self.cluster.fault("callbacks", "drop", count=1)
        self.wait_state(self.write_template(sid, {"1": "Ada"}), "sent", "delivered")
        self.assertEqual(len(self.cluster.replies("whatsapp:" + self.lead)), 1)


if __name__ == "__main__":
    main()
