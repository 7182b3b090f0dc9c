"""What the devices page costs beside a bare Flask page, and whether a process grows with the requests it has served."""

import asyncio
import itertools
import time
from dataclasses import asdict, dataclass
from statistics import median

from tools.bench.client import Connection
from tools.bench.ground import Visitor, bare_page, ground
from tools.bench.processes import cpu_seconds, family, resident_megabytes

AT_ONCE = 8
SECONDS = 1.5
ROUNDS = 16
"""Short turns: what else the machine does meets both pages alike."""

CUSTOMERS = 50
FIRST, ALL = 1_000, 10_000
"""Requests after which memory is looked at."""

PATHS = ("/devices", "/connect", "/connect/heat-pump", "/connect/heat-pump/daikin", "/privacy", "/nowhere")


@dataclass(frozen=True, slots=True)
class Cost:
    """How many requests were answered in a second, and what one took of the processors."""

    per_second: float
    cpu_milliseconds: float


def measure_pages() -> dict[str, object]:
    """Both pages in turns, on the same server, in the same minute."""
    devices, bare = [], []
    with ground(provider_takes=0.1) as portal, bare_page() as (bare_port, bare_pid):
        visitors = [portal.visitor(f"customer-{number}", has_devices=True) for number in range(CUSTOMERS)]
        strangers = [Visitor("portal=", "")]
        asyncio.run(_ask_for(1.0, bare_port, "/", strangers))
        asyncio.run(_ask_for(3.0, portal.port, "/devices", visitors))
        for _ in range(ROUNDS):
            bare.append(_cost(bare_port, bare_pid, "/", strangers))
            devices.append(_cost(portal.port, portal.web, "/devices", visitors))
    ratios = [page.cpu_milliseconds / beside.cpu_milliseconds for page, beside in zip(devices, bare, strict=True)]
    return {"devices": asdict(_middle(devices)), "bare": asdict(_middle(bare)), "cpu_ratio": median(ratios)}


def measure_memory() -> dict[str, object]:
    """One process answers every request."""
    with ground(provider_takes=0.1, workers=1) as portal:
        visitors = [portal.visitor(f"customer-{number}", has_devices=True) for number in range(CUSTOMERS)]
        [process] = [pid for pid in family(portal.web, "gunicorn") if pid != portal.web]
        asyncio.run(_ask(FIRST, portal.port, visitors))
        first = resident_megabytes(process)
        asyncio.run(_ask(ALL - FIRST, portal.port, visitors))
        last = resident_megabytes(process)
    return {"first_megabytes": first, "last_megabytes": last, "ratio": last / first}


def _cost(port: int, pid: int, path: str, visitors: list[Visitor]) -> Cost:
    pids = family(pid, "gunicorn")
    before, started = cpu_seconds(pids), time.monotonic()
    answered = asyncio.run(_ask_for(SECONDS, port, path, visitors))
    cpu, seconds = cpu_seconds(pids) - before, time.monotonic() - started
    return Cost(answered / seconds, cpu / answered * 1000)


def _middle(costs: list[Cost]) -> Cost:
    return Cost(median(cost.per_second for cost in costs), median(cost.cpu_milliseconds for cost in costs))


async def _ask_for(seconds: float, port: int, path: str, visitors: list[Visitor]) -> int:
    """How many requests were answered in that time, by visitors who each ask again as soon as they have an answer."""
    until = time.monotonic() + seconds

    async def visit(mine: list[Visitor]) -> int:
        connection, answered = Connection(port), 0
        for visitor in itertools.cycle(mine):
            if time.monotonic() > until:
                break
            answer = await connection.ask("GET", path, visitor.headers)
            if answer.status != 200:
                raise SystemExit(f"{path} answered {answer.status}")
            answered += 1
        connection.close()
        return answered

    return sum(await asyncio.gather(*(visit(visitors[place:] + visitors[:place]) for place in range(AT_ONCE))))


async def _ask(number: int, port: int, visitors: list[Visitor]) -> None:
    """So many requests for pages of every kind."""
    questions = iter(zip(range(number), itertools.cycle(visitors), itertools.cycle(PATHS), strict=False))

    async def visit() -> None:
        connection = Connection(port)
        for _, visitor, path in questions:
            await connection.ask("GET", path, visitor.headers)
        connection.close()

    await asyncio.gather(*(visit() for _ in range(AT_ONCE)))
