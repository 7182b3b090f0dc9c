"""Only a server that proves its name is talked to."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from portal.providers.http import Gateway
from portal.providers.protocol import ProviderUnavailable
from tests.providers.scripted import reply


@contextmanager
def tls_server(folder: Path, name: str) -> Iterator[tuple[str, str]]:
    """A server with a certificate of its own for `name`; its address and the certificate's file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain, private = folder / "certificate.pem", folder / "key.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, private)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            taken, _ = listening.accept()
            with taken:
                try:
                    with context.wrap_socket(taken, server_side=True) as wrapped:
                        wrapped.recv(65536)
                        wrapped.sendall(reply(200, {"a": 1}))
                        wrapped.unwrap()
                except OSError:
                    return

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"https://localhost:{listening.getsockname()[1]}/", str(chain)
        thread.join(timeout=3)


def look(bundle: str | None, url: str) -> object:
    return Gateway("acme", ca_bundle=bundle).call("look", "GET", url).body


class TestTls:
    def test_a_private_authority_is_trusted_where_the_operator_names_it(self, tmp_path: Path) -> None:
        with tls_server(tmp_path, "localhost") as (url, bundle):
            assert look(bundle, url) == {"a": 1}

    def test_an_unknown_authority_is_not(self, tmp_path: Path) -> None:
        with tls_server(tmp_path, "localhost") as (url, _), pytest.raises(ProviderUnavailable, match="trusted"):
            look(None, url)

    def test_another_servers_certificate_is_not(self, tmp_path: Path) -> None:
        with tls_server(tmp_path, "other.example") as (url, own), pytest.raises(ProviderUnavailable, match="trusted"):
            look(own, url)
