"""The portal as a WSGI server runs it: settings from the environment, nothing else."""

import gc
import os

from portal.app import create_app
from portal.settings import load

app = create_app(load(os.environ))
gc.freeze()  # what is there now stays for good: no need to look through it again and again for something to clear away
