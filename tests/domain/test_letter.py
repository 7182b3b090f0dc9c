"""An e-mail goes only where it can arrive, and an address that cannot be sent to is not offered."""

import pytest

from portal.domain.letter import deliverable, is_address


@pytest.mark.parametrize(
    ("text", "sent_to"),
    [
        ("anna@example.com", "anna@example.com"),
        ("anna+home@mail.example.com", "anna+home@mail.example.com"),
        ("anna@b\u00fccher.example", "anna@xn--bcher-kva.example"),
        ("Anna@EXAMPLE.com", "Anna@example.com"),
    ],
)
def test_an_address_is_written_as_mail_servers_take_it(text: str, sent_to: str) -> None:
    assert deliverable(text) == sent_to


@pytest.mark.parametrize(
    "text",
    [
        "j\u00fcrgen@example.com", "anna.@example.com", ".anna@example.com", "a@b..c", "a..b@example.com", "a@b",
        "a@-b.example", "a@b.example.", "a b@example.com", "a@b.example, c@d.example", "<a@b.example>", "@example.com",
        "a@", "", "a@b\n.example", "a" * 65 + "@example.com", "a@" + "b" * 64 + ".example",
    ],
)  # fmt: skip
def test_what_cannot_be_sent_to_is_no_address(text: str) -> None:
    assert not is_address(text)
