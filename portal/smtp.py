"""The door to the mail server: one letter at a time, in two alternatives that say the same."""

import smtplib
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Protocol

from portal.domain.letter import Letter, deliverable

PATIENCE = 10.0
"""Seconds for each word of the mail server."""


class NotSent(Exception):
    """The letter was not taken. `for_good`: it never will be. The text names no address."""

    def __init__(self, cause: str, *, for_good: bool = False) -> None:
        super().__init__(cause)
        self.for_good = for_good


class Post(Protocol):
    """Whoever takes letters to customers."""

    def send(self, letter: Letter, *, mail_id: str) -> None:
        """Hands a letter over. Raises NotSent."""
        ...


@dataclass(frozen=True, slots=True)
class SmtpConfig:
    """One mail server. `security` is `starttls`, `tls` or `none`; `sender` is the address that letters come from."""

    host: str
    port: int
    security: str
    sender: str
    sender_name: str
    user: str | None = None
    password: str | None = None
    ca_bundle: str | None = None


class Smtp:
    """Sends through a mail server, each letter over a connection of its own: there are few of them."""

    def __init__(self, config: SmtpConfig) -> None:
        self._config = config

    def send(self, letter: Letter, *, mail_id: str) -> None:
        to = deliverable(letter.to)
        if to is None:
            raise NotSent("address_not_deliverable", for_good=True)
        try:
            message = self._message(letter, to, mail_id)
            with self._connected() as server:
                server.send_message(message, self._config.sender, [to])
        except smtplib.SMTPRecipientsRefused as refusal:
            codes = [code for code, _ in refusal.recipients.values()]
            raise NotSent("recipient_refused", for_good=all(code >= 500 for code in codes)) from None
        except MessageError as fault:
            raise NotSent(type(fault).__name__, for_good=True) from None
        except (smtplib.SMTPException, OSError, ValueError) as fault:
            # The cause would carry the address.
            raise NotSent(type(fault).__name__) from None

    def _connected(self) -> smtplib.SMTP:
        given = self._config
        name = given.sender.rpartition("@")[2]
        trusted = ssl.create_default_context(cafile=given.ca_bundle)
        if given.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                given.host, given.port, local_hostname=name, timeout=PATIENCE, context=trusted
            )
        else:
            server = smtplib.SMTP(given.host, given.port, local_hostname=name, timeout=PATIENCE)
        try:
            if given.security == "starttls":
                server.starttls(context=trusted)
            if given.user is not None:
                server.login(given.user, given.password or "")
        except BaseException:
            server.close()
            raise
        return server

    def _message(self, letter: Letter, to: str, mail_id: str) -> EmailMessage:
        """The same letter has the same id at each try, so that a mail box shows it once."""
        message = EmailMessage(policy=SMTP)
        message["Subject"] = letter.subject
        message["From"] = Address(self._config.sender_name, addr_spec=self._config.sender)
        message["To"] = Address(addr_spec=to)
        message["Date"] = datetime.now(UTC)
        message["Message-ID"] = f"<{mail_id}@{self._config.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        message.add_alternative(letter.html, subtype="html")
        message["Content-Language"] = letter.language
        return message
