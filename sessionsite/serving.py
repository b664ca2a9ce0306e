"""Running the web server on a socket that is open already."""

from __future__ import annotations

import http.cookiejar
import os
import re
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

START_SECONDS = 30


def command(listener: socket.socket) -> list[str]:
    """Return the command line of a gunicorn that serves on `listener`."""
    os.set_inheritable(listener.fileno(), True)
    # One process: SQLite has one writer anyway, and threads share its page cache.
    return [
        *(sys.executable, "-m", "gunicorn", "sessionsite.wsgi", "--no-control-socket"),
        *("--bind", f"fd://{listener.fileno()}", "--worker-class", "gthread", "--threads", "8"),
        *("--log-level", "warning"),
    ]


def start_worker() -> subprocess.Popen[bytes]:
    """Start the process that does what pages do not wait for; it ends when this one has."""
    manage = settings.BASE_DIR / "manage.py"
    return subprocess.Popen([sys.executable, manage, "worker", "--parent", str(os.getpid())])


def serve(listener: socket.socket) -> None:
    """Become the web server, with a worker beside it."""
    sys.stdout.flush()
    worker = start_worker()
    if sys.platform == "win32":  # where there is no gunicorn; Django's own server is there
        host, port = listener.getsockname()[:2]
        listener.close()
        try:
            call_command("runserver", f"{host}:{port}", use_reloader=False, skip_checks=True)
        finally:
            worker.terminate()
        return
    os.execv(sys.executable, command(listener))


def as_the_proxy_sends(address: str) -> dict[str, str]:
    """Return the headers with which the settings take a request to this machine."""
    if not settings.HTTPS and settings.ALLOWED_HOSTS == settings.LOCAL_HOSTS:
        return {"Referer": address}
    host = settings.ALLOWED_HOSTS[0].replace("*", "localhost").lstrip(".")
    scheme = "https" if settings.HTTPS else "http"
    return {"Host": host, "X-Forwarded-Proto": scheme, "Referer": f"{scheme}://{host}/"}


def check(listener: socket.socket, address: str, link: str) -> Iterator[tuple[str, float]]:
    """Serve, fetch `/readyz` and three pages as a new user would, and stop.

    Yields each page with the seconds it took. Raises `CommandError` if one fails.
    """
    server = subprocess.Popen(command(listener), pass_fds=[listener.fileno()])
    try:
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),  # the server is on this machine
            urllib.request.HTTPCookieProcessor(
                # Behind a proxy cookies are for HTTPS alone; here is no proxy to ask.
                http.cookiejar.CookieJar(
                    http.cookiejar.DefaultCookiePolicy(secure_protocols=("http", "https"))
                )
            ),
        )
        headers = as_the_proxy_sends(address)

        def fetch(path: str, data: dict[str, str] | None = None) -> tuple[str, float]:
            started = time.monotonic()
            form = data and urllib.parse.urlencode(data).encode()
            request = urllib.request.Request(address + path, form, headers)
            try:
                with opener.open(request, timeout=START_SECONDS) as response:
                    return response.read().decode(), time.monotonic() - started
            except OSError as error:
                raise CommandError(f"{path} failed: {error}") from error

        _, seconds = fetch("/readyz")
        yield "/readyz", seconds
        page, seconds = fetch(link)
        yield "the sign-in link", seconds
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        if token is None:
            raise CommandError("The page of the sign-in link has no form.")
        page, seconds = fetch(link, {"csrfmiddlewaretoken": token[1]})
        if "<table" not in page and "No sessions" not in page:
            raise CommandError("The sign-in link did not lead to the list of sessions.")
        yield "the list of sessions", seconds
        _, seconds = fetch("/admin/")
        yield "the admin", seconds
    finally:
        server.terminate()
        server.wait(START_SECONDS)
