"""A thousand clicks within two seconds at a provider that takes five, while other customers look at their devices."""

import asyncio
import html
import json
import re
import time
from dataclasses import dataclass, field
from statistics import median

from tools.bench.client import Answer, Connection, ask_once
from tools.bench.ground import Ground, Visitor, ground
from tools.bench.processes import cpu_seconds, family

CLICKS = 1000
WITHIN = 2.0
PROVIDER_TAKES = 5.0
LIMIT = 64
"""How many calls may be under way at a provider by default."""

LOOKERS = 40
LOOKS_PER_SECOND = 20
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
    """What happened to all customers, in seconds."""

    answered: list[float] = field(default_factory=list)
    looked: list[tuple[float, float]] = field(default_factory=list)
    """When a look at the devices was due, and how long it took since then."""

    left: list[float] = field(default_factory=list)
    requests: int = 0
    faults: list[str] = field(default_factory=list)


def measure_rush() -> dict[str, object]:
    """All of it, with the same installation before the rush and during it."""
    with ground(provider_takes=PROVIDER_TAKES) as portal:
        in_a_hurry = [portal.visitor(f"clicks-{number}") for number in range(CLICKS)]
        looking = [portal.visitor(f"looks-{number}", has_devices=True) for number in range(LOOKERS)]
        return asyncio.run(_rush(portal, in_a_hurry, looking))


async def _rush(portal: Ground, in_a_hurry: list[Visitor], looking: list[Visitor]) -> dict[str, object]:
    await _look_around(portal, looking, Told(), until=time.monotonic() + WARM_UP)
    quiet = Told()
    await _look_around(portal, looking, quiet, until=time.monotonic() + QUIET)
    web = family(portal.web, "gunicorn")
    told, began, cpu = Told(), time.monotonic(), cpu_seconds(web)
    lookers = asyncio.create_task(_look_around(portal, looking, told, until=None))
    due = [began + WITHIN * place / CLICKS for place in range(CLICKS)]
    customers = [_customer(portal, *one, told) for one in zip(in_a_hurry, due, strict=True)]
    await asyncio.wait([asyncio.create_task(customer) for customer in customers], timeout=GIVEN_UP)
    lookers.cancel()
    counts = json.loads((await ask_once(portal.provider_port, "GET", "/counts", {})).body)
    return {
        **_of_clicks(told, began),
        **_of_looks(quiet, told, began),
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


def _of_looks(quiet: Told, told: Told, began: float) -> dict[str, object]:
    """`slow` are the looks slower than the aim; the last of them was due `slow_until` seconds after the first click."""
    before, during = (_p99([took for _, took in looks.looked]) for looks in (quiet, told))
    slow = [due - began for due, took in told.looked if took > SLOW * before]
    return {
        "looks": len(told.looked),
        "slow": len(slow),
        "slow_until": max(slow, default=0.0),
        "quiet_p99": before,
        "rush_p99": during,
        "p99_ratio": during / before,
    }


async def _look_around(portal: Ground, looking: list[Visitor], told: Told, *, until: float | None) -> None:
    """Looks at the devices at an even pace, whether the one before has been answered or not."""
    began, place = time.monotonic(), 0
    looks: set[asyncio.Task[None]] = set()
    while until is None or time.monotonic() < until:
        due = began + place / LOOKS_PER_SECOND
        await asyncio.sleep(due - time.monotonic())
        look = asyncio.create_task(_look(portal, looking[place % len(looking)], told, due))
        looks.add(look)
        look.add_done_callback(looks.discard)
        place += 1
    await asyncio.gather(*looks)


async def _look(portal: Ground, visitor: Visitor, told: Told, due: float) -> None:
    try:
        answer = await ask_once(portal.port, "GET", "/devices", visitor.headers)
        if answer.status != 200:
            told.faults.append(f"/devices answered {answer.status}")
    except (OSError, TimeoutError) as fault:
        told.faults.append(f"/devices: {type(fault).__name__}")
    told.looked.append((due, time.monotonic() - due))


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
        if answer.status == 303 and answer.headers["location"].startswith("http"):
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
