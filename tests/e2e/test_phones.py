"""Phone numbers looked up through the API, with the client's own Twilio account, and accounts that are refused."""

from cluster import SID, ClusterTest, main, wait_for

OWN_SID = "AC" + "b" * 32
OTHER_BUSINESS = "+15550100007"


class Phones(ClusterTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.key = cls.cluster.leadctl("key", "create", "--client", cls.client_id, "--name", "test").split()[-1]

    def look_up(self, phone, status=200, client_id=None, **more):
        return self.cluster.api("POST", "/phone-lookups", {"phone": phone, "client_id": client_id or self.client_id},
                                status=status, **more).json

    def test_a_number_is_looked_up_and_kept_with_its_lead(self):
        self.cluster.sandbox("PUT", "/numbers", {"number": self.lead, "line_type": "landline", "country_code": "US",
                                                 "carrier": "Ma Bell"})
        self.assertNotIn("lead_id", self.look_up(self.lead), "nobody's number yet")
        self.cluster.text("Are you open today?", lead=self.lead)
        answer = self.look_up(self.lead, key=self.key)
        self.assertEqual((answer["phone"], answer["valid"], answer["country"], answer["line_type"], answer["carrier"]),
                         (self.lead, True, "US", "landline", "Ma Bell"))
        self.assertEqual(self.cluster.sql("SELECT phone_valid, phone_country, phone_line_type FROM leads"
                                          f" WHERE lead_id = '{answer['lead_id']}'"), "t|US|landline")

    def test_a_number_that_cannot_exist_is_an_answer(self):
        self.cluster.sandbox("PUT", "/numbers", {"number": self.lead, "valid": False, "validation_error": "TOO_LONG"})
        answer = self.look_up(self.lead)
        self.assertFalse(answer["valid"])
        self.assertEqual(answer["validation_errors"], ["TOO_LONG"])

    def test_what_is_no_number_is_refused_by_name(self):
        for wrong in ("5551234567", "+", "+1 555 123 4567", "0015551234567", "+155512345678901234"):
            self.assertEqual(self.look_up(wrong, status=400)["field"], "phone")
        self.assertEqual(self.look_up("+1" * 20, status=400)["field"], "phone")

    def test_a_repeated_request_gets_the_same_answer(self):
        headers = {"Idempotency-Key": "look-" + self.lead}
        first = self.look_up(self.lead, headers=headers)
        self.cluster.sandbox("PUT", "/numbers", {"number": self.lead, "line_type": "landline"})
        self.assertEqual(self.look_up(self.lead, headers=headers), first)

    def test_without_twilio_it_is_unavailable(self):
        self.cluster.fault("twilio.lookups", "status", status=503, count=1)
        self.look_up(self.lead, status=503)
        self.cluster.fault("twilio.lookups", "hang", count=1)
        self.look_up(self.lead, status=503)
        self.cluster.sandbox("DELETE", "/faults")
        self.look_up(self.lead)

    def test_another_client_cannot_be_asked_for(self):
        other = self.cluster.make_client(OTHER_BUSINESS, "Other")
        self.look_up(self.lead, status=404, client_id=other, key=self.key)


class Accounts(ClusterTest):
    """A client with an account of its own, whose credentials are refused and let in again."""

    def test_refused_credentials_are_told_once_and_probed(self):
        self.cluster.sandbox("PUT", "/accounts", {"account_sid": OWN_SID, "auth_token": "own-token",
                                                  "numbers": [OTHER_BUSINESS]})
        client_id = self.cluster.make_client(OTHER_BUSINESS, "Other", {"twilio_account_sid": OWN_SID,
                                                                       "twilio_auth_token": "wrong-token"})
        look_up = {"phone": self.lead, "client_id": client_id}
        for _ in range(2):
            self.cluster.api("POST", "/phone-lookups", look_up, status=503)
        notices = self.cluster.api("GET", f"/notices?client_id={client_id}&state=open", status=200).json["items"]
        self.assertEqual([(n["kind"], n["subject"], n["code"]) for n in notices],
                         [("account_refused", OWN_SID, 20003)])
        self.assertEqual(self.paused(), f"twilio:{client_id}|credentials")
        self.assertNotIn("wrong-token", self.cluster.log("delivery"))

        # Another token in the configuration is asked about at once.
        self.cluster.api("PATCH", f"/clients/{client_id}/config", {"twilio_auth_token": "own-token"}, status=200)
        self.assertEqual(self.paused(), "")
        wait_for("the notice to be resolved", lambda: not self.cluster.api(
            "GET", f"/notices?client_id={client_id}&state=open", status=200).json["items"])
        self.cluster.api("POST", "/phone-lookups", look_up, status=200)
        self.assertNotIn("own-token", self.cluster.log("delivery"))

    def test_the_environments_account_is_the_operators_affair(self):
        self.cluster.sandbox("PUT", "/accounts", {"account_sid": SID, "refuse": True})
        self.cluster.api("POST", "/phone-lookups", {"phone": self.lead, "client_id": self.client_id}, status=503)
        self.assertEqual(self.paused(), "twilio|credentials")
        notices = self.cluster.api("GET", "/notices?state=open", status=200).json["items"]
        self.assertEqual([(n["kind"], n["subject"], "client_id" in n) for n in notices],
                         [("account_refused", SID, False)])
        # Its probe finds that it is let in again.
        self.cluster.sandbox("PUT", "/accounts", {"account_sid": SID, "refuse": False})
        self.cluster.sql("UPDATE tasks SET run_at = now() WHERE kind = 'probe_account'")
        wait_for("the pause to end", lambda: self.paused() == "")
        self.assertEqual(self.cluster.api("GET", "/notices?state=open", status=200).json["items"], [])

    def paused(self):
        return self.cluster.sql("SELECT account, reason FROM provider_accounts WHERE paused_until > now()")


if __name__ == "__main__":
    main()
