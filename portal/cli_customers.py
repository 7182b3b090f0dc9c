"""What an operator does about customers: `portal customers move-issuer` and `portal customers rebind`."""

import sys
from datetime import UTC, datetime

import click

from portal.cli_database import opened_database
from portal.domain.reference import as_typed
from portal.storage import audit, issuer_moves, provider_accounts, references


@click.group()
def customers() -> None:
    """The retailer's customers."""


@customers.command("rebind")
@click.argument("reference")
def rebind(reference: str) -> None:
    """Take the provider's new user for a customer, by the REFERENCE number on the page of the attempt.

    For when a provider has deleted its user of a customer and made another: the log says `provider_user_changed`. Make
    sure first that it is the customer who asks. What they link next is bound to the user that they then come back with.
    """
    number = as_typed(reference)
    with opened_database() as database, database.write() as tx:
        account = references.account_of_attempt(tx, number) if number else None
        if account is None:
            raise click.ClickException("no attempt has this reference number")
        customer_id, provider_key = account
        provider_accounts.unbind(tx, customer_id, provider_key)
        audit.record(
            tx,
            at=datetime.now(UTC),
            actor="operator",
            customer_id=customer_id,
            action="provider_account.unbound",
            object_type="provider_account",
            object_id=None,
            details={"provider": provider_key},
        )
    click.echo("Done. The customer can start again now.")


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
