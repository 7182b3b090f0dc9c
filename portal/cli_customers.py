"""What an operator does about customers: `portal customers move-issuer`."""

import sys
from datetime import UTC, datetime

import click

from portal.cli_database import opened_database
from portal.storage import issuer_moves


@click.group()
def customers() -> None:
    """The retailer's customers."""


@customers.command("move-issuer")
@click.argument("old")
@click.argument("new")
@click.option("--dry-run", is_flag=True, help="Only say how many there are.")
def move_issuer(old: str, new: str, dry_run: bool) -> None:
    """Give the customers of the issuer OLD to the issuer NEW, which knows them by the same subjects.

    Write both letter for letter as the issuer names itself. Run it when PORTAL_OIDC__ISSUER changes, before the portal
    starts with the new one. Customers who have signed in since and linked nothing get their devices back; customers who
    have linked something under both names are left alone and listed. It can be run again at any time.
    """
    if old == new:
        raise click.ClickException("both issuers are the same")
    with opened_database() as database:
        with database.read() as tx:
            subjects = issuer_moves.subjects_of(tx, old)
        if dry_run:
            click.echo(f"{len(subjects)} customers would move.")
            return
        held = []
        for subject in subjects:
            with database.write() as tx:
                moved = issuer_moves.move(tx, subject, old=old, new=new, now=datetime.now(UTC))
            if moved.is_held:
                held.append(moved.customer_id)
    click.echo(f"{len(subjects) - len(held)} customers moved.")
    for customer_id in held:
        click.echo(f"left alone, devices are linked under both issuers: customer {customer_id}", err=True)
    if held:
        sys.exit(1)
