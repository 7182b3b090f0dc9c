"""Whether a request has come whole, told from what the kernel holds of it, unread.

A thread is only given to a request that is there: whoever sends slowly, or never ends, waits in the kernel's buffer.
"""

import re
import socket
from enum import Enum

END_OF_HEAD = b"\r\n\r\n"
END_OF_CHUNKS = b"0\r\n\r\n"

LARGEST_HEAD = 64 * 1024
LARGEST_BODY = 128 * 1024
"""Bytes. What is longer is handed on as it is, to be refused: nothing of ours takes it."""

ROOM = LARGEST_HEAD + LARGEST_BODY
"""Bytes that the kernel is asked to hold of a connection."""

LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,10})[ \t]*\r\n", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r]*chunked", re.IGNORECASE)
EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)


class Came(Enum):
    """What has come of a request. ASKS: its client sends the body once it is told to go on."""

    PART = "part"
    ASKS = "asks"
    WHOLE = "whole"


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
        return Came.WHOLE if len(seen) >= LARGEST_HEAD else Came.PART
    head += b"\r\n"
    length = LENGTH.search(head)
    if CHUNKED.search(head):
        is_whole = body.endswith(END_OF_CHUNKS) or len(body) >= LARGEST_BODY
    else:
        wanted = int(length.group(1)) if length else 0
        is_whole = len(body) >= wanted or wanted > LARGEST_BODY
    if is_whole:
        return Came.WHOLE
    return Came.ASKS if not body and EXPECTS.search(head) else Came.PART


def wake_after(connection: socket.socket, count: int) -> None:
    """Has the connection count as readable once there are more bytes than this; 0 undoes it."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count + 1)
