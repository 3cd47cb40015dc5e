"""kill -9 of the gateway, knowledge and the scheduler."""

import time

from cluster import main
from kill import KillTest


class KillOthers(KillTest):
    def retry(self, failpoint):
        """The gateway dies before it answers; Twilio, told so by #rc, posts the same message again."""
        sid = "SM" + "%032x" % time.time_ns()
        self.cluster.kill("gateway", 15)
        self.cluster.start("gateway", LEADWIRE_FAILPOINT=failpoint)
        self.cluster.wait_ready()
        self.assertNotEqual(self.cluster.text(self.QUESTION, self.lead, sid=sid)["status"], 200)
        self.assertEqual(self.cluster.wait_ended("gateway"), -9)
        self.cluster.start("gateway")
        self.cluster.wait_ready()
        self.assertEqual(self.cluster.text(self.QUESTION, self.lead, sid=sid)["status"], 200)

    def test_gateway_before_the_commit(self):
        self.retry("gateway.before_accept")
        self.expect_one_answer()

    def test_gateway_after_the_commit(self):
        self.retry("gateway.after_accept")
        self.expect_one_answer()

    def test_the_answer_goes_out_while_knowledge_is_down(self):
        self.cluster.kill("knowledge")
        self.cluster.text("Do you install water heaters?", self.lead)
        self.assertEqual(len(self.cluster.wait_replies(1, self.lead)), 1)
        self.cluster.start("knowledge")
        self.cluster.wait_ready()

    def test_work_goes_on_without_the_scheduler_and_a_held_text_when_it_is_back(self):
        self.cluster.kill("scheduler")
        self.cluster.text(self.QUESTION, self.lead)
        self.cluster.wait_replies(1, self.lead)
        self.cluster.start("scheduler")
        self.cluster.wait_ready()
        self.expect_one_answer()

    def test_a_standby_scheduler_takes_over(self):
        self.cluster.start("scheduler#2")
        time.sleep(2)
        self.cluster.kill("scheduler")
        # Held back for what may follow, so it is only found by a sweep.
        self.cluster.text("opening hours", self.lead)
        self.cluster.wait_replies(1, self.lead, 15)
        self.cluster.start("scheduler")
        self.cluster.kill("scheduler#2", 15)
        self.cluster.wait_ready()

    def test_every_service_killed_while_texts_arrive(self):
        leads = [self.lead[:-2] + "%02d" % i for i in range(20)]
        for i, lead in enumerate(leads):
            self.assertEqual(self.cluster.text(self.QUESTION, lead)["status"], 200)
            if i % 5 == 2:
                service = ("orchestrator", "delivery", "scheduler", "knowledge")[i // 5]
                self.cluster.kill(service)
                self.cluster.start(service)
        for lead in leads:
            self.cluster.wait_replies(1, lead, 60)
        self.lead = leads[0]
        self.expect_one_answer()
        self.assertEqual([len(self.cluster.replies(lead)) for lead in leads], [1] * len(leads))


if __name__ == "__main__":
    main()
