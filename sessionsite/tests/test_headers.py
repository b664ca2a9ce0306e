"""The headers on every kind of answer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import OperationalError

from conversations.tests.factories import make_session
from conversations.views import sessions

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def served_static_files(settings):
    """Let the server find static files where they are kept, as `collectstatic` would."""
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture
def client(client, django_user_model):
    client.force_login(django_user_model.objects.create_superuser("root"))
    client.raise_request_exception = False
    return client


def answers(client, monkeypatch):
    """Yield an answer of every kind there is."""
    session = make_session("Tea", "hello")
    message = session.messages.get()
    yield 200, client.get("/sessions/")
    yield 200, client.get("/sessions/", headers={"HX-Request": "true", "HX-Target": "x"})
    yield 200, client.get(session.get_absolute_url())
    yield 200, client.get(f"{session.get_absolute_url()}messages/{message.message_uuid}.txt")
    yield 200, client.get("/livez")
    yield 200, client.get("/readyz")
    yield 200, client.get("/admin/")
    yield 200, client.get("/admin/conversations/session/")
    yield 200, client.get(f"/admin/conversations/session/{session.id}/change/")
    file = client.get("/static/css/layout.css")
    file.getvalue()  # read to its end, it is closed
    yield 200, file
    yield 302, client.get("/")
    yield 301, client.get("/sessions")
    yield 302, client.get("/favicon.ico")
    yield 400, client.get("/sessions/", headers={"Host": "evil.org"})
    yield 404, client.get("/nothing/")
    yield 404, client.get("/static/nothing.css")
    yield 405, client.post("/sessions/")
    yield 410, client.get("/sign-in/x/y/")
    with monkeypatch.context() as patched:
        patched.setattr(sessions, "totals", locked)
        yield 503, client.get("/sessions/")
        patched.setattr(sessions, "totals", None)
        yield 500, client.get("/sessions/")
    client.handler.enforce_csrf_checks = True
    yield 403, client.post("/theme/")
    client.handler.enforce_csrf_checks = False
    yield 413, client.post("/preferences/", dict.fromkeys(map(str, range(2000)), "x"))
    client.logout()
    for status in (200, 200, 200, 200, 429):
        yield status, client.post("/sign-in/", {"username": "root", "password": "wrong"})
    yield 302, client.get("/sessions/")
    yield 204, client.get("/sessions/", headers={"HX-Request": "true"})
    yield 200, client.get("/sign-in/")
    yield 404, client.get("/nothing/")


def locked(*_, **__):
    raise OperationalError("database is locked")


def test_every_answer_has_the_strict_policy_and_its_companions(client, monkeypatch):
    for status, response in answers(client, monkeypatch):
        what = (response.request["PATH_INFO"], response.status_code)
        assert response.status_code == status, what
        policy = response["Content-Security-Policy"]
        assert "unsafe-" not in policy, what
        assert not re.search(r"https?:|\*|'nonce|'strict", policy), what
        for rule in (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "object-src 'none'",
        ):
            assert rule in policy, what
        assert response["X-Content-Type-Options"] == "nosniff", what
        assert response["Referrer-Policy"] == "same-origin", what
        assert response["Cross-Origin-Opener-Policy"] == "same-origin", what
        assert response["X-Frame-Options"] == "DENY", what
        assert "camera=()" in response["Permissions-Policy"], what
        assert re.fullmatch("[0-9a-f]{16}", response["X-Request-ID"]), what
        assert not {"Server", "X-Powered-By"} & set(response.headers), what


def test_what_is_private_is_kept_by_no_cache(client, monkeypatch):
    for _, response in answers(client, monkeypatch):
        is_file = response.status_code == 200 and "/static/" in response.request["PATH_INFO"]
        assert ("no-store" in response["Cache-Control"]) is not is_file


def test_an_answer_over_https_alone_has_the_headers_too(client, settings):
    settings.SECURE_SSL_REDIRECT = True
    response = client.get("/sessions/")
    assert response.status_code == 301
    assert response.url.startswith("https://")
    assert "default-src 'none'" in response["Content-Security-Policy"]


def test_no_answer_shows_a_traceback(client, monkeypatch):
    for _, response in answers(client, monkeypatch):
        if not response.streaming:
            assert b"Traceback" not in response.content


def test_the_dark_colours_for_the_system_are_bootstraps():
    vendor = ROOT / "static" / "vendor" / "bootstrap-5.3.9" / "bootstrap.min.css"
    rules = re.findall(
        r"(?<=[}/])\[data-bs-theme=dark\][^{},]*\{[^{}]*\}", vendor.read_text(encoding="utf-8")
    )
    ours = (ROOT / "static" / "css" / "bootstrap-system.css").read_text(encoding="utf-8")
    assert len(rules) == 7
    for rule in rules:
        assert rule.replace("=dark]", "=system]") in ours


def test_static_files_name_no_source_map():
    # Manifest storage takes the name for a file, and does not find it.
    for file in (ROOT / "static").rglob("*.[cj]s*"):
        assert "sourceMappingURL" not in file.read_text(encoding="utf-8"), file


def test_the_policy_is_said_in_the_settings_alone():
    for source in django_settings.CONTENT_SECURITY_POLICY["DIRECTIVES"].values():
        assert not any("unsafe" in value for value in source)
