"""`manage.py quickstart`: everything between a fresh checkout and a page in the browser.

Each step finds out whether it is done already, so a second start changes nothing.
"""

from __future__ import annotations

import hashlib
import ipaddress
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from conversations import commands
from maintenance import backups
from sessionsite import checks, serving
from sessionsite.signin import first_administrator, sign_in_path

PORTS_TRIED = 100


class Command(commands.Command):
    help = "Set up what is missing and serve the pages on this machine."

    def add_arguments(self, parser):
        parser.add_argument("--host", default="127.0.0.1", help="address to serve on")
        parser.add_argument("--port", type=int, default=8000, help="or the next free one")
        parser.add_argument(
            "--check", action="store_true", help="serve, fetch a few pages, and exit"
        )

    def handle(self, *, host, port, check, **_):
        self.refuse_unsafe(host)
        with self.step("Data folder", str(settings.DATA_DIR)):
            settings.DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.step("Database", settings.DATABASES["default"]["NAME"]):
            self.migrate()
        with self.step("Static files"):
            self.collect_static()
        with self.step("First user"):
            user = self.first_user()
        if warning := checks.wal_reset_warning(sqlite3.sqlite_version_info):
            self.print(f"  ! {warning}\n    {checks.WAY_OUT}")
        if not self.is_loopback(host) and not user.has_usable_password():
            raise CommandError(
                f"{user} has no password, so nobody could sign in from another machine."
                f" Give one first: python manage.py changepassword {user}"
            )
        listener = listen(host, port)
        address = f"http://{shown_host(host)}:{listener.getsockname()[1]}"
        connections.close_all()
        if check:
            for page, seconds in serving.check(listener, address, sign_in_path(user)):
                self.print(f"  ✓ {page} ({seconds * 1000:.0f} ms)")
            self.print("All is well.")
            return
        if settings.SINGLE_USER:
            self.print(f"\n  Open   {address}/")
            self.print(f"         (everyone on this machine is {user}, without a password)")
        else:
            self.print(f"\n  Open   {address}{sign_in_path(user)}")
            self.print("         (signs you in once, within 15 minutes, on this machine)")
        self.print("  Your own data:   python manage.py import FILE-OR-FOLDER")
        self.print("  Stop with Ctrl-C.\n")
        serving.serve(listener)

    # -- steps ------------------------------------------------------------------------------

    @contextmanager
    def step(self, name: str, detail: str = "") -> Iterator[None]:
        started = time.monotonic()
        yield
        self.print(f"  ✓ {name:<14} {time.monotonic() - started:5.1f} s  {detail}".rstrip())

    def refuse_unsafe(self, host: str) -> None:
        if self.is_loopback(host):
            return
        if settings.SINGLE_USER:
            raise CommandError(
                "With SINGLE_USER=1 nobody is asked for a password, so this serves only this"
                f" machine, and not {host}. Unset SINGLE_USER, or leave out --host."
            )
        if settings.DEBUG:
            raise CommandError("With DEBUG on, this serves only 127.0.0.1. Unset DEBUG.")
        if settings.ALLOWED_HOSTS == settings.LOCAL_HOSTS:
            raise CommandError(
                f"To serve on {host}, set ALLOWED_HOSTS to the names people will type."
            )

    def is_loopback(self, host: str) -> bool:
        try:
            return host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError as error:
            raise CommandError(f"--host: {host!r} is not an address.", returncode=2) from error

    def migrate(self) -> None:
        connection = connections["default"]
        file = Path(connection.settings_dict["NAME"])
        file.touch(mode=0o600)  # if it is new, nobody else may read it
        there = file.stat().st_size > 0
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if plan and there and executor.loader.applied_migrations:
            copy = backups.backup(
                settings.DATA_DIR
                / "backups"
                / f"before-migration-{time.strftime('%Y%m%d-%H%M%S')}.db"
            )
            self.print(f"    A copy from before the migration is in {copy.path}")
        call_command("migrate", verbosity=0, interactive=False, skip_checks=True)

    def collect_static(self) -> None:
        state = hashlib.sha256()
        for finder in get_finders():
            for name, storage in finder.list([]):
                facts = Path(storage.path(name)).stat()
                state.update(f"{name} {facts.st_size} {facts.st_mtime_ns}\n".encode())
        stamp = settings.STATIC_ROOT / ".collected"
        if stamp.exists() and stamp.read_text() == state.hexdigest():
            return
        call_command("collectstatic", verbosity=0, interactive=False, clear=True)
        stamp.write_text(state.hexdigest())

    def first_user(self):
        """Return the administrator; without any user yet, make one."""
        users = get_user_model().objects
        if not users.exists():
            # No default password: without one, the way in is the link that is printed.
            return users.create_superuser(
                settings.ADMIN_USER, password=settings.ADMIN_PASSWORD or None
            )
        admin = first_administrator()
        if admin is None:
            raise CommandError("There are users, but no administrator: manage.py createsuperuser")
        return admin


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on `port`, or on the next free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in range(port, min(port + PORTS_TRIED, 65536)):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, candidate))
            listener.listen(128)
            return listener
        except PermissionError as error:
            listener.close()
            raise CommandError(f"Port {candidate} may not be used: {error.strerror}.") from error
        except OSError as error:
            listener.close()
            last = error
        except OverflowError:
            listener.close()
    raise CommandError(f"No port from {port} on can be used on {host}: {last.strerror}.")


def shown_host(host: str) -> str:
    """Return how a browser on this machine writes the address."""
    if host in {"0.0.0.0", "::"}:
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
