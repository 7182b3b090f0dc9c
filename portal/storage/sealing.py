"""How secrets rest in the database: hashed where they are only compared, sealed where they are needed again."""

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def hashed(secret: str) -> str:
    """What is stored of a random secret that comes back to us: its SHA-256 in hex. Takes whatever a stranger sends."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class Seal:
    """Encrypts single columns with a key of their own, derived from the key given."""

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(_derived(key, b"portal.storage.seal")))
        self._digest_key = _derived(key, b"portal.storage.digest")

    def seal(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def digest(self, text: str) -> str:
        """What is stored of a secret too short to be hashed alone: whoever has only the database cannot guess it."""
        return hmac.new(self._digest_key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def unseal(self, sealed: str) -> str | None:
        """The text again; None where it was sealed with another key or damaged."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            return None


def _derived(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(key)
