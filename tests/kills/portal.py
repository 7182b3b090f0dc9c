"""The portal as who visits it knows it: somebody answers, or nobody does, and a little later somebody again."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Any

from tests.journey.surroundings import Clock
from tests.kills.house import live

CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(["__main__", live.__module__])
PATIENT = 30.0


class Killed(Exception):
    """There was no answer."""


@dataclass
class Portal:
    """A process that answers, until it is killed; who asks next is answered by a new one.

    With the process its queue is lost, and all that it remembered of its providers.
    """

    environment: Mapping[str, str]
    clock: Clock
    deaths: int = 0
    _process: ForkServerProcess | None = None
    _pipe: Connection | None = None

    def asks(self, what: str, *given: Any) -> Any:
        """The answer. Raises Killed. What it sets going behind is over then, or lost with the process."""
        pipe = self._pipe or self._start()
        pipe.send((self.clock.now, what, given))
        answer = self._heard(pipe)
        try:
            wrong = self._heard(pipe)
        except Killed:
            return answer
        assert not wrong, wrong
        return answer

    def stop(self) -> None:
        if self._pipe is not None:
            self._pipe.send(None)
            self._end(0)

    def _start(self) -> Connection:
        self._pipe, theirs = CONTEXT.Pipe()
        self._process = CONTEXT.Process(target=live, args=(dict(self.environment), theirs), daemon=True)
        self._process.start()
        theirs.close()
        return self._pipe

    def _heard(self, pipe: Connection) -> Any:
        try:
            assert pipe.poll(PATIENT)
            return pipe.recv()
        except (EOFError, ConnectionResetError):
            self._end(-signal.SIGKILL)
            self.deaths += 1
            raise Killed from None

    def _end(self, code: int) -> None:
        assert self._process is not None
        assert self._pipe is not None
        self._process.join(PATIENT)
        self._pipe.close()
        self._pipe = None
        assert self._process.exitcode == code
