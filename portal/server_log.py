"""gunicorn's own lines in the form of all others."""

import logging
import os

from gunicorn.config import Config
from gunicorn.glogging import Logger

from portal import logs
from portal.settings import load


class ServerLog(Logger):
    """Hands gunicorn's lines on to the portal's log, and keeps none of requests: those have lines of their own."""

    def setup(self, cfg: Config) -> None:
        """Called once in each process."""
        settings = load(os.environ)
        logs.configure(log_format=settings.log_format, level=settings.log_level)
        self.cfg = cfg
        for name in ("gunicorn.error", "gunicorn.access"):
            logger = logging.getLogger(name)
            logger.handlers[:] = []
            logger.propagate = name == "gunicorn.error"
        # What gunicorn says of its own start and end is of use to nobody who reads the portal's.
        logging.getLogger("gunicorn.error").setLevel(logging.WARNING)
