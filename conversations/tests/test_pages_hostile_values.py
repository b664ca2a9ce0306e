"""No address, no form and no row that the database takes makes a page fail."""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import quote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from conversations.models import (
    Annotation,
    Change,
    LanguageModel,
    Message,
    Project,
    SavedView,
    Session,
    SessionSnapshot,
)
from conversations.tests.factories import (
    add_message,
    make_model,
    make_project,
    make_session,
    work,
)
from conversations.tests.pages import LIST, share

pytestmark = pytest.mark.django_db

HOSTILE = {
    "empty": "",
    "minus one": "-1",
    "zero": "0",
    "one and a half": "1.5",
    "400 digits": "1" + "0" * 400,
    "5000 nines": "9" * 5000,
    "NaN": "NaN",
    "inf": "inf",
    "1e400": "1e400",
    "NUL": "a\x00b",
    "lone surrogate": "\ud800",
    "Arabic-Indic digit": "٣",
    "20 kB": "x" * 20_000,
    "percent": "%",
    "underscore": "_",
    "quotes": "'\"`",
    "script": "<script>alert(1)</script>",
    "CRLF": "a\r\nX-Evil: 1",
    "dots": "../..",
    "emoji": "👩‍👩‍👧‍👦",
    "year 1": "0001-01-01",
    "year 9999": "9999-12-31",
    "no such day": "2026-02-30",
    "signalling NaN": "sNaN",
    "64 bits": str(2**63),
    "brackets": '(["{*',
}
HOSTILE_ENCODED = {name: quote(value, errors="surrogatepass") for name, value in HOSTILE.items()}
HOSTILE_ENCODED["byte FF"] = "%FF"
NAMES = """
    title project model status type tag source period since until cost_min cost_max sort page
    per_page message q order theirs
"""
PARAMETERS = NAMES.split()
OF_CHARTS = """
    from to grain project model source tag role chart format
"""
PAGES_OF_ROWS = (
    "/sessions/ /projects/ /models/ /trash/ /search/ /go/ /analytics/ /analytics/errors/"
)
OTHER_PAGES = """
    /sessions/new/ /projects/new/ /models/new/ /import/ /connect/ /keys/ /styleguide/ /account/
    /prices/
"""
PAGES = PAGES_OF_ROWS + OTHER_PAGES
READ_BY = {
    "/sessions/": PARAMETERS,
    "/search/": ["q", "order", "by", "page", "facets", "format", "session"],
    "/go/": ["q"],
    "/trash/": ["page"],
    "/projects/": ["sort", "page", "per_page"],
    "/models/": ["sort", "page", "per_page"],
    "/sessions/new/": ["project"],
    "/analytics/costs/": OF_CHARTS.split(),
}
ZONES = ("UTC", "Asia/Tokyo", "Pacific/Kiritimati", "America/Los_Angeles")


@pytest.fixture
def reader(django_user_model):
    # Staff have pages that others have not.
    return django_user_model.objects.create(username="reader", is_staff=True)


@pytest.fixture
def session():
    """A session with one of everything that hangs on one."""
    session = make_session("Tea", project=make_project(), model=make_model(), tags=["a"])
    message = add_message(session, 1, "hello")
    SessionSnapshot.objects.create(session=session, sequence_number=1, session_state={})
    for kind, row in (("session", session), ("message", message)):
        Annotation.objects.create(
            annotation_uuid=f"of-{kind}",
            entity_type=kind,
            entity_id=row.pk,
            annotation_type="note",
            content="so",
            annotator="reader",
        )
    make_session("Gone", deleted_at=session.started_at)
    return session


def one_session(session: Session) -> list[str]:
    """Return the addresses of all pages of a session and its messages."""
    at = f"/sessions/{quote(session.session_uuid, safe='')}/"
    parts = ["", "edit/", "branches/", "snapshots/", "snapshots/1/"]
    parts += [f"export/{name}/" for name in ("json", "markdown", "text")]
    for uuid in session.messages.values_list("message_uuid", flat=True):
        parts += [f"messages/{uuid}/", f"messages/{uuid}.txt"]
    return [at + part for part in parts]


def every_page(session: Session) -> list[str]:
    return pages_of_rows(session) + OTHER_PAGES.split()


def pages_of_rows(session: Session) -> list[str]:
    """Return the pages that show the session, or what is around it."""
    project, model = session.project_id, session.model_id
    rows = [f"/projects/{project}/", f"/projects/{project}/edit/"]
    rows += [f"/models/{model}/", f"/models/{model}/edit/"]
    return PAGES_OF_ROWS.split() + rows + one_session(session)


def get(client, address: str, **options):
    """Fetch a page to its last byte; whatever fails on the way names the address."""
    try:
        response = client.get(address, **options)
        body = b"".join(response) if response.streaming else response.content
    except Exception as error:
        error.add_note(address[:300])
        raise
    assert response.status_code < 500, (address[:300], body[:500])
    return response


def some(names: Iterable[str], value: str, *, one_in: int) -> list[str]:
    """Return one name of so many, others for other values."""
    return share(names, list(HOSTILE_ENCODED).index(value), one_in=one_in)


@pytest.mark.parametrize("value", HOSTILE_ENCODED)
def test_no_page_minds_a_hostile_value_in_every_parameter_at_once(client, session, value):
    query = "&".join(f"{name}={HOSTILE_ENCODED[value]}" for name in PARAMETERS)
    for address in some(every_page(session), value, one_in=4):
        assert get(client, f"{address}?{query}").status_code in {200, 404}


@pytest.mark.parametrize("value", HOSTILE_ENCODED)
def test_no_page_minds_a_hostile_value_in_one_parameter(client, session, value):
    reads = {**READ_BY, session.get_absolute_url(): ["page", "message"]}
    reads[f"/projects/{session.project_id}/"] = ["sort", "page", "per_page"]
    reads[f"{session.get_absolute_url()}snapshots/1/"] = ["page"]
    for address, names in reads.items():
        for name in some(names, value, one_in=9):
            response = get(client, f"{address}?{name}={HOSTILE_ENCODED[value]}")
            also = {"message": {404}, "session": {302}}.get(name, set())
            assert response.status_code in {200} | also


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("day", ["0001-01-01", "0001-01-02", "9999-12-30", "9999-12-31"])
def test_the_first_and_the_last_days_can_be_filtered_by_in_any_time_zone(client, zone, day):
    client.cookies["timezone"] = zone
    make_session("First", started_at="0001-01-01 00:00:00+00:00")
    make_session("Last", started_at="9999-12-31 23:59:59+00:00")
    for name in ("since", "until"):
        html = get(client, f"{LIST}?{name}={day}").content.decode()
        assert "is left out" not in html


@pytest.mark.parametrize("value", HOSTILE_ENCODED)
def test_no_part_of_an_address_that_is_an_id_is_an_error(client, session, value):
    part = HOSTILE_ENCODED[value] or "%20"
    for pattern in (
        "/sessions/{}/", "/sessions/{}/edit/", "/projects/{}/", "/models/{}/", "/{}/",
        session.get_absolute_url() + "messages/{}/", session.get_absolute_url() + "messages/{}.txt",
        session.get_absolute_url() + "snapshots/{}/", session.get_absolute_url() + "export/{}/",
    ):  # fmt: skip
        assert get(client, pattern.format(part)).status_code in {200, 301, 302, 404}
    for pattern in ("/changes/{}/undo/", "/annotations/{}/delete/", "/sessions/views/{}/delete/"):
        assert client.post(pattern.format(part)).status_code == 404


# -- forms ----------------------------------------------------------------------------------------


def forms(session: Session) -> dict[str, dict[str, str]]:
    """Return every form with values that it takes."""
    at, message = session.get_absolute_url(), session.messages.get().message_uuid
    head = {
        "title": "Tea", "project": "Kitchen", "tags": "a", "model": str(session.model_id),
        "session_type": "single", "status": "active", "description": "", "system_prompt": "",
        "temperature": "", "max_tokens": "", "top_p": "",
    }  # fmt: skip
    said = {
        "role": "user", "content": "x", "model": "", "input_tokens": "", "output_tokens": "",
        "cost": "", "latency_ms": "", "finish_reason": "", "error_message": "",
    }  # fmt: skip
    model = {
        "provider": "openai", "model_name": "gpt", "model_version": "",
        "cost_per_1k_input_tokens": "", "cost_per_1k_output_tokens": "", "context_window": "",
        "supports_streaming": "on", "supports_functions": "on", "is_active": "on",
        "default_temperature": "", "default_max_tokens": "", "default_top_p": "",
        "endpoint_url": "", "api_key_name": "",
    }  # fmt: skip
    picked = {"selected": str(session.pk), "all": "", "tag": "b", "project": "none"}
    return {
        "/sessions/new/": head,
        f"{at}edit/": head,
        f"{at}messages/": said,
        f"{at}messages/{message}/": said,
        f"{at}messages/{message}/annotations/": {"tag": "x"},
        f"{at}messages/{message}/annotations/?note": {"note": "x"},
        f"{at}messages/{message}/annotations/?rating": {"rating": "3"},
        f"{at}annotations/": {"tags": "a, b"},
        f"{at}annotations/?note": {"note": "x"},
        f"{at}annotations/?rating": {"rating": "3"},
        f"{at}status/": {"status": "completed"},
        f"{at}branch/": {"at": "1"},
        f"{at}snapshots/": {"description": "x"},
        "/projects/new/": {"name": "P", "description": ""},
        f"/projects/{session.project_id}/edit/": {"name": "P", "description": ""},
        "/models/new/": model,
        f"/models/{session.model_id}/edit/": model,
        "/sessions/views/": {"name": "Mine", "query": "title=x", "shared": "on"},
        "/sessions/bulk/": {"verb": "complete", **picked},
        "/sessions/bulk/?tag": {"verb": "tag", **picked},
        "/sessions/bulk/?move": {"verb": "move", **picked},
        "/trash/empty/": {"verb": "restore", "selected": "1", "confirm": ""},
        "/demo/": {"remove": ""},
        "/import/": {"project": "", "dry_run": "on"},
        "/preferences/": {"theme": "dark", "keys": "off", "timezone": "UTC"},
        "/account/password/": {"new_password1": "x", "new_password2": "x"},
    }


def rows() -> dict[str, list]:
    """Return what is stored, to see what a form changed."""
    tables = (Session.with_trash, Message.objects, Project.objects, LanguageModel.objects)
    tables += (Annotation.objects, SessionSnapshot.objects, SavedView.objects)
    return {t.model.__name__: list(t.order_by("pk").values()) for t in tables}


@pytest.mark.parametrize("value", HOSTILE)
def test_no_form_minds_a_hostile_value_in_any_field(client, session, value):
    text = HOSTILE[value].encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    for address, fields in forms(session).items():
        for name in some(fields, value, one_in=9):
            response = client.post(address, {**fields, name: text})
            assert response.status_code in {200, 302, 404}, (address, name)
            assert "X-Evil" not in response.headers
    for address in some(every_page(session), value, one_in=6):
        get(client, address)


@pytest.mark.parametrize("value", ["byte FF", "lone surrogate"])
def test_no_form_minds_bytes_that_are_no_text(client, session, value):
    raw = {"byte FF": b"\xff", "lone surrogate": b"\xed\xa0\x80"}[value]
    for address, fields in forms(session).items():
        for name in some(fields, value, one_in=3):
            body = "&".join(f"{key}={quote(kept)}" for key, kept in fields.items() if key != name)
            for sent in (f"{name}={quote(raw)}", name):
                response = client.generic(
                    "POST",
                    address,
                    f"{body}&{sent}",
                    content_type="application/x-www-form-urlencoded",
                )
                assert response.status_code < 500, (address, name)
    for address in every_page(session):
        get(client, address)


@pytest.mark.parametrize(
    ("address", "name", "value"),
    [
        ("/sessions/new/", "title", "x" * 1001),
        ("/sessions/new/", "title", "a\x00"),
        ("/sessions/new/", "temperature", "NaN"),
        ("/sessions/new/", "temperature", "5.1"),
        ("/sessions/new/", "max_tokens", "9" * 5000),
        ("/sessions/new/", "tags", "x" * 101),
        ("/sessions/new/", "tags", ",".join(map(str, range(51)))),
        ("/sessions/new/", "model", "9" * 400),
        ("/sessions/new/", "status", "gone"),
        ("/projects/new/", "name", ""),
        ("/projects/new/", "name", "x" * 201),
        ("/models/new/", "cost_per_1k_input_tokens", "inf"),
        ("/models/new/", "context_window", "-1"),
        ("/models/new/", "api_key_name", "sk-live-1234"),
        ("/sessions/views/", "name", "a\x00"),
    ],
)
def test_a_form_with_one_wrong_value_stores_nothing(client, session, address, name, value):
    fields = {**forms(session)[address], "project": "New", name: value}
    before = rows()
    response = client.post(address, fields)
    assert response.status_code in {200, 302}
    assert rows() == before
    assert not Change.objects.exists()


@pytest.mark.parametrize("value", HOSTILE_ENCODED)
def test_no_name_of_a_file_is_an_error(client, value):
    file = SimpleUploadedFile("x", json.dumps([{"title": "x"}]).encode())
    file._name = HOSTILE.get(value, "\udcff").encode("utf-8", "replace").decode() or "x"
    response = client.post("/import/", {"files": file, "project": "", "dry_run": ""})
    assert response.status_code in ({400} if len(file.name) > 1000 else {200, 302})
    work()
    assert response.status_code != 302 or client.get(response.url).status_code == 200
