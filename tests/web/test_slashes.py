"""An address that was registered with a slash at its end is the same address."""

from __future__ import annotations

import pytest

from tests.web.conftest import Installation


@pytest.mark.parametrize("provider", ["telematica", "nox"])
def test_a_webhook_with_a_slash_is_heard(running: Installation, provider: str) -> None:
    client = running.app.test_client()
    statuses = {client.post(f"/webhooks/{provider}{end}", base_url=running.url).status_code for end in ("", "/")}
    assert statuses == {401}


@pytest.mark.parametrize("place", ["/return/podero/secret/success", "/return/podero/secret/cancel", "/return/nox"])
def test_a_return_with_a_slash_arrives(running: Installation, place: str) -> None:
    client = running.app.test_client()
    answers = [client.get(f"{place}{end}", base_url=running.url) for end in ("", "/")]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].headers["Location"] == answers[1].headers["Location"]
