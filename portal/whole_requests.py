"""Whether a request has come whole, told from what the kernel holds of it, unread.

A request gets a thread once it has arrived in full. Until then it stays in the kernel's buffer.
What is judged here is the frame alone (RFC 9112): the server reads and checks the request itself.
"""

import re
import socket
from enum import Enum

END_OF_HEAD = b"\r\n\r\n"

LARGEST_HEAD = 64 * 1024
LARGEST_BODY = 128 * 1024
"""Bytes. What is longer is refused unread: nothing of ours takes it."""

ROOM = LARGEST_HEAD + LARGEST_BODY
"""Bytes that the kernel is asked to hold of a connection."""

LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,19})[ \t]*\r\n", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r]*chunked", re.IGNORECASE)
EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)
CHUNK_SIZE = re.compile(rb"([0-9a-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n", re.IGNORECASE)
LONGEST_SIZE_LINE = 300


class Came(Enum):
    """What has come of a request. ASKS: its client sends the body once it is told to go on."""

    PART = "part"
    ASKS = "asks"
    WHOLE = "whole"
    TOO_LONG_A_HEAD = "too long a head"
    TOO_LARGE = "too large"


REFUSALS = {Came.TOO_LONG_A_HEAD: b"431 Request Header Fields Too Large", Came.TOO_LARGE: b"413 Content Too Large"}


def look(connection: socket.socket) -> bytes | None:
    """What has come and was not read yet; empty where the client has gone, None where nothing has come."""
    try:
        return connection.recv(ROOM, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def judge(seen: bytes, connection: socket.socket) -> Came:
    """What these first bytes of a connection, or of its next request, amount to.

    A socket in the file system has a server of the operator's at its other end, which sends what it has whole.
    """
    if seen and connection.family == socket.AF_UNIX:
        return Came.WHOLE
    head, end, body = seen.partition(END_OF_HEAD)
    if not end:
        return Came.TOO_LONG_A_HEAD if len(seen) >= LARGEST_HEAD else Came.PART
    head += b"\r\n"
    length = LENGTH.search(head)
    if CHUNKED.search(head):
        came = _judge_chunks(body)
    else:
        wanted = int(length.group(1)) if length else 0
        came = Came.TOO_LARGE if wanted > LARGEST_BODY else Came.WHOLE if len(body) >= wanted else Came.PART
    return Came.ASKS if came is Came.PART and not body and EXPECTS.search(head) else came


def refusal(came: Came) -> bytes:
    """The whole answer to what is too large."""
    return b"HTTP/1.1 " + REFUSALS[came] + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def wake_after(connection: socket.socket, count: int) -> None:
    """Has the connection count as readable once there are more bytes than this; 0 undoes it."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count + 1)


def _judge_chunks(body: bytes) -> Came:
    """The same of a body in chunks, which has ended after one of no length and the lines that may follow it."""
    place = 0
    while place < len(body):
        size_line = CHUNK_SIZE.match(body, place)
        if size_line is None:
            # The beginning of such a line, or nonsense, which the server refuses without reading on.
            return Came.PART if len(body) - place < LONGEST_SIZE_LINE and b"\r\n" not in body[place:] else Came.WHOLE
        size = int(size_line.group(1), 16)
        if size == 0:
            rest = body[size_line.end() - 2 :]
            return Came.WHOLE if END_OF_HEAD in rest else Came.PART
        place = size_line.end() + size + 2
        if place > LARGEST_BODY:
            return Came.TOO_LARGE
    return Came.PART
