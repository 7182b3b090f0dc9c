"""The portal's database for a command of the operator's, with what may be wrong said in a sentence."""

import contextlib
import os
from collections.abc import Iterator

import click

from portal.app import open_database
from portal.settings import Settings, SettingsError, load
from portal.storage.database import Database, DatabaseFault


def settings_of_environment() -> Settings:
    """The settings; all that is wrong with them ends the command."""
    try:
        return load(os.environ)
    except SettingsError as error:
        raise click.ClickException(str(error)) from None


@contextlib.contextmanager
def opened_database() -> Iterator[Database]:
    """The database that the settings name, closed again afterwards."""
    with contextlib.closing(open_database(settings_of_environment())) as database:
        try:
            yield database
        except DatabaseFault as fault:
            raise click.ClickException(f"the database does not answer ({type(fault).__name__})") from None
