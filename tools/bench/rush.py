"""A thousand clicks within two seconds at a provider that takes five, while other customers look at their devices."""

import asyncio
import html
import json
import math
import re
import time
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from tools.bench.client import Answer, Connection, ask_once
from tools.bench.ground import Ground, Visitor, ground
from tools.bench.looks import Looks, looking_around
from tools.bench.processes import cpu_seconds, family

CLICKS = 1000
WITHIN = 2.0
PROVIDER_TAKES = 5.0
LIMIT = 64
"""How many calls may be under way at a provider by default."""

LOOKERS = 40
WARM_UP, QUIET = 3.0, 20.0
"""Seconds before the rush; in the second of them the other customers' pages are measured for comparison."""

SLOW = 3.0
"""So many times the quiet p99 is the aim."""

GIVEN_UP = 300.0
CHOICE = "/connect/heat-pump/daikin"

POLL = re.compile(r'data-hx-get="([^"]+)" data-hx-trigger="load delay:(\d+)s"')
GO_ON = re.compile(r'action="([^"]+/continue)"')


@dataclass
class Told:
    """What happened to the customers in a hurry, in seconds."""

    answered: list[float] = field(default_factory=list)
    left: list[float] = field(default_factory=list)
    requests: int = 0
    faults: list[str] = field(default_factory=list)


def measure_rush() -> dict[str, object]:
    """All of it, with the same installation before the rush and during it."""
    with ground(provider_takes=PROVIDER_TAKES) as portal:
        in_a_hurry = [portal.visitor(f"clicks-{number}") for number in range(CLICKS)]
        looking = [portal.visitor(f"looks-{number}", has_devices=True) for number in range(LOOKERS)]
        with looking_around(portal, looking) as looks:
            time.sleep(WARM_UP + QUIET)
            began = time.monotonic()
            found = asyncio.run(_rush(portal, in_a_hurry, began))
        return {**found, **_of_looks(looks, began), "faults": [*found["faults"], *sorted(set(looks.faults))[:5]]}


async def _rush(portal: Ground, in_a_hurry: list[Visitor], began: float) -> dict[str, Any]:
    web = family(portal.web, "gunicorn")
    told, cpu = Told(), cpu_seconds(web)
    due = [began + WITHIN * place / CLICKS for place in range(CLICKS)]
    customers = [_customer(portal, *one, told) for one in zip(in_a_hurry, due, strict=True)]
    await asyncio.wait([asyncio.create_task(customer) for customer in customers], timeout=GIVEN_UP)
    counts = json.loads((await ask_once(portal.provider_port, "GET", "/counts", {})).body)
    return {
        **_of_clicks(told, began),
        "most_in_flight": counts["most_open"],
        "limit": LIMIT,
        "sessions_opened": counts["opened"],
        "requests": told.requests,
        "web_cpu_seconds": cpu_seconds(web) - cpu,
        "faults": sorted(set(told.faults))[:5],
    }


def _of_clicks(told: Told, began: float) -> dict[str, object]:
    ideal = CLICKS * PROVIDER_TAKES / LIMIT
    last = max((left - began for left in told.left), default=GIVEN_UP)
    return {
        "clicks": CLICKS,
        "answered": len(told.answered),
        "p50_answer": median(told.answered or [GIVEN_UP]),
        "slowest_answer": max(told.answered, default=GIVEN_UP),
        "reached_connect_ui": len(told.left),
        "seconds": last,
        "ideal_seconds": ideal,
        "seconds_ratio": last / ideal,
    }


def _of_looks(looks: Looks, began: float) -> dict[str, object]:
    """`slow` are the looks slower than the aim; the last of them was due `slow_until` seconds after the first click."""
    quiet, rush = looks.between(began - QUIET, began), looks.between(began, math.inf)
    before, during = (_p99([took for _, took in some]) for some in (quiet, rush))
    slow = [due - began for due, took in rush if took > SLOW * before]
    return {
        "looks": len(rush),
        "slow": len(slow),
        "slow_until": max(slow, default=0.0),
        "quiet_p99": before,
        "rush_p99": during,
        "p99_ratio": during / before,
    }


async def _customer(portal: Ground, visitor: Visitor, due: float, told: Told) -> None:
    """Clicks, and then does what the page in the browser does until it leaves for the Connect UI."""
    await asyncio.sleep(due - time.monotonic())
    connection = Connection(portal.port)
    try:
        answer = await _post(connection, visitor, CHOICE, "consent=yes&", told)
        told.answered.append(time.monotonic() - due)
        await _wait_and_leave(connection, visitor, answer, told)
        told.left.append(time.monotonic())
    except (OSError, TimeoutError, RuntimeError) as fault:
        told.faults.append(f"{type(fault).__name__} {fault}")
    finally:
        connection.close()


async def _wait_and_leave(connection: Connection, visitor: Visitor, answer: Answer, told: Told) -> None:
    headers = visitor.headers
    while True:
        if answer.status == 200 and "refresh" in answer.headers:
            return
        if answer.status == 303:
            page = answer.headers["location"]
            answer = await _get(connection, page, headers, told)
        elif answer.status == 204 and "hx-refresh" in answer.headers:
            answer = await _get(connection, page, headers, told)
        elif answer.status == 200 and (form := GO_ON.search(answer.text)):
            answer = await _post(connection, visitor, form[1], "", told)
        elif answer.status == 200 and (poll := POLL.search(answer.text)):
            await asyncio.sleep(int(poll[2]))
            answer = await _get(connection, html.unescape(poll[1]), {**headers, "HX-Request": "true"}, told)
        else:
            raise RuntimeError(f"status {answer.status} leads nowhere")


async def _get(connection: Connection, path: str, headers: dict[str, str], told: Told) -> Answer:
    told.requests += 1
    return await connection.ask("GET", path, headers)


async def _post(connection: Connection, visitor: Visitor, path: str, form: str, told: Told) -> Answer:
    told.requests += 1
    headers = {**visitor.headers, "Content-Type": "application/x-www-form-urlencoded"}
    return await connection.ask("POST", path, headers, f"{form}csrf_token={visitor.csrf_token}".encode())


def _p99(numbers: list[float]) -> float:
    return sorted(numbers)[int(len(numbers) * 0.99)]
