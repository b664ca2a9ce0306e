"""What is said when a request is refused or fails: a page of ours, or one sentence to htmx."""

from __future__ import annotations

import io
import logging
import re

import pytest
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import RequestFactory

from conversations.views import sessions
from sessionsite import views

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


class FileTooLarge(RequestDataTooBig):
    """As a view of another app may raise."""


@pytest.fixture
def client(client, alice):
    client.force_login(alice)
    client.raise_request_exception = False
    return client


@pytest.fixture
def failing(monkeypatch):
    """Make the list of sessions fail."""

    def fail(error: Exception) -> None:
        def raise_it(*_, **__):
            raise error

        monkeypatch.setattr(sessions, "totals", raise_it)

    return fail


def errors(client, failing, headers):
    """Yield an answer of every kind of error, with its status and title."""
    yield 400, "Bad request", client.get("/sessions/", headers={**headers, "Host": "evil.org"})
    failing(SuspiciousOperation("a secret"))
    yield 400, "Bad request", client.get("/sessions/", headers=headers)
    yield 403, "Not allowed", client.get("/admin/", follow=True, headers=headers)
    client.handler.enforce_csrf_checks = True
    yield 403, "The form was too old", client.post("/theme/", headers=headers)
    client.handler.enforce_csrf_checks = False
    yield 404, "Not found", client.get("/nothing/", headers=headers)
    yield 404, "Not found", client.get("/sessions/nothing/", headers=headers)
    many = dict.fromkeys(map(str, range(2000)), "x")
    yield 413, "Too large", client.post("/theme/", many, headers=headers)
    failing(FileTooLarge("A file may have 2 GB at most."))
    yield 413, "Too large", client.get("/sessions/", headers=headers)
    failing(ZeroDivisionError("a secret"))
    yield 500, "Something went wrong", client.get("/sessions/", headers=headers)
    failing(OperationalError("database is locked"))
    yield 503, "Not available now", client.get("/sessions/", headers=headers)


def test_every_error_has_a_page_of_ours_with_a_way_on(client, failing):
    for status, title, response in errors(client, failing, {}):
        html = response.content.decode()
        assert response.status_code == status, title
        assert f"<h1>{title}</h1>" in html
        assert '<a href="/">' in html.partition("<h1>")[2]
        assert 'class="site-header"' in html
        assert "a secret" not in html
        assert ("Request <code>" in html) is (status >= 500)
        if status >= 500:
            assert f"Request <code>{response['X-Request-ID']}</code>" in html


def test_htmx_gets_one_sentence_and_the_id_of_the_request(client, failing):
    for status, title, response in errors(client, failing, HTMX):
        assert response.status_code == status, title
        assert response["Content-Type"] == "text/plain; charset=utf-8"
        said = response.content.decode()
        assert re.search(rf"\w[.] \(Request {response['X-Request-ID']}\)$", said), said
        assert "<" not in said
        assert "a secret" not in said


def test_a_page_that_is_not_there_says_so_to_a_stranger_too(client):
    client.logout()
    assert client.get("/nothing/").status_code == 404


# -- too large --------------------------------------------------------------------------------


def test_a_form_that_is_too_large_is_told_how_large_it_may_be(client):
    response = client.post("/theme/", {"theme": "x" * 10_600_000})
    assert response.status_code == 413
    assert "A form may hold 10.0\xa0MB at most." in response.content.decode()
    assert client.post("/theme/", {"theme": "x" * 10_000_000}).status_code == 302


def test_too_many_fields_and_too_many_files_are_told_how_many_there_may_be(client):
    many = dict.fromkeys(map(str, range(1500)), "x")
    assert "1000 fields at most" in client.post("/theme/", many).content.decode()
    urlencoded = "&".join(f"{name}=x" for name in many)
    response = client.post(
        "/theme/", urlencoded, content_type="application/x-www-form-urlencoded", headers=HTMX
    )
    assert response.status_code == 413
    files = {str(number): SimpleUploadedFile("f", b"x") for number in range(101)}
    assert "100 files at most" in client.post("/theme/", files).content.decode()


def test_too_many_words_in_an_address_are_no_defect(client):
    query = "&".join(f"f{number}=x" for number in range(1500))
    assert client.get(f"/sessions/?{query}").status_code == 400


def test_an_app_below_says_its_own_sentence(client, failing):
    failing(FileTooLarge("A file may have 2 GB at most."))
    assert "A file may have 2 GB at most." in client.get("/sessions/").content.decode()


def test_a_view_may_answer_that_something_is_too_large(alice):
    request = RequestFactory().post("/import/")
    request.user = alice
    response = views.too_large(request, "<b>At most 2 GB.</b>")
    assert response.status_code == 413
    assert "&lt;b&gt;At most 2 GB." in response.content.decode()


# -- ids of requests --------------------------------------------------------------------------


@pytest.fixture
def log(monkeypatch):
    """What our handler writes, to a stream that can be read."""
    [handler] = [
        handler
        for handler in logging.getLogger().handlers
        if type(handler) is logging.StreamHandler and handler.filters
    ]
    stream = io.StringIO()
    before = handler.setStream(stream)
    yield stream
    handler.setStream(before)


def test_each_request_has_an_id_of_our_making(client):
    headers = {"X-Request-ID": "forged\r\n"}
    ids = {client.get("/livez", headers=headers)["X-Request-ID"] for _ in range(20)}
    assert len(ids) == 20
    assert all(re.fullmatch("[0-9a-f]{16}", id) for id in ids)


def test_the_lines_of_a_request_bear_its_id(client, failing, log):
    failing(ZeroDivisionError("a defect"))
    response = client.get("/sessions/")
    lines = [line for line in log.getvalue().splitlines() if " ERROR " in line]
    assert len(lines) == 1
    assert f" ERROR {response['X-Request-ID']} django.request " in lines[0]
    assert "ZeroDivisionError: a defect" in log.getvalue()


def test_a_line_that_django_writes_after_all_middleware_bears_it_too(client, log):
    response = client.get("/nothing/")
    assert f" WARNING {response['X-Request-ID']} django.request Not Found: " in log.getvalue()
    response = client.get("/preferences/")
    assert f" WARNING {response['X-Request-ID']} django.request " in log.getvalue()


def test_a_line_of_no_request_bears_none(client, log):
    client.get("/livez")
    logging.getLogger("conversations").warning("outside")
    assert log.getvalue().endswith(" WARNING - conversations outside\n")
