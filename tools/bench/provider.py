"""A provider in the shape of NOX that takes its time to open a link, and an issuer that says where it is.

It counts what is under way at the same time, which is what a portal must keep within its limit.
"""

import asyncio
import json
import re
import sys
from urllib.parse import parse_qs, urlsplit

HEAT_PUMPS, INVERTERS = 3, 2
"""What every customer with devices has."""

COUNTS = {"open": 0, "most_open": 0, "opened": 0}


async def main(port: int, seconds: float) -> None:
    async def serve_here(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve(reader, writer, port, seconds)

    server = await asyncio.start_server(serve_here, "127.0.0.1", port, backlog=512)
    async with server:
        await server.serve_forever()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, seconds: float) -> None:
    """One call on one connection."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, target, _ = head.split(" ", 2)
        length = re.search(r"content-length: *(\d+)", head, re.IGNORECASE)
        body = await reader.readexactly(int(length[1]) if length else 0)
        status, answer = await answered(method, target, body, port, seconds)
        sent = json.dumps(answer).encode()
        head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(sent)}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n".encode() + sent)
        await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def answered(method: str, target: str, body: bytes, port: int, seconds: float) -> tuple[int, object]:
    url = urlsplit(target)
    match method, url.path:
        case "POST", "/nox/v2/supplier/link-sessions":
            return 201, await opened(json.loads(body)["user_id"], port, seconds)
        case "GET", "/v1/devices":
            return 200, listed(parse_qs(url.query)["user_id"][0], "hp", HEAT_PUMPS)
        case "GET", "/v1/devices/pv":
            return 200, listed(parse_qs(url.query)["user_id"][0], "pv", INVERTERS)
        case "GET", "/oidc/.well-known/openid-configuration":
            issuer = f"http://127.0.0.1:{port}/oidc"
            return 200, {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "jwks_uri": f"{issuer}/jwks",
            }
        case "GET", "/counts":
            return 200, COUNTS
    return 404, {"error": "not found"}


async def opened(user: str, port: int, seconds: float) -> object:
    """A link session, after the time that this provider takes for it."""
    COUNTS["open"] += 1
    COUNTS["most_open"] = max(COUNTS["most_open"], COUNTS["open"])
    await asyncio.sleep(seconds)
    COUNTS["open"] -= 1
    COUNTS["opened"] += 1
    return {"link_url": f"http://127.0.0.1:{port}/connect/{COUNTS['opened']}", "supplier_user_id": user}


def listed(user: str, kind: str, number: int) -> object:
    rows = [
        {
            "device_id": device_id(user, kind, place),
            "user_id": user,
            "brand": "daikin" if kind == "hp" else "sma",
            "model": f"Model {place}",
            "country": "NL",
            "needs_reauthentication": False,
        }
        for place in range(number)
    ]
    return {"data": rows, "meta": {}}


def device_id(user: str, kind: str, place: int) -> str:
    return f"{user}-{kind}-{place}"


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
