"""The portal as a WSGI server runs it: settings from the environment, nothing else."""

import os

from portal.app import create_app
from portal.settings import load

app = create_app(load(os.environ))
