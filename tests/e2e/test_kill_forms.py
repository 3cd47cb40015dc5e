"""A web form's lead, with a service killed on the way: it is stored once it was answered 2xx, and greeted once."""

import json
import http.client

from cluster import main, wait_for
from kill import RECOVERY, KillTest


class KillForms(KillTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster.api("PATCH", f"/clients/{cls.client_id}/config", {"allowed_hours": "00:00-24:00"}, status=200)
        cls.form = cls.cluster.api("POST", "/forms", {"client_id": cls.client_id, "name": "Contact", "consent_text": "Yes."},
                                   status=201).json

    def submit(self):
        """The status; None where the gateway died before it answered."""
        try:
            answer = self.cluster.http("POST", self.form["path"], {"phone": self.lead, "consent": "yes",
                                                                   "message": self.QUESTION},
                                       {"X-Form-Token": self.form["token"]})
            return answer.status
        except (ConnectionError, http.client.HTTPException):
            return None

    def kill(self, failpoint):
        service, cluster = failpoint.split(".")[0], self.cluster
        cluster.kill(service, 15)
        cluster.start(service, LEADWIRE_FAILPOINT=failpoint)
        cluster.wait_ready()
        status = self.submit()
        self.assertEqual(cluster.wait_ended(service), -9, f"{service} did not come to {failpoint}")
        cluster.start(service)
        cluster.wait_ready()
        return status

    def stored(self):
        return self.cluster.sql(f"SELECT count(*) FROM messages WHERE from_address = '{self.lead}' AND channel = 'form'")

    def test_a_gateway_that_dies_before_it_stores_has_answered_nothing(self):
        self.assertIsNone(self.kill("gateway.before_form"))
        self.assertEqual(self.stored(), "0")
        self.assertEqual(self.submit(), 200)
        self.expect_one_answer()

    def test_a_gateway_that_dies_behind_the_commit_has_stored_it_once(self):
        self.assertIsNone(self.kill("gateway.after_form"))
        self.assertEqual(self.stored(), "1")
        self.assertEqual(self.submit(), 200)
        self.expect_one_answer()
        self.assertEqual(self.stored(), "1")

    def test_an_orchestrator_that_dies_before_or_behind_its_decision(self):
        for failpoint in ("orchestrator.after_load", "orchestrator.before_commit", "orchestrator.after_commit"):
            with self.subTest(failpoint):
                self.setUp()
                self.assertEqual(self.kill(failpoint), 200)
                self.expect_one_answer()

    def test_a_delivery_that_dies_around_its_post(self):
        for failpoint in ("delivery.after_intent", "delivery.after_post"):
            with self.subTest(failpoint):
                self.setUp()
                self.assertEqual(self.kill(failpoint), 200)
                self.expect_one_answer()

    def test_with_every_other_service_away_a_form_is_taken(self):
        cluster, others = self.cluster, ("orchestrator", "knowledge", "delivery", "scheduler")
        for service in others:
            cluster.kill(service)
        self.assertEqual(self.submit(), 200)
        for service in others:
            cluster.start(service)
        cluster.wait_ready()
        self.expect_one_answer()

    def test_why_tells_of_the_greeting(self):
        self.assertEqual(self.submit(), 200)
        self.expect_one_answer()
        message_id = wait_for("the greeting", lambda: self.cluster.sql(
            f"SELECT message_id FROM messages WHERE to_address = '{self.lead}' AND direction = 'out'"), RECOVERY)
        why = json.loads(self.cluster.leadctl("why", message_id, "--json"))
        self.assertEqual((why["message"]["purpose"], why["turn"]["answers"][0]["body"]), ("started", self.QUESTION))


if __name__ == "__main__":
    main()
