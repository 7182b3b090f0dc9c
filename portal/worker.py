"""The program behind the pages: it calls the providers, and finds what should have moved."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import structlog

from portal import logs
from portal.app import open_database, open_queue, ports, utc_now
from portal.background import Crew
from portal.journey.provider_health import HealthBook
from portal.journey.work import do
from portal.settings import Settings

log = structlog.get_logger(__name__)

BEHIND_THE_PAGES = 5
"""So far the worker steps back where processors are short: somebody looks at a page, nobody at a queue."""

TICK = 1.0

REST_AFTER_END = 1.0


def run(settings: Settings, *, beside: int | None = None, kept_by: int | None = None) -> None:
    """Works until SIGTERM or SIGINT; with `beside`, also only as long as that process is there.

    On a queue file one worker is at work: others stand by until it ends. `kept_by`: should that process be killed,
    another takes its place.
    """
    logs.configure(log_format=settings.log_format, level=settings.log_level)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    with _alone(settings, stopping, beside) as is_mine:
        if is_mine:
            _work(settings, stopping, beside, kept_by)


def keep(settings: Settings, *, beside: int, keeps: int | None = None) -> None:
    """Runs a worker, and another one should it end by itself, as long as `beside` is there.

    Should this process be killed, the worker that it keeps goes on and starts another, which keeps `keeps` at first.
    """
    logs.configure(log_format=settings.log_format, level=settings.log_level)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    while keeps is not None and _is_there(keeps) and not _is_over(stopping, beside):
        time.sleep(0.2)
    while not _is_over(stopping, beside):
        worker = _start("worker", beside, "--kept-by", os.getpid())
        while worker.poll() is None and not _is_over(stopping, beside):
            time.sleep(0.2)
        if worker.poll() is None:
            worker.terminate()
            worker.wait()
        else:
            log.error("worker_ended", code=worker.returncode)
            stopping.wait(REST_AFTER_END)


def _start(command: str, beside: int, role: str, process: int) -> subprocess.Popen[bytes]:
    arguments = [command, "--beside", str(beside), role, str(process)]
    return subprocess.Popen([sys.executable, "-m", "portal.cli", *arguments])


def _work(settings: Settings, stopping: threading.Event, beside: int | None, kept_by: int | None) -> None:
    with contextlib.closing(open_database(settings)) as database:
        queue = open_queue(settings, takes=True)
        health = HealthBook(database, utc_now)
        outside = ports(settings, database, queue, utc_now, observer=health)
        crew = Crew(queue, lambda task: do(ports=outside, task=task), concurrency=settings.outbound.concurrency)
        os.nice(BEHIND_THE_PAGES)
        crew.start()
        log.info("worker_started")
        while not _is_over(stopping, beside):
            stopping.wait(TICK)
            health.flush()
            if beside is not None and kept_by is not None and not _is_there(kept_by):
                log.error("keeper_ended")
                kept_by = _start("keep-worker", beside, "--keeps", os.getpid()).pid
        crew.stop()
        health.flush()
        log.info("worker_stopped")


@contextlib.contextmanager
def _alone(settings: Settings, stopping: threading.Event, beside: int | None) -> Iterator[bool]:
    """Waits until no other worker has this queue file; False when it is time to stop instead."""
    if settings.redis_url is not None:
        yield True
        return
    place = Path(f"{settings.queue_file}.lock")
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("w") as lock:
        has_said = False
        while not _is_over(stopping, beside):
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield True
                return
            if not has_said:
                log.info("worker_stands_by")
                has_said = True
            stopping.wait(TICK)
        yield False


def _is_over(stopping: threading.Event, beside: int | None) -> bool:
    return stopping.is_set() or (beside is not None and not _is_there(beside))


def _is_there(process: int) -> bool:
    """Whether a process is running. One that has ended may keep its number until somebody asks how."""
    if os.getppid() == process:
        return True
    try:
        os.kill(process, 0)
    except OSError:
        return False
    with contextlib.suppress(OSError):
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z"
    return True
