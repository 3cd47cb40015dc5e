"""Kills a service at a named place on the way of a text, starts it again, and counts the answers."""

import time

from cluster import PATIENCE, ClusterTest, wait_for

# From kill -9 to the answer: 6 s until the dead process's row is stale, the sweep, the looks at Twilio's list.
RECOVERY = 40.0


class KillTest(ClusterTest):
    QUESTION = "What are your opening hours?"

    def kill_at(self, failpoint, service=None):
        """One text; the service dies at the failpoint and comes back. Exactly one answer must go out."""
        service = service or failpoint.split(".")[0]
        cluster = self.cluster
        cluster.kill(service, 15)
        cluster.start(service, LEADWIRE_FAILPOINT=failpoint)
        cluster.wait_ready()
        answer = cluster.text(self.QUESTION, self.lead, sid="SM" + "%032x" % time.time_ns())
        code = cluster.wait_ended(service)
        self.assertEqual(code, -9, f"{service} did not come to {failpoint}")
        cluster.start(service)
        cluster.wait_ready()
        return answer

    def expect_one_answer(self):
        replies = self.cluster.wait_replies(1, self.lead, RECOVERY)
        self.assertIn("8 am to 6 pm", replies[0]["body"])
        # A second one would have come by now: every task of the conversation is finished, and stays so.
        wait_for("no task to be left", lambda: self.cluster.sql("SELECT count(*) FROM tasks WHERE state <> 'dead'") == "0",
                 RECOVERY)
        time.sleep(1)
        self.assertEqual(len(self.cluster.replies(self.lead)), 1)
        self.assertEqual(self.cluster.sql("SELECT count(*) FROM tasks WHERE state = 'dead'"), "0")


__all__ = ["KillTest", "PATIENCE", "RECOVERY"]
