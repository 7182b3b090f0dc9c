"""The way to a provider, which may be shut, jammed, nameless or guarded by a stranger before a call can be made."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class Way(StrEnum):
    """What who comes to the door meets."""

    OPEN = "open"
    REFUSED = "refused"
    JAMMED = "jammed"
    NAMELESS = "nameless"
    PLAIN_ANSWER = "plain answer to a TLS hello"
    SELF_SIGNED = "self-signed certificate"
    WRONG_HOST = "another host's certificate"


BACKLOG = 64
HTTP_WORDS = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Door:
    """A port of 127.0.0.1 that can be opened and shut again; `knocks` counts who came while it was not open."""

    def __init__(self, taken: Callable[[socket.socket], None], certificates: dict[Way, ssl.SSLContext]) -> None:
        self.knocks = 0
        self.way = Way.OPEN
        self._taken = taken
        self._certificates = certificates
        self._lock = threading.Lock()
        with _bound(0) as first:
            self.port: int = first.getsockname()[1]
            self._listening = _bound(self.port)
        self._jam: list[socket.socket] = []
        self._open()

    def turn(self, way: Way) -> None:
        """From now on it is so; who is inside already is left alone."""
        with self._lock:
            if way is self.way:
                return
            if self.way in {Way.REFUSED, Way.JAMMED}:
                self._reopen()
            elif way in {Way.REFUSED, Way.JAMMED}:
                self._shut()
            if way is Way.JAMMED:
                self._fill()
            self.way = way

    def close(self) -> None:
        self.turn(Way.OPEN)
        self._shut()
        self._listening.close()

    def _open(self) -> None:
        self._listening.listen(BACKLOG)
        self._keeper = threading.Thread(target=self._accept, daemon=True)
        self._keeper.start()

    def _reopen(self) -> None:
        for held in self._jam:
            held.close()
        if self._jam:
            self._listening.shutdown(socket.SHUT_RDWR)
        self._jam = []
        self._open()

    def _shut(self) -> None:
        """Nobody listens any more, and yet the port stays ours."""
        self._listening.shutdown(socket.SHUT_RDWR)
        # Else it would take in whoever comes when the same socket listens again.
        self._keeper.join()

    def _fill(self) -> None:
        """A queue of one that somebody stands in: whoever comes now gets no answer at all."""
        self._listening.listen(0)
        held = socket.create_connection(("127.0.0.1", self.port), timeout=1)
        self._jam = [held]

    def _accept(self) -> None:
        while True:
            try:
                came, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._let_in, args=(came,), daemon=True).start()

    def _let_in(self, came: socket.socket) -> None:
        way = self.way
        with came:
            try:
                if way is not Way.OPEN:
                    self.knocks += 1
                if way is Way.PLAIN_ANSWER:
                    came.recv(1024)
                    came.sendall(HTTP_WORDS)
                elif way in self._certificates:
                    with self._certificates[way].wrap_socket(came, server_side=True) as safe:
                        self._taken(safe)
                else:
                    self._taken(came)
            except OSError:
                return


def _bound(port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind(("127.0.0.1", port))
    return made


def certificates(folder: Path) -> dict[Way, ssl.SSLContext]:
    """What a server can show for itself; `ca.pem` in the folder is the authority that the portal trusts."""
    key, authority = _pair("an authority", None)
    (folder / "ca.pem").write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    return {
        Way.OPEN: _context(folder, _pair("localhost", (key, authority))),
        Way.SELF_SIGNED: _context(folder, _pair("localhost", None)),
        Way.WRONG_HOST: _context(folder, _pair("other.example", (key, authority))),
    }


Signer = tuple[ec.EllipticCurvePrivateKey, x509.Certificate]


def _pair(name: str, by: Signer | None) -> Signer:
    """A key and its certificate, signed by an authority or by itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    signer, issuer = (by[0], by[1].subject) if by else (key, subject)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name.replace(" ", "-"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return key, made


def _context(folder: Path, pair: Signer) -> ssl.SSLContext:
    key, certificate = pair
    kept = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    kept.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(kept)
    return context
