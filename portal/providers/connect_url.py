"""Where a customer may be sent, and what this very machine is."""

import ipaddress
import re

from portal.providers.protocol import UnexpectedAnswer

LONGEST_URL = 8000
CONNECT_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?)"
    r"(?:[/?#][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?"
)


def trusted_connect_url(url: object, hosts: tuple[str, ...]) -> str:
    """Where to send a customer: https (http to loopback only), to a listed host[:port]. Raises UnexpectedAnswer."""
    if not isinstance(url, str) or len(url) > LONGEST_URL:
        raise UnexpectedAnswer("connect URL is missing or too long")
    match = CONNECT_URL.fullmatch(url)
    if match is None:
        raise UnexpectedAnswer("connect URL is malformed")
    if match["host"].lower() not in [host.lower() for host in hosts]:
        raise UnexpectedAnswer("connect URL leads to a host that is not listed")
    if match["scheme"] == "http" and not is_loopback(match["host"]):
        raise UnexpectedAnswer("connect URL is not https")
    return url


def is_loopback(host: str) -> bool:
    """Whether this host[:port] is this very machine."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    if name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
