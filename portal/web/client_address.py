"""The address that a request comes from, however the proxy in front writes it down."""

import re
import secrets
import time
from ipaddress import IPv4Address, IPv6Address, ip_address

import structlog

log = structlog.get_logger(__name__)

WITH_PORT = re.compile(r"(\d+\.\d+\.\d+\.\d+):\d+|\[([^\]]*)\](?::\d+)?")
"""Azure's gateways write the port as well; IPv6 then stands in brackets."""

TOLD_EVERY = 60.0
"""Seconds between two lines in the log about addresses that are none."""

_told_at = [-TOLD_EVERY]


def read_address(text: str) -> IPv4Address | IPv6Address | None:
    """The address in what a proxy writes: alone, with a port, in brackets or quotes, with a zone; else None."""
    plain = text.strip().strip('"')
    found = WITH_PORT.fullmatch(plain)
    if found:
        plain = found.group(1) or found.group(2)
    try:
        address = ip_address(plain.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def stranger(text: str) -> str:
    """A name for who comes from no address: their own, so that they do not stand in each other's light.

    It is said in the log, for the limits by address do nothing then.
    """
    now = time.monotonic()
    if now - _told_at[0] >= TOLD_EVERY:
        _told_at[0] = now
        log.error("client_address_unknown", hint="PORTAL_PROXY_HOPS or the proxy's X-Forwarded-For is wrong")
    return f"unknown {text[:64] or secrets.token_hex(8)}"
