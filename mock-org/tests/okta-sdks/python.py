"""Okta's own Python SDK against the org in a box. `.ci/okta-sdks` runs this."""

import json
import os
import subprocess
import unittest
import urllib.request
from datetime import datetime
from pathlib import Path

from okta.client import Client

PROGRAM, KEYS = os.environ["OKTA_MOCK_ORG"], Path(os.environ["OKTA_MOCK_KEYS"])
SCOPES = ["okta.users.manage"]
os.environ["OKTA_TESTING_TESTINGDISABLEHTTPSCHECK"] = "true"


class OktaSdk(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        app = ["--service-app", f"0oaDpop={KEYS}/rsa-public-pkcs1.pem"]
        cls.process = subprocess.Popen(
            [PROGRAM, *app], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        cls.org = json.loads(cls.process.stdout.readline())

    @classmethod
    def tearDownClass(cls):
        # Its standard input ends, and so does the program.
        cls.process.communicate()
        assert cls.process.returncode == 0

    def control(self, verb, **arguments):
        request = urllib.request.Request(
            f"{self.org['url']}/mock/{verb}", json.dumps(arguments).encode()
        )
        with urllib.request.urlopen(request) as response:
            return json.load(response)

    def client(self, **settings):
        return Client({"orgUrl": self.org["url"], **settings})

    def admin(self):
        return self.client(token=self.org["api_token"])

    def user(self, user_id, login=None):
        """A user with two sessions, tokens and devices."""
        self.control(
            "add_user",
            user_id=user_id,
            login=login,
            sessions=2,
            refresh_tokens=1,
            remembered_devices=1,
        )

    def state(self, user_id):
        return self.control("user", user_id=user_id)["user"]

    async def revoke(self, client, *arguments, **options):
        # The SDK returns two values or three; the last is the error.
        *_, response, error = await client.revoke_user_sessions(*arguments, **options)
        self.assertIsNone(error)
        self.assertEqual(response.status_code, 204)

    async def refused(self, client, user_id, status, code):
        *_, error = await client.revoke_user_sessions(user_id)
        self.assertIn(f"{status} {code}", str(error))

    async def test_revokes_by_id_and_by_login(self):
        for name in ["00uPython1", "one@example.com"]:
            self.user("00uPython1", "one@example.com")
            await self.revoke(self.admin(), name)
            self.assertEqual(self.state("00uPython1")["sessions"], 0)

    async def test_sends_the_options_that_are_set(self):
        self.user("00uPython2")
        await self.revoke(self.admin(), "00uPython2", oauth_tokens=True, forget_devices=False)
        state = self.state("00uPython2")
        self.assertEqual((state["sessions"], state["refresh_tokens"]), (0, 0))
        self.assertEqual(state["remembered_devices"], 1)

    async def test_gets_the_errors_of_okta(self):
        await self.refused(self.admin(), "00uNobody", 404, "E0000007")
        self.user("00uPython3")
        await self.refused(self.client(token="wrong"), "00uPython3", 401, "E0000011")
        self.control("deactivate_user", user_id="00uPython3")
        await self.refused(self.admin(), "00uPython3", 403, "E0000038")
        self.assertEqual(self.state("00uPython3")["sessions"], 2)

    async def test_waits_for_the_end_of_a_spent_window(self):
        self.user("00uPython4")
        self.control("set_rate_limit", requests=1, window=1)
        self.control("spend", requests=1)
        self.control("clear_requests")
        await self.revoke(self.admin(), "00uPython4")
        statuses = [request["status"] for request in self.control("requests")["requests"]]
        self.assertEqual(statuses, [429, 204])
        self.control("set_rate_limit", requests=600, window=60)

    async def test_is_a_service_app_with_and_without_dpop(self):
        public = (KEYS / "rsa-public-pkcs1.pem").read_text()
        self.control("add_service_app", client_id="0oaBearer", public_keys=[public], dpop="off")
        for app, dpop in [("0oaDpop", True), ("0oaBearer", False)]:
            self.user("00uPython5")
            self.control("clear_requests")
            client = self.client(
                authorizationMode="PrivateKey",
                clientId=app,
                scopes=SCOPES,
                privateKey=(KEYS / "rsa-pkcs1.pem").read_text(),
                dpopEnabled=dpop,
            )
            await self.revoke(client, "00uPython5")
            self.assertEqual(self.state("00uPython5")["sessions"], 0)
            headers = dict(self.control("requests")["requests"][-1]["headers"])
            scheme = headers["authorization"].split(" ")[0]
            self.assertEqual(scheme, "DPoP" if dpop else "Bearer")

    async def test_reads_what_revoking_changed(self):
        self.user("00uPython6", "six@example.com")
        await self.revoke(self.admin(), "00uPython6")
        user, _, error = await self.admin().get_user("00uPython6")
        self.assertIsNone(error)
        self.assertEqual((user.status, user.profile.login), ("ACTIVE", "six@example.com"))

        query = 'eventType eq "user.session.clear" and target.id eq "00uPython6"'
        events, _, error = await self.admin().list_log_events(filter=query)
        self.assertIsNone(error)
        self.assertEqual(len(events), 1)
        self.assertEqual(events[0].target[0].alternate_id, "six@example.com")
        self.assertIsInstance(events[0].published, datetime)


if __name__ == "__main__":
    unittest.main()
