"""Choosing what is exported, on the page and by the command: the same sessions, no limit."""

from __future__ import annotations

import csv
import io
import json
import sys
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversations import exporters, redacting
from conversations.models import LanguageModel, Project, Session
from conversations.tests.factories import (
    add_message,
    make_model,
    make_project,
    make_session,
    make_sessions,
)

pytestmark = pytest.mark.django_db
OPTIONAL = {"parquet": "pyarrow"}


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("export", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def titles(text: str) -> list[str]:
    return [each["session"]["title"] for each in json.loads(text)]


def fetched(client, **query: str):
    response = client.get("/sessions/export/file/", query)
    assert response.status_code == 200
    return b"".join(response.streaming_content)


@pytest.fixture
def some():
    kitchen, model = make_project("Kitchen"), make_model("leaves", "tea-1")
    make_session("Tea", "How long does sencha take?", project=kitchen, tags=["green"])
    make_session("Cake", "flour", "sugar", model=model, status="completed")
    make_session("Bread", "flour")
    make_session("Thrown away", "flour", deleted_at="2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("arguments", "query", "expected"),
    [
        ([], {}, ["Tea", "Cake", "Bread"]),
        (["--project", "Kitchen"], {"project": "{kitchen}"}, ["Tea"]),
        (["--project", "none"], {"project": "none"}, ["Cake", "Bread"]),
        (["--model", "leaves/tea-1"], {"model": "{model}"}, ["Cake"]),
        (["--status", "completed"], {"status": "completed"}, ["Cake"]),
        (["--tag", "green"], {"tag": "green"}, ["Tea"]),
        (["--title", "bread"], {"title": "bread"}, ["Bread"]),
        (["--source", "here"], {"source": "here"}, ["Tea", "Cake", "Bread"]),
        (["--search", "flour"], {"q": "flour"}, ["Cake", "Bread"]),
        (
            ["--search", "flour -sugar", "--status", "active"],
            {"q": "flour -sugar", "status": "active"},
            ["Bread"],
        ),
        (["--since", "2026-03-02"], {"since": "2026-03-02"}, []),
        (["--until", "2026-03-01"], {"until": "2026-03-01"}, ["Tea", "Cake", "Bread"]),
    ],
)
def test_page_and_command_let_the_same_sessions_through(client, some, arguments, query, expected):
    known = {"kitchen": Project.objects.get().pk, "model": LanguageModel.objects.get().pk}
    query = {name: value.format(**known) for name, value in query.items()}
    assert titles(command(*arguments)) == expected
    assert titles(fetched(client, format="json", **query).decode()) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--project", "Garage"], "There is no project 'Garage'. There are: Kitchen"),
        (["--model", "gpt-9"], "There is no model 'gpt-9'"),
        (["--since", "yesterday"], "--since: 'yesterday'"),
        (["nobody"], "there is no session 'nobody'"),
    ],
)
def test_what_is_not_there_is_named(some, arguments, message):
    with pytest.raises(CommandError, match=message):
        command(*arguments)


def test_one_session_is_an_object_and_several_are_a_list(some):
    ids = [session.session_uuid for session in Session.objects.order_by("id")]
    assert json.loads(command(ids[0]))["session"]["title"] == "Tea"
    assert titles(command(*ids[:2])) == ["Tea", "Cake"]
    with pytest.raises(CommandError, match="not both"):
        command(ids[0], "--tag", "green")


@pytest.mark.parametrize("format", exporters.FORMATS)
def test_every_format_is_written_for_none_for_one_and_for_many(client, tmp_path, format):
    if format in OPTIONAL:
        pytest.importorskip(OPTIONAL[format])
    path = tmp_path / "out"
    for count in (0, 1, 120):
        Session.objects.all().delete()
        make_sessions(count)
        for session in Session.objects.all():
            add_message(session, 1, "How long?")
            add_message(session, 2, "Two minutes.", role="assistant")
        command("--format", format, "-o", str(path))
        content = path.read_bytes()
        assert fetched(client, format=format) == content
        if format in ("jsonl", "json", "otlp"):
            for line in content.splitlines() if format != "json" else [content]:
                json.loads(line)
        if format == "csv":
            rows = list(csv.DictReader(io.StringIO(content.decode())))
            assert len({row["session_uuid"] for row in rows}) == count
    assert len(content) > 1_000


def test_an_export_asks_the_same_for_few_sessions_and_for_many(client):
    make_sessions(20)
    with CaptureQueriesContext(connection) as few:
        fetched(client, format="jsonl")
    Session.objects.all().delete()
    make_sessions(150)
    with CaptureQueriesContext(connection) as many:
        fetched(client, format="jsonl")
    assert len(many) == len(few)


def test_an_unknown_format_is_not_found(client):
    assert client.get("/sessions/export/file/?format=doc").status_code == 404
    assert client.get("/sessions/export/file/").status_code == 404


def test_the_page_says_what_will_be_exported_and_keeps_the_filters(client, some):
    html = client.get("/sessions/export/?status=completed&q=flour").content.decode()
    assert "1 session, filtered" in html
    assert '<input type="hidden" name="status" value="completed">' in html
    assert '<input type="hidden" name="q" value="flour">' in html
    for format in exporters.FORMATS.values():
        assert format.label in html


def test_lists_and_sessions_lead_to_the_page(client, some):
    session = Session.objects.get(title="Tea")
    for address, link in {
        "/sessions/?tag=green": "/sessions/export/?tag=green",
        f"/projects/{session.project_id}/": f"/sessions/export/?project={session.project_id}",
        session.get_absolute_url(): f"/sessions/export/?session={session.session_uuid}",
        "/search/?q=flour": "/sessions/export/?q=flour",
    }.items():
        html = client.get(address).content.decode()
        assert f'href="{link}"' in html, address
        assert client.get(link).status_code == 200
    assert (
        "1 session"
        in client.get(f"/sessions/export/?session={session.session_uuid}").content.decode()
    )


def test_a_file_appears_whole_or_not_at_all(some, tmp_path, monkeypatch):
    path = tmp_path / "out.json"
    path.write_text("before")

    def broken(chats):
        yield "["
        raise OSError(28, "No space left on device")

    broken_format = exporters.Exporter("Broken", "json", "application/json", broken)
    monkeypatch.setitem(exporters.FORMATS, "json", broken_format)
    with pytest.raises(CommandError, match="No space left"):
        command("-o", str(path))
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_secrets_are_masked_where_that_is_asked_for(client, tmp_path):
    make_session("Keys", "write to someone@example.com, the key is AKIAIOSFODNN7EXAMPLE")
    plain = command("--format", "jsonl")
    assert "someone@example.com" in plain
    for masked in (
        command("--format", "jsonl", "--redact"),
        command("--format", "markdown", "--redact"),
        fetched(client, format="html", redact="1").decode(),
    ):
        assert "someone@example.com" not in masked
        assert "AKIAIOSFODNN7EXAMPLE" not in masked


def test_a_library_that_is_not_installed_is_named_with_the_way_to_it(client, some, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "conversations.redacting.secrets", None)
    monkeypatch.delattr(redacting, "secrets", raising=False)
    for query, way in {
        "format=json&redact=1": "requirements-redact.txt",
        "format=parquet": "requirements-parquet.txt",
    }.items():
        response = client.get(f"/sessions/export/file/?{query}")
        assert response.status_code == 503
        assert way in response.content.decode()
