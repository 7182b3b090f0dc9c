"""The operator's command: `portal demo`, `app-simulator`, `sandbox`, `serve`, `worker`, `events`, `audit` and more."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import click

from portal.app import ROOT, open_database
from portal.cli_audit import audit
from portal.cli_check import check
from portal.cli_customers import customers
from portal.cli_database import settings_of_environment
from portal.cli_deletions import deletions
from portal.cli_events import events
from portal.cli_vendor_requests import vendor_requests
from portal.sandbox import app_backend
from portal.sandbox.app_simulator import app_simulator, command_for
from portal.sandbox.configuration import SandboxConfig, portal_environment
from portal.sandbox.program import serve as serve_sandbox
from portal.settings import Settings
from portal.translations import catalogue_faults
from portal.worker import keep
from portal.worker import run as run_worker

START_PATIENCE = 60.0
STOP_PATIENCE = 10.0
PRIVATE = 0o077
"""Database, queue and whatever else is written belong to the portal's own user alone."""

SAMPLE_LOGIN = ("anna", "demo")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """The device portal: customers link their devices and keep them linked."""


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--workers", default=2, show_default=True, help="Processes; each has its own threads.")
@click.option("--threads", default=16, show_default=True, help="Requests a process answers at the same time.")
@click.option(
    "--worker/--no-worker",
    "hosts_worker",
    default=None,
    help="Whether to run a worker beside it. Default: yes, unless PORTAL_REDIS_URL is set.",
)
def serve(host: str, port: int, workers: int, threads: int, hosts_worker: bool | None) -> None:
    """Serve the portal with gunicorn, settings from the environment."""
    os.umask(PRIVATE)
    settings = settings_of_environment()
    if faults := catalogue_faults(settings.languages):
        raise click.ClickException("\n".join(faults))
    _upgrade_sqlite(settings)
    if hosts_worker or (hosts_worker is None and settings.redis_url is None):
        subprocess.Popen([sys.executable, "-m", "portal.cli", "keep-worker", "--beside", str(os.getpid())])
    command = [sys.executable, "-m", "gunicorn", "wsgi:app", "--pythonpath", str(ROOT), "--bind", f"{host}:{port}"]
    command += ["--worker-class", "portal.serving.Worker", "--workers", str(workers), "--threads", str(threads)]
    # The control socket lies in the home folder and is shared by every gunicorn of this user: not wanted. The longest
    # return that is read is longer than what gunicorn takes for a line by itself.
    command += ["--no-control-socket", "--limit-request-line", "8190", "--graceful-timeout", "10", "--timeout", "60"]
    # How a request came is read from X-Forwarded headers, as PORTAL_PROXY_HOPS says, and from nowhere else.
    command += ["--forwarder-headers", "", "--forwarded-allow-ips", "", "--logger-class", "portal.server_log.ServerLog"]
    # Longer than balancers keep an idle connection, and room for the cookies of a whole domain.
    command += ["--keep-alive", "75", "--limit-request-field_size", "32760"]
    os.execv(sys.executable, command)  # noqa: S606 - gunicorn takes this process's place, and its signals


@main.command()
@click.option("--beside", type=int, hidden=True, help="End when this process ends.")
@click.option("--kept-by", type=int, hidden=True, help="Start another keeper when this process ends.")
def worker(beside: int | None, kept_by: int | None) -> None:
    """Do the work behind the pages: call the providers, take their events, find what should have moved."""
    os.umask(PRIVATE)
    settings = settings_of_environment()
    _upgrade_sqlite(settings)
    run_worker(settings, beside=beside, kept_by=kept_by)


@main.command(hidden=True)
@click.option("--beside", type=int, required=True)
@click.option("--keeps", type=int, help="A worker that runs already.")
def keep_worker(beside: int, keeps: int | None) -> None:
    """Run a worker as long as the given parent lives."""
    keep(settings_of_environment(), beside=beside, keeps=keeps)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8001, show_default=True)
@click.option(
    "--portal-url",
    default="http://localhost:8000",
    show_default=True,
    help="Where customers are sent back to.",
)
@click.option("--staff-url", default="", help="Where staff are, if support has a host of its own.")
@click.option("--smtp-port", type=int, help="Take e-mails there too, and show them at /mailbox.")
def sandbox(host: str, port: int, portal_url: str, staff_url: str, smtp_port: int | None) -> None:
    """Run the three providers and an OpenID issuer, for demo and tests. Its state is in memory."""
    url = f"http://{host}:{port}"
    serve_sandbox(SandboxConfig(url=url, portal_url=portal_url, staff_url=staff_url, smtp_port=smtp_port))


@main.command()
@click.option("--port", default=8000, show_default=True)
@click.option("--sandbox-port", default=8001, show_default=True)
def demo(port: int, sandbox_port: int) -> None:
    """Run the portal and the sandbox together, with sample customers. Ctrl-C stops both."""
    for taken in (number for number in (port, sandbox_port) if _is_taken(number)):
        raise click.ClickException(f"port {taken} is in use; stop what runs there or choose another with --help")
    portal_url = f"http://localhost:{port}"
    mails = _free_port()
    config = SandboxConfig(url=f"http://127.0.0.1:{sandbox_port}", portal_url=portal_url, smtp_port=mails)
    app_link = f"{config.url}/app/open"
    with tempfile.TemporaryDirectory(prefix="portal-demo-") as folder:
        app_key, app_keys = app_backend.make_key(Path(folder))
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")},
            **portal_environment(config),
            **app_backend.portal_environment(app_keys, config.issuer, app_link),
            "PORTAL_PUBLIC_URL": portal_url,
            "PORTAL_DATABASE_URL": f"sqlite:///{folder}/portal.sqlite",
            "PORTAL_MARKET": "SE",
            "PORTAL_DEFAULT_LANGUAGE": "en",
            "PORTAL_RETAILER__NAME": "Nordvind Energi",
            "PORTAL_RETAILER__SUPPORT_PHONE": "+46 771 00 00 00",
            "PORTAL_RETAILER__SUPPORT_EMAIL": "help@nordvind.example",
            "PORTAL_LOG_LEVEL": os.environ.get("PORTAL_LOG_LEVEL", "warning"),
        }
        with _stopped_by_signal(), contextlib.suppress(KeyboardInterrupt), contextlib.ExitStack() as running:
            click.echo("Starting the sandbox ...")
            arguments = ["sandbox", "--port", str(sandbox_port), "--portal-url", portal_url]
            arguments += ["--smtp-port", str(mails)]
            running.enter_context(_program(arguments, environment, sandbox_port, "/"))
            click.echo("Starting the portal ...")
            arguments = ["serve", "--host", "127.0.0.1", "--port", str(port)]
            portal = running.enter_context(_program(arguments, environment, port, "/health/ready"))
            _say_hello(portal_url, config.url, command_for(app_key, portal_url=portal_url, app_link=app_link))
            portal.wait()
            raise click.ClickException("the portal ended by itself; its own words are above")
    click.echo("\nStopped.")


@main.group()
def db() -> None:
    """The database."""


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to this version."""
    with contextlib.closing(open_database(settings_of_environment())) as database:
        database.upgrade()
    click.echo("The database is at this version.")


main.add_command(events)
main.add_command(deletions)
main.add_command(app_simulator)
main.add_command(audit)
main.add_command(check)
main.add_command(customers)
main.add_command(vendor_requests)


def _upgrade_sqlite(settings: Settings) -> None:
    """A file of our own is brought up to date at start; a shared server is the operator's to upgrade."""
    if settings.database_url.startswith("sqlite"):
        with contextlib.closing(open_database(settings)) as database:
            database.upgrade()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def _stopped_by_signal() -> Iterator[None]:
    """SIGTERM and a closed terminal end the demo the way Ctrl-C does, which a shell's `&` would have us ignore."""

    def interrupt(_signum: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _program(
    arguments: list[str], environment: Mapping[str, str], port: int, path: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A program of ours in its own process group, ready when it answers, and gone afterwards with all its children."""
    command = [sys.executable, "-m", "portal.cli", *arguments]
    program = subprocess.Popen(command, env=dict(environment), cwd=Path.cwd(), start_new_session=True)
    try:
        _wait_until_ready(program, port, path)
        yield program
    finally:
        _stop(program)


def _wait_until_ready(program: subprocess.Popen[bytes], port: int, path: str) -> None:
    deadline = time.monotonic() + START_PATIENCE
    while time.monotonic() < deadline:
        if program.poll() is not None:
            raise click.ClickException("it did not start; its own words are above")
        with (
            contextlib.suppress(OSError, HTTPException),
            contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=2)) as connection,
        ):
            connection.request("GET", path, headers={"Host": f"localhost:{port}"})
            if connection.getresponse().status < 500:
                return
        time.sleep(0.1)
    raise click.ClickException(f"nothing answered on port {port} within {START_PATIENCE:.0f} seconds")


def _stop(program: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGTERM)
    try:
        program.wait(timeout=STOP_PATIENCE)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        program.wait()


def _say_hello(portal_url: str, sandbox_url: str, simulator: str) -> None:
    user, password = SAMPLE_LOGIN
    click.echo(
        f"\n  The portal    {portal_url}    sign in as {user} / {password}\n"
        f"  Support       {portal_url}/support    sign in as sam / {password}\n"
        f"  The sandbox   {sandbox_url}    break, repair and watch devices\n"
        f"  The mailbox   {sandbox_url}/mailbox    what customers are sent by e-mail\n\n"
        "  A heat pump by NIBE signs in with demomyuplink@nibe.se / Demo1234.\n\n"
        "  The same in the retailer's app, from another terminal; with --walk heat-pump/nibe by itself:\n"
        f"  {simulator}\n\n"
        "  Ctrl-C stops everything.\n"
    )


if __name__ == "__main__":
    main()
