"""One line per happening, for machines or for people, with every secret cut out of it."""

import logging
import re
import sys
from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any

import structlog

SECRET_FIELDS = re.compile(r"token|secret|password|authorization|cookie|api_?key|code|state|connect_url|data", re.I)
SECRET_TEXTS = re.compile(
    r"(?P<query>[?&][\w.-]+=)[^&\s\"'<>]+"
    r"|(?P<arrival>/return/[a-z]+/)[^/\s\"']+"
    r"|(?P<ticket>/out/)[\w=-]{40,}"
    r"|(?P<scheme>\b(?:Bearer|Basic)\s+)[\w.~+/=-]+"
    r"|(?P<webhook>\bwhsec_)[\w+/=-]+"
    r"|(?P<jwt>\beyJ)[\w-]+\.[\w-]+(?:\.[\w-]*)?",
)
CUT = "[cut]"


def configure(*, log_format: str, level: str) -> None:
    """Sends structlog and the standard library's log to standard error, in one format."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    renderer: Any = structlog.processors.JSONRenderer(sort_keys=True)
    if log_format == "text":
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
        )
    )
    # No line says where in the code it was written: looking that up costs more than the rest of it.
    logging._srcfile = None  # noqa: SLF001 - as Python's documentation says
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # These write whole URLs and bodies below warning.
    for chatty in ("urllib3", "requests", "authlib", "werkzeug", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        cache_logger_on_first_use=False,
    )


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Cuts what is secret by the name of its field, and what looks like a secret anywhere else."""
    for name, value in event.items():
        if _is_secret(name):
            event[name] = CUT
        elif isinstance(value, str):
            event[name] = without_secrets(value)
    return event


@lru_cache
def _is_secret(name: str) -> bool:
    return name not in {"status", "event", "level", "timestamp"} and SECRET_FIELDS.search(name) is not None


def without_secrets(text: str) -> str:
    """A text without query values, arrival secrets, credentials and tokens."""
    return SECRET_TEXTS.sub(lambda match: (match[match.lastgroup] if match.lastgroup else "") + CUT, text)
