"""How gunicorn's processes share the work: a thread for each whole request, and in a rush one process for the way out.

A request is given to a thread once all of it is there; until then it waits in the kernel, and not for long. Where too
many wait, the oldest of the address that has most of them is closed. So slow clients hold up nobody.

Thousands who click connect at once would otherwise stand in one line with everybody else, in every process. One of the
processes serves whoever is on the way out. Another that meets such a request hands its connection over, unread; and
while a crowd is on the way out, the one takes nothing else. Behind another server all works the same, in one line.
"""

import contextlib
import fcntl
import os
import re
import selectors
import socket
import struct
import tempfile
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import IO, Any

from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import TConn, ThreadWorker

from portal.whole_requests import REFUSALS, ROOM, Came, judge, look, refusal, wake_after

ON_THE_WAY_OUT = re.compile(rb"POST /(connect|devices)/|[A-Z]+ /link-sessions/")
"""How such a request begins: a click that leaves for a provider, and every look at how it stands."""

LONGEST_BEGINNING = 32

WHOLE_WITHIN = 15.0
"""Seconds from a connection, or from the first byte of its next request, until all of the request is there."""

ANSWER_TAKEN_WITHIN = 20
"""Seconds that an answer waits for a client that does not take it."""

PART_OF_CONNECTIONS = 4
"""One connection in so many may wait for its request to come whole; beyond that room is made."""

BEHIND_THE_PAGES = 10
"""The niceness of the threads that serve those on their way out: where processors are short, pages come first."""

RUSH_LASTS = 20.0
"""Seconds after the last crowd until pages are taken again: longer than who waits leaves between two looks."""

ROOM_FOR_A_CROWD = 1 << 20
"""Bytes of connections on their way from one process to the other, of which the kernel counts about a thousand each."""

MOST_TAKEN = 100
"""How many connections are taken over at a time, before those in this process have their turn."""


class Worker(ThreadWorker):
    """The threaded worker; one of its processes has the way out, for as long as it lives."""

    _way_out: IO[bytes]
    _handing: socket.socket
    _taking: socket.socket

    @classmethod
    def check_config(cls, cfg: Config, log: Logger) -> None:
        """Called once, before there are processes: what they will share."""
        super().check_config(cfg, log)
        cls._way_out = tempfile.TemporaryFile()  # noqa: SIM115 - it stays open
        cls._handing, cls._taking = socket.socketpair()
        cls._handing.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM_FOR_A_CROWD)
        cls._handing.setblocking(False)
        cls._taking.setblocking(False)

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._has_way_out = False
        self._on_the_way: set[TConn] = set()
        self._seen: dict[TConn, int] = {}
        self._rush_until = 0.0

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        if self.alive and self.cfg.workers > 1 and not self._has_way_out and _locked(self._way_out):
            self._has_way_out = True
            self.poller.register(self._taking, selectors.EVENT_READ, self._take_over)
        super().wait_for_and_dispatch_events(timeout)

    def init_process(self) -> None:
        self._stepping_back = ThreadPoolExecutor(self.cfg.threads, initializer=_step_back)
        super().init_process()

    def set_accept_enabled(self, enabled: bool) -> None:
        """Not in a rush; nor is a connection kept then, which would bring other pages into it."""
        now = time.monotonic()
        if len(self._on_the_way) > self.cfg.threads // 8:
            self._rush_until = now + RUSH_LASTS
        is_rush = now < self._rush_until
        self.max_keepalived = 0 if is_rush else self.cfg.worker_connections - self.cfg.threads
        super().set_accept_enabled(enabled and not is_rush)

    def enqueue_req(self, conn: TConn) -> None:
        """To the threads, or to the process that has the way out, as soon as it can be told which."""
        if conn.initialized and conn.parser.unreader.buf.getvalue():
            # Sent ahead of the answer to the last request: part of it is read already, and the rest may never come.
            self._drop(conn)
        elif not conn.data_ready and not self._is_whole(conn):
            self._await_rest(conn)
        elif self.cfg.workers == 1 or not is_on_the_way_out(conn.sock):
            super().enqueue_req(conn)
        elif self._has_way_out:
            self._on_the_way.add(conn)
            self.set_accept_enabled(self.alive)
            done = self._stepping_back.submit(self.handle, conn)
            done.add_done_callback(lambda future: self.method_queue.defer(self.finish_request, conn, future))
        elif self._hand_over(conn.sock):
            self.nr_conns -= 1
            conn.close()
        else:
            super().enqueue_req(conn)

    def finish_request(self, conn: TConn, fs: Future[Any]) -> None:
        self._on_the_way.discard(conn)
        conn.data_ready = False
        super().finish_request(conn, fs)

    def on_pending_socket_readable(self, conn: TConn, client: socket.socket) -> None:
        """More of a request has come."""
        seen = look(client)
        if seen is None:
            return
        came = judge(seen, client)
        if came is Came.WHOLE:
            self._forget_pending(conn)
            wake_after(client, 0)
            conn.data_ready = True
            self.enqueue_req(conn)
        elif came in REFUSALS:
            self._forget_pending(conn)
            with contextlib.suppress(OSError):
                client.send(refusal(came))
            self._drop(conn)
        elif len(seen) <= self._seen.get(conn, -1):
            # Readable, and nothing more: the client has ended its side in the middle of a request.
            self._forget_pending(conn)
            self._drop(conn)
        else:
            self._seen[conn] = len(seen)
            wake_after(client, len(seen))
            if came is Came.ASKS:
                with contextlib.suppress(OSError):
                    client.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def murder_pending(self) -> None:
        """Closes what did not come whole in time. In the order in which they began, so the first is the oldest."""
        super().murder_pending()
        if len(self._seen) > len(self.pending_conns):
            waiting = set(self.pending_conns)
            self._seen = {conn: count for conn, count in self._seen.items() if conn in waiting}

    def _is_whole(self, conn: TConn) -> bool:
        seen = look(conn.sock)
        return seen is not None and judge(seen, conn.sock) is Came.WHOLE

    def _await_rest(self, conn: TConn) -> None:
        conn.sock.setblocking(False)
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", ANSWER_TAKEN_WITHIN, 0))
        conn.timeout = time.monotonic() + WHOLE_WITHIN
        self._seen[conn] = -1
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))
        if len(self.pending_conns) > self.cfg.worker_connections // PART_OF_CONNECTIONS:
            self._make_room()

    def _make_room(self) -> None:
        """Closes the oldest waiting connection of the address that has most of them."""
        of_each = Counter(address_of(conn) for conn in self.pending_conns)
        greediest, _ = of_each.most_common(1)[0]
        oldest = next(conn for conn in self.pending_conns if address_of(conn) == greediest)
        self._forget_pending(oldest)
        self._drop(oldest)

    def _forget_pending(self, conn: TConn) -> None:
        self.poller.unregister(conn.sock)
        self.pending_conns.remove(conn)
        self._seen.pop(conn, None)

    def _drop(self, conn: TConn) -> None:
        self.nr_conns -= 1
        conn.close()

    def _hand_over(self, connection: socket.socket) -> bool:
        """False where the other process has too many to take already."""
        try:
            socket.send_fds(self._handing, [b"."], [connection.fileno()])
        except OSError:
            return False
        return True

    def _take_over(self, channel: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            for _ in range(MOST_TAKEN):
                _, descriptors, _, _ = socket.recv_fds(channel, 1, 1)
                for connection in (socket.socket(fileno=descriptor) for descriptor in descriptors):
                    self._welcome(connection)

    def _welcome(self, connection: socket.socket) -> None:
        """As if it had been accepted here."""
        try:
            conn = TConn(self.cfg, connection, connection.getpeername(), connection.getsockname())
        except OSError:
            # Whoever it was has gone meanwhile.
            connection.close()
            return
        conn.data_ready = True
        self.nr_conns += 1
        self.enqueue_req(conn)


def address_of(conn: TConn) -> str:
    """Where a connection comes from; a socket in the file system has no addresses."""
    return str(conn.client[0]) if isinstance(conn.client, tuple) and conn.client else ""


def is_on_the_way_out(connection: socket.socket) -> bool:
    """Whether the request that waits on a connection is of somebody who starts or has started. It stays unread."""
    try:
        beginning = connection.recv(LONGEST_BEGINNING, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError:
        return False
    return ON_THE_WAY_OUT.match(beginning) is not None


def _step_back() -> None:
    """Of this thread alone where the system has that, as Linux does."""
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    os.setpriority(os.PRIO_PROCESS, 0, max(usual, BEHIND_THE_PAGES))


def _locked(file: IO[bytes]) -> bool:
    """Whether this process has the file to itself, which ends with the process at the latest."""
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
