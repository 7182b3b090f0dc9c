"""A desk of customer support: a browser in which one of the staff is signed in."""

import re
import secrets
from datetime import timedelta
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from portal.domain.support import Agent, Role
from portal.staff_app import base_url
from portal.storage import agents
from tests.support.live import Installation
from tests.web.visitor import Page, good_page

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Desk:
    """One of the staff at a browser. `path` is always below /support, or on the staff's own host."""

    def __init__(self, running: Installation, role: Role | None = Role.AGENT, name: str = "sam") -> None:
        self.running = running
        self.app: Flask = running.app.extensions["portal.support"]
        self.base_url = base_url(running.settings)
        self.client = self.app.test_client()
        self.agent: Agent | None = None
        if role is not None:
            self._sign_in(role, name)

    def send(self, method: str, path: str, **more: Any) -> TestResponse:
        answer: TestResponse = self.client.open(path, method=method, base_url=self.base_url, **more)
        return answer

    def page(self, path: str, *, status: int = 200, language: str = "en") -> Page:
        return good_page(self.send("GET", path), status, language)

    def post(self, path: str, **fields: str) -> TestResponse:
        """A form, sent as a browser sends it from a page of ours."""
        return self.send(
            "POST",
            path,
            data={"csrf_token": self.token(), **fields},
            headers={"Sec-Fetch-Site": "same-origin", "Origin": self.running.settings.staff_url or self.running.url},
        )

    def token(self) -> str:
        found = TOKEN.search(self.send("GET", "/").text)
        assert found
        return found.group(1)

    def view(self, customer_id: str, reason: str = "connecting", ticket: str = "T-1") -> str:
        """Begins to view a customer; answers the path that all their pages begin with."""
        answer = self.post(f"/customers/{customer_id}", reason=reason, ticket=ticket)
        assert answer.status_code == 303, (answer.status_code, answer.text)
        return answer.headers["Location"].removeprefix("/support").removesuffix("/devices")

    def _sign_in(self, role: Role, name: str) -> None:
        token, now = secrets.token_urlsafe(32), self.running.portal.clock()
        with self.running.database.write() as tx:
            self.agent = agents.signed_in(
                tx,
                issuer="https://staff.example",
                subject=name,
                name=name.capitalize(),
                email=f"{name}@retailer.example",
                role=role,
                now=now,
            )
            agents.open_session(
                tx, self.agent.id, token=token, id_token="none", now=now, expires_at=now + timedelta(hours=10)
            )
        with self.client.session_transaction(base_url=self.base_url) as cookie:
            cookie["agent"] = token
