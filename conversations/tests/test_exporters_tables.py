"""Messages and records as tables: CSV and Parquet."""

from __future__ import annotations

import csv
import io
import sys

import pytest

from conversations.exporters import FORMATS, chats, parquet
from conversations.models import Annotation, Session

from .factories import NOON, add_message, make_messages, make_model, make_project, make_session

pytestmark = pytest.mark.django_db


def make_tea() -> Session:
    session = make_session("Tea", project=make_project(), model=make_model())
    add_message(session, 1, '=HYPERLINK("https://evil.org")', role="user")
    add_message(
        session,
        2,
        'Yes,\n"really"',
        input_tokens=12,
        cost=0.00001,
        latency_ms=300,
        role="assistant",
    )
    return session


def csv_rows() -> list[dict[str, str]]:
    text = "".join(FORMATS["csv"].write(chats(Session.objects.all())))
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_csv_has_a_row_for_each_message_with_its_session():
    session = make_tea()
    make_session("Coffee", "Coffee?")
    _, answer, other = csv_rows()
    assert answer["session_uuid"] == session.session_uuid
    assert (answer["title"], answer["project"]) == ("Tea", "Kitchen")
    assert (answer["provider"], answer["model"]) == ("anthropic", "claude-sonnet-4-5")
    assert answer["content"] == 'Yes,\n"really"'
    assert answer["timestamp"] == "2026-03-01 12:00:02"
    assert (answer["input_tokens"], answer["output_tokens"]) == ("12", "")
    assert (answer["cost"], answer["latency_ms"]) == ("0.00001", "300")
    assert (other["title"], other["role"], other["model"]) == ("Coffee", "user", "")


def test_no_cell_of_csv_is_a_formula():
    make_tea()
    assert csv_rows()[0]["content"] == '\'=HYPERLINK("https://evil.org")'


# -- Parquet ---------------------------------------------------------------------------------------


def parquet_file(**options):
    arrow = pytest.importorskip("pyarrow.parquet")
    pieces = FORMATS["parquet"].write(chats(Session.objects.all()), **options)
    return arrow.ParquetFile(io.BytesIO(b"".join(pieces)))


def test_parquet_holds_every_line_of_our_own_format():
    Annotation.objects.create(
        entity_type="session", entity_id=make_tea().pk, annotation_type="note", content="Good"
    )
    table = parquet_file().read()
    lines = b"".join(FORMATS["jsonl"].write(chats(Session.objects.all()))).decode()
    assert table["data"].to_pylist() == lines.splitlines()
    assert set(table["record"].to_pylist()) == {
        *("export", "project", "model", "session", "message", "annotation"),
    }


def test_parquet_has_columns_for_analysis():
    session = make_tea()
    rows = parquet_file().read().to_pylist()
    [_, answer] = [row for row in rows if row["record"] == "message"]
    assert answer["session_uuid"] == session.session_uuid
    assert (answer["role"], answer["content"]) == ("assistant", 'Yes,\n"really"')
    assert (answer["provider"], answer["model"]) == ("anthropic", "claude-sonnet-4-5")
    assert answer["project"] == "Kitchen"
    assert (answer["input_tokens"], answer["output_tokens"]) == (12, None)
    assert (answer["cost"], answer["latency_ms"]) == (0.00001, 300)
    assert answer["timestamp"] == NOON.replace(second=2)
    [head] = [row for row in rows if row["record"] == "session"]
    assert (head["session_uuid"], head["project"]) == (session.session_uuid, "Kitchen")


def test_parquet_is_written_in_groups_of_rows_that_leave_as_they_are_made(monkeypatch):
    pytest.importorskip("pyarrow")
    monkeypatch.setattr(parquet, "MOST_ROWS", 10)
    make_messages(make_session("Long"), 25)
    pieces = list(FORMATS["parquet"].write(chats(Session.objects.all())))
    assert len(pieces) == 4
    assert all(pieces)
    assert parquet_file().num_row_groups == 3


def test_parquet_has_the_whole_catalog_if_asked():
    make_project("Unused")
    rows = parquet_file(with_catalog=True).read().to_pylist()
    assert [row["project"] for row in rows if row["record"] == "project"] == ["Unused"]


def test_without_pyarrow_the_reader_is_told_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # as if it were not there
    with pytest.raises(parquet.MissingPackage, match="pip install -r requirements-parquet"):
        FORMATS["parquet"].write(chats(Session.objects.all()))
