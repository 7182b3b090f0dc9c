"""Signed tokens and the public keys they are proven by, whoever issues them."""

import contextlib
import json
from collections.abc import Callable, Mapping, Set
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

LARGEST_TOKEN = 16 * 1024
SHORTEST_RSA = 2048
FARTHEST = 2**53
"""A moment beyond it is none: a number may have any length in a token, and not every sum can be done with it."""

Keys = Callable[[bool], tuple[Key, ...]]
"""The keys of an issuer; True asks for fresh ones."""


class Unproven(Exception):
    """The token proves nothing. The text is one of our own fixed words."""


def proven(token: object, *, algorithms: Mapping[str, str], types: Set[str], keys: Keys) -> tuple[str, dict[str, Any]]:
    """The algorithm and the claims of a token whose signature is genuine. Raises Unproven, and whatever `keys` raises.

    `algorithms` are those that may be used, each with its kind of key; `types` what it may call itself, in small
    letters, with the empty word where it need not.
    """
    if not isinstance(token, str) or not token or len(token) > LARGEST_TOKEN or token.count(".") != 2:
        raise Unproven("missing")
    header, payload = _parts(token)
    algorithm = str(header.get("alg"))
    if algorithm not in algorithms or "crit" in header:
        raise Unproven("algorithm")
    if str(header.get("typ", "")).lower() not in types:
        raise Unproven("type")
    # Keys named or carried in the header are not looked at: the registry only lets such headers be present.
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    for key in _fitting(header, algorithm, algorithms[algorithm], keys):
        with contextlib.suppress(JoseError, ValueError, TypeError, RecursionError):
            claims = jwt.decode(token, key, algorithms=[algorithm], registry=registry).claims
            break
    else:
        raise Unproven("forged")
    if _says_twice(payload):
        raise Unproven("ambiguous")
    return algorithm, claims


def seconds(value: object) -> float | None:
    """A moment in a token, as seconds since 1970; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < FARTHEST else None


def read_keys(document: Mapping[str, Any], kinds: Set[str]) -> tuple[Key, ...]:
    """The public signing keys of a key set; what cannot be one is passed over."""
    listed = document.get("keys")
    found = (_read_key(jwk, kinds) for jwk in listed) if isinstance(listed, list) else ()
    return tuple(key for key in found if key is not None)


def _parts(token: str) -> tuple[Mapping[str, Any], bytes]:
    """The header and the claims as they are written."""
    try:
        parts = jws.extract_compact(token.encode("ascii"))
        return parts.headers(), parts.payload
    except (JoseError, ValueError, TypeError, RecursionError):
        raise Unproven("forged") from None


def _says_twice(payload: bytes) -> bool:
    """Whether a name stands twice in one object: one reader takes the first, another the last (RFC 7519, 4)."""
    found = False

    def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal found
        single = dict(pairs)
        found = found or len(single) < len(pairs)
        return single

    json.loads(payload, object_pairs_hook=note)
    return found


def _fitting(header: Mapping[str, Any], algorithm: str, kind: str, keys: Keys) -> list[Key]:
    """The keys that the token may be signed with; an unknown name asks the issuer once more.

    One name may stand for several entries, a key listed anew for each algorithm. A token without a name is proven only
    where there is one key of its kind.
    """
    kid = header.get("kid")
    for insist in (False, True):
        found = [key for key in keys(insist) if key.key_type == kind and key.get("alg") in {None, algorithm}]
        if kid is not None:
            found = [key for key in found if key.kid == kid]
        elif len(found) > 1:
            found = []
        if found:
            return found
    raise Unproven("key_unknown")


def _read_key(jwk: object, kinds: Set[str]) -> Key | None:
    """A public key for signatures, or None."""
    if not isinstance(jwk, dict) or jwk.get("kty") not in kinds or jwk.get("use", "sig") != "sig":
        return None
    public = {name: jwk[name] for name in ("kty", "n", "e", "crv", "x", "y", "kid", "alg") if name in jwk}
    if public["kty"] == "RSA" and len(str(public.get("n", ""))) * 6 < SHORTEST_RSA:
        return None
    try:
        return JWKRegistry.import_key(public)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
