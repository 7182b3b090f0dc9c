"""A tiny application: every answer is its process; one on the way out comes only once a file is there."""

import os
import time
from collections.abc import Iterable
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    if environ["PATH_INFO"].startswith("/connect"):
        while not Path(os.environ["GATE"]).exists():
            time.sleep(0.01)
    length = int(environ.get("CONTENT_LENGTH") or 0)
    answer = f"{os.getpid()} {len(environ['wsgi.input'].read(length))}".encode()
    start_response("200 OK", [("Content-Length", str(len(answer)))])
    return [answer]
