"""What will not work with an issuer, read from its own document and keys before the first person signs in there."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.identity.calls import IssuerError
from portal.identity.issuer import ALGORITHMS, Issuer, read_metadata

AUTH_METHODS = frozenset({"client_secret_basic", "client_secret_post"})

PLAIN_WORDS = {
    "issuer_unreachable": "does not answer; the portal calls it directly and uses no proxy of the environment",
    "answer_not_json": "is not a JSON object",
    "answer_too_long": "is longer than 256 kB",
    "discovery_without_endpoint": "leaves out an endpoint that is needed: authorization, token or jwks_uri",
    "discovery_with_unsafe_endpoint": "names an endpoint that is not https",
}


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found, in English for operators: `faults` stop people from signing in, `warnings` do not."""

    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the settings ask of an issuer. `claims` maps a claim's name to the variable that names it."""

    scope: str
    claims: Mapping[str, str] = field(default_factory=dict)
    confirms: bool = True


def inspect(issuer: Issuer, wanted: Wanted) -> Inspection:
    """Reads the discovery document and the keys once. Says nothing of what a document may leave out."""
    try:
        document = issuer.document()
    except IssuerError as error:
        return Inspection(faults=(f"the discovery document at {issuer.discovery_url} {plain(error)}",))
    faults = [*_faults(document, issuer)]
    if not faults:
        faults += _faults_of_keys(issuer)
    return Inspection(tuple(faults), tuple(_warnings(document, wanted)))


def plain(error: IssuerError) -> str:
    """A failed fetch in words that follow what was fetched."""
    code = str(error)
    if code.startswith("answer_status_"):
        return f"answers with status {code.removeprefix('answer_status_')}"
    return PLAIN_WORDS.get(code, f"cannot be used ({code})")


def _faults(document: Mapping[str, Any], issuer: Issuer) -> Iterator[str]:
    named = document.get("issuer")
    if named != issuer.issuer:
        yield f"the discovery document names its issuer {named!r}; the setting must say that, letter for letter"
        return
    try:
        read_metadata(document, issuer.issuer)
    except IssuerError as error:
        yield f"the discovery document {plain(error)}"
    for name, good, what in (
        ("id_token_signing_alg_values_supported", ALGORITHMS, "signs ID tokens only with"),
        ("response_types_supported", ("code",), "offers only the response types"),
        ("token_endpoint_auth_methods_supported", tuple(sorted(AUTH_METHODS)), "takes a client's secret only by"),
    ):
        offered = _listed(document, name)
        if offered is not None and not offered & set(good):
            yield f"the issuer {what} {_words(offered)}; the portal needs {' or '.join(good)}"


def _faults_of_keys(issuer: Issuer) -> Iterator[str]:
    try:
        if not issuer.keys():
            yield "the key set at the issuer's jwks_uri holds no RSA key from 2048 bits and no EC key"
    except IssuerError as error:
        yield f"the key set at the issuer's jwks_uri {plain(error)}"


def _warnings(document: Mapping[str, Any], wanted: Wanted) -> Iterator[str]:
    methods = _listed(document, "code_challenge_methods_supported")
    if methods is not None and "S256" not in methods:
        yield "the issuer does not list the code challenge S256, which the portal always sends"
    scopes = _listed(document, "scopes_supported")
    if scopes is not None and (missing := set(wanted.scope.split()) - scopes):
        yield f"the issuer does not list the scopes {_words(missing)}"
    if not document.get("end_session_endpoint"):
        yield "the issuer names no end_session_endpoint: signing out ends the session here only"
    claims = _listed(document, "claims_supported")
    if claims is None:
        return
    for name, variable in wanted.claims.items():
        if not {name, name.partition(".")[0]} & claims:
            yield f"the issuer does not list the claim {name} ({variable})"
    if wanted.confirms and "auth_time" not in claims:
        yield "the issuer does not list the claim auth_time: without it nobody can download or delete their data"


def _listed(document: Mapping[str, Any], name: str) -> set[str] | None:
    """The words of a list in the document; None where it does not say."""
    value = document.get(name)
    return {word for word in value if isinstance(word, str)} if isinstance(value, list) else None


def _words(found: Iterable[str]) -> str:
    return ", ".join(sorted(found)) or "nothing"
