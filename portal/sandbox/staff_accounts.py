"""The staff's accounts at the issuer: whoever runs it signs them out or switches them off, and the portal is told."""

import secrets
import time

import requests
from joserfc import jwt

from portal.sandbox.customers import SAMPLE_AGENTS
from portal.sandbox.issuer_grants import IssuerMemory
from portal.sandbox.state import SandboxState

EVENT = "http://schemas.openid.net/event/backchannel-logout"
GOOD_FOR = 120
ANSWER_WITHIN = 10


class StaffAccounts:
    """What the control page does to the accounts of the sample agents."""

    def __init__(self, state: SandboxState, memory: IssuerMemory) -> None:
        self.state = state
        self.memory = memory

    def act(self, username: str, action: str) -> int | str | None:
        """Signs an agent out, after switching their account on or off; answers what the portal said, if it was told."""
        with self.state.lock:
            if action == "switch-on":
                self.state.switched_off.discard(username)
                return None
            if action == "switch-off":
                self.state.switched_off.add(username)
        with self.memory.lock:
            left = [browser for browser, (name, _) in self.memory.browsers.items() if name == username]
            for browser in left:
                del self.memory.browsers[browser]
        outcome = self._tell(SAMPLE_AGENTS[username].subject)
        with self.state.lock:
            self.state.told_of_staff[username] = outcome
        return outcome

    def logout_token(self, subject: str) -> str:
        """What says that this person is signed out (OpenID Connect Back-Channel Logout 1.0, 2.4)."""
        now = int(time.time())
        claims = {
            "iss": self.state.config.issuer,
            "aud": self.state.config.staff_client_id,
            "iat": now,
            "exp": now + GOOD_FOR,
            "jti": secrets.token_urlsafe(16),
            "sub": subject,
            "events": {EVENT: {}},
        }
        header = {"alg": "RS256", "typ": "logout+jwt", "kid": str(self.memory.key.kid)}
        return jwt.encode(header, claims, self.memory.key)

    def _tell(self, subject: str) -> int | str:
        form = {"logout_token": self.logout_token(subject)}
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.post(
                    f"{self.state.support_url}/back-channel-logout",
                    data=form,
                    timeout=ANSWER_WITHIN,
                    allow_redirects=False,
                )
        except requests.RequestException as error:
            return type(error).__name__
        return answer.status_code
