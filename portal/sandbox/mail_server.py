"""A mail server that delivers nothing: whatever the portal sends is kept, for the mailbox page to show."""

import socketserver
import threading
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, Self

from flask import Blueprint, render_template

from portal.sandbox.state import SandboxState

LONGEST_LINE = 4096
READY, GONE, FINE, GO_ON, UNKNOWN = "220 sandbox", "221 bye", "250 OK", "354 go on", "502 not known here"


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks just enough SMTP. `refuses` makes it answer so to each recipient, as a server in trouble does."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, state: SandboxState, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Conversation)
        self.state = state
        self.refuses: str | None = None
        self.port: int = self.server_address[1]
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Conversation(socketserver.StreamRequestHandler):
    """One client, from its greeting to its goodbye."""

    server: MailServer
    timeout = 30

    def handle(self) -> None:
        self._say(READY)
        for line in self._lines():
            word = line[:4].upper()
            if word == b"QUIT":
                self._say(GONE)
                return
            if word == b"DATA":
                self._say(GO_ON)
                self._keep(b"".join(self._body()))
            if word == b"RCPT" and self.server.refuses:
                self._say(self.server.refuses)
            else:
                self._say(FINE if word in {b"EHLO", b"HELO", b"MAIL", b"RCPT", b"DATA", b"RSET", b"NOOP"} else UNKNOWN)

    def _lines(self) -> Iterator[bytes]:
        while line := self.rfile.readline(LONGEST_LINE):
            yield line

    def _body(self) -> Iterator[bytes]:
        for line in self._lines():
            if line == b".\r\n":
                return
            yield line.removeprefix(b".")

    def _keep(self, sent: bytes) -> None:
        message: Any = message_from_bytes(sent, policy=SMTP)
        with self.server.state.lock:
            self.server.state.mails.appendleft(message)

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


def mailbox(state: SandboxState) -> Blueprint:
    """The page that lists what was sent, the newest first."""
    routes = Blueprint("mailbox", __name__)

    @routes.get("/mailbox")
    def page() -> str:
        with state.lock:
            mails = [_shown(message) for message in state.mails]
        return render_template("mailbox.html", language="en", mails=mails)

    return routes


def _shown(message: EmailMessage) -> dict[str, str]:
    words = message.get_body(("plain",))
    text = str(words.get_content()) if isinstance(words, EmailMessage) else ""
    link = next((line for line in text.splitlines() if line.startswith(("http://", "https://"))), "")
    return {"to": str(message["To"]), "subject": str(message["Subject"]), "text": text, "link": link}
