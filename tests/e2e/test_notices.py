"""What a person must see to: listed and resolved through the API and leadctl."""

import json
import uuid

from cluster import ClusterTest, main

NOBODY = "00000000-0000-0000-0000-000000000000"


class Notices(ClusterTest):
    def setUp(self):
        super().setUp()
        self.cluster.sql("DELETE FROM notices")
        self.key = self.cluster.leadctl("key", "create", "--client", self.client_id, "--name", "test").split()[-1]

    def raise_notice(self, subject, client_id=None, kind="sender_refused", age_s=0):
        notice_id = str(uuid.uuid4())
        self.cluster.sql("INSERT INTO notices (client_id, notice_id, kind, subject, text, remedy, code, created_at)"
                         f" VALUES ('{client_id or self.client_id}', '{notice_id}', '{kind}', '{subject}',"
                         f" 'it is refused', 'look at it', 21606, now() - interval '{age_s} s')")
        return notice_id

    def listed(self, query="", key=None):
        page = self.cluster.api("GET", "/notices" + query, key=key, status=200).json
        return [n["notice_id"] for n in page["items"]], page.get("next_after")

    def test_a_client_sees_its_own_and_the_operator_all(self):
        ours, operators = self.raise_notice("+15550100000"), self.raise_notice("twilio", NOBODY, "account_refused")
        self.assertEqual(self.listed(key=self.key)[0], [ours])
        self.assertEqual(set(self.listed()[0]), {ours, operators})
        self.assertEqual(self.listed(f"?client_id={self.client_id}")[0], [ours])
        items = {n["notice_id"]: n for n in self.cluster.api("GET", "/notices", status=200).json["items"]}
        self.assertNotIn("client_id", items[operators])
        self.assertEqual(items[ours]["client_id"], self.client_id)
        self.assertEqual((items[ours]["code"], items[ours]["remedy"], items[ours]["count"]), (21606, "look at it", 1))

    def test_pages_go_from_the_newest_to_the_oldest(self):
        ids = [self.raise_notice(f"+1555010000{i}", age_s=10 - i) for i in range(5)]
        seen, after = [], ""
        while after is not None:
            page, after = self.listed("?limit=2" + (f"&after={after}" if after else ""))
            seen += page
        self.assertEqual(seen, ids[::-1])
        self.assertEqual(self.cluster.api("GET", "/notices?after=x").json["field"], "after")

    def test_a_resolved_notice_is_open_no_more_and_stays_so(self):
        notice_id = self.raise_notice("+15550100000")
        for _ in range(2):
            answer = self.cluster.api("POST", f"/notices/{notice_id}/resolve", {}, key=self.key, status=200).json
            self.assertIn("resolved_at", answer)
        self.assertEqual(self.listed("?state=open")[0], [])
        self.assertEqual(self.listed("?state=resolved")[0], [notice_id])
        self.cluster.api("POST", f"/notices/{uuid.uuid4()}/resolve", {}, status=404)
        # It may happen again.
        self.assertNotEqual(self.raise_notice("+15550100000"), notice_id)

    def test_leadctl_lists_counts_and_resolves_them(self):
        notice_id = self.raise_notice("+15550100000")
        self.assertIn("1 open notice: leadctl notices", self.cluster.leadctl("status"))
        self.assertEqual(json.loads(self.cluster.leadctl("status", "--json"))["open_notices"], 1)
        line = self.cluster.leadctl("notices").splitlines()[1]
        for part in (notice_id, self.client_id, "+15550100000", "21606", "it is refused", "look at it"):
            self.assertIn(part, line)
        self.cluster.leadctl("notices", "resolve", notice_id)
        self.assertEqual(json.loads(self.cluster.leadctl("notices", "--json")), [])
        self.assertEqual(len(json.loads(self.cluster.leadctl("notices", "--all", "--json"))), 1)
        self.assertNotIn("open notice", self.cluster.leadctl("status"))


if __name__ == "__main__":
    main()
