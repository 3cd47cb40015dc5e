"""Phone numbers looked up: through the API, and before the first text to one that nobody wrote from."""

from cluster import ClusterTest, main, wait_for

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


class NewNumbers(ClusterTest):
    """With lookup_new_numbers a landline is never texted, and a number is paid for once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster.api("PATCH", f"/clients/{cls.client_id}/config",
                        {"lookup_new_numbers": "on", "allowed_hours": "00:00-24:00"}, status=200)

    def write(self, body):
        created = self.cluster.api("POST", "/messages", {"client_id": self.client_id, "to": self.lead, "body": body},
                                   status=202).json
        return wait_for("the message to be settled", lambda: (m := self.cluster.api(
            "GET", f"/messages/{created['message_id']}", status=200).json)["state"] in ("delivered", "failed") and m)

    def looked_up(self):
        return self.cluster.sandbox("GET", "/stats")["twilio.lookups"]["received"]

    def test_a_landline_is_never_texted(self):
        self.cluster.sandbox("PUT", "/numbers", {"number": self.lead, "line_type": "landline"})
        before = self.looked_up()
        for _ in range(2):
            message = self.write("This is Joe.")
            self.assertEqual((message["state"], message["error_code"]), ("failed", 30006))
        self.assertEqual(self.looked_up() - before, 1)
        self.assertEqual(self.cluster.replies(self.lead), [])

    def test_a_number_that_cannot_exist_is_never_texted(self):
        self.cluster.sandbox("PUT", "/numbers", {"number": self.lead, "valid": False, "validation_error": "TOO_LONG"})
        message = self.write("This is Joe.")
        self.assertEqual((message["state"], message["error_code"]), ("failed", 21211))

    def test_a_mobile_is_texted(self):
        before = self.looked_up()
        for n in (1, 2):
            self.assertEqual(self.write("This is Joe.")["state"], "delivered")
            self.assertEqual(len(self.cluster.replies(self.lead)), n)
        self.assertEqual(self.looked_up() - before, 1)

    def test_who_writes_is_not_looked_up(self):
        before = self.looked_up()
        self.cluster.text("What are your opening hours?", lead=self.lead)
        self.cluster.wait_replies(1, self.lead)
        self.assertEqual(self.looked_up(), before)


if __name__ == "__main__":
    main()
