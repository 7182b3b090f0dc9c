"""The portal's database for a command of the operator's, with what may be wrong said in a sentence."""

import contextlib
import os
from collections.abc import Iterator

import click

from portal.app import open_database
from portal.settings import SettingsError, load
from portal.storage.database import Database, DatabaseFault


@contextlib.contextmanager
def opened_database() -> Iterator[Database]:
    """The database that the settings name, closed again afterwards."""
    try:
        settings = load(os.environ)
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    with contextlib.closing(open_database(settings)) as database:
        try:
            yield database
        except DatabaseFault as fault:
            raise click.ClickException(f"the database does not answer ({type(fault).__name__})") from None
