"""Other customers, who look at their devices at an even pace: `python -m tools.bench.looks PORT`.

A process of its own: what somebody else's answers cost the client must not count as time that a look took. The headers
of each customer come in as one line of JSON; when the input ends, each look goes out as when it was due and how long
it took since then, in seconds of the machine's monotonic clock, with the faults.
"""

import asyncio
import contextlib
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from tools.bench.client import ask_once
from tools.bench.ground import Ground, Visitor

LOOKS_PER_SECOND = 20


@dataclass
class Looks:
    """How long each look took, by when it was due."""

    looked: list[tuple[float, float]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def between(self, begin: float, end: float) -> list[tuple[float, float]]:
        """Those that were due in that time."""
        return [(due, took) for due, took in self.looked if begin <= due < end]


@contextlib.contextmanager
def looking_around(portal: Ground, visitors: list[Visitor]) -> Iterator[Looks]:
    """They look for as long as this is open; what they saw is there when it is closed."""
    told = Looks()
    command = [sys.executable, "-m", "tools.bench.looks", str(portal.port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None:
            raise RuntimeError("a pipe was asked for")
        process.stdin.write(json.dumps([visitor.headers for visitor in visitors]) + "\n")
        process.stdin.flush()
        yield told
        seen, _ = process.communicate()
    told.looked, told.faults = json.loads(seen)


async def _look_around(port: int, headers: list[dict[str, str]]) -> Looks:
    """Looks at an even pace, whether the look before has been answered or not."""
    told, over = Looks(), asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    began, looks = time.monotonic(), set()
    for place, mine in enumerate(itertools.cycle(headers)):
        due = began + place / LOOKS_PER_SECOND
        await asyncio.sleep(due - time.monotonic())
        if over.done():
            break
        look = asyncio.create_task(_look(port, mine, told, due))
        looks.add(look)
        look.add_done_callback(looks.discard)
    await asyncio.gather(*looks)
    return told


async def _look(port: int, headers: dict[str, str], told: Looks, due: float) -> None:
    try:
        answer = await ask_once(port, "GET", "/devices", headers)
        if answer.status != 200:
            told.faults.append(f"/devices answered {answer.status}")
    except (OSError, TimeoutError) as fault:
        told.faults.append(f"/devices: {type(fault).__name__}")
    told.looked.append((due, time.monotonic() - due))


if __name__ == "__main__":
    told = asyncio.run(_look_around(int(sys.argv[1]), json.loads(sys.stdin.readline())))
    print(json.dumps([told.looked, told.faults]))
