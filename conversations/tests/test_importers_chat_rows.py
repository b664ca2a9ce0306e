"""Rows of LMSYS-Chat-1M, WildChat and arena files become sessions."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest

from conversations.importers import chat_rows, find, read
from conversations.importers.records import Rejected, SessionRecord

from .datasets import as_lines, read_bytes, read_rows, said, session_of, survives_damage

ASK = {"role": "user", "content": "Name a prime."}
ANSWER = {"role": "assistant", "content": "Seven."}
LMSYS = {
    "conversation_id": "33f0",
    "model": "wizardlm-13b",
    "conversation": [ASK, ANSWER],
    "turn": 1,
    "language": "English",
    "openai_moderation": [{"flagged": False}],
    "redacted": False,
}
WHO = {"hashed_ip": "ab12", "header": {"user-agent": "x"}, "country": "Peru", "state": "Lima"}
WILDCHAT = {
    "conversation_hash": "77aa",
    "model": "gpt-4-0314",
    "timestamp": "2023-04-09T00:02:53Z",
    "conversation": [
        {**ASK, **WHO, "language": "English", "timestamp": None, "turn_identifier": 11},
        {**ANSWER, "timestamp": "2023-04-09T00:02:53Z", "turn_identifier": 11},
    ],
    "turn": 1,
    **WHO,
}
OLD_ARENA = {
    "question_id": 81,
    "answer_id": "an1",
    "model_id": "gpt-3.5-turbo",
    "choices": [
        {"index": 0, "turns": ['{"role": "user"}', "Eleven."]},
        {"index": 1, "turns": [{"content": "Five.", "token_len": 2}]},
    ],
    "tstamp": 1_711_491_874.25,
}
NEW_ARENA = {
    "uid": "u1",
    "ans_id": "n1",
    "model": "o1",
    "messages": [ASK, {"role": "assistant", "content": {"answer": "Seven."}}],
    "tstamp": 1_745_000_000.5,
    "metadata": {"token_len": 3},
}


def test_a_row_of_lmsys_is_a_session():
    session = session_of(chat_rows, LMSYS)
    assert said(session) == [("user", "Name a prime."), ("assistant", "Seven.")]
    assert session.external_id.startswith("33f0/")
    assert (session.model, session.messages[1].model) == ("wizardlm-13b", "wizardlm-13b")
    assert session.metadata["extra"]["language"] == "English"
    assert session.messages[1].output_tokens is None


def test_a_row_of_wildchat_says_nothing_of_who_asked():
    session = session_of(chat_rows, WILDCHAT)
    assert session.messages[1].timestamp == datetime(2023, 4, 9, 0, 2, 53, tzinfo=UTC)
    assert session.messages[0].metadata["extra"] == {"language": "English", "turn_identifier": 11}
    everything = json.dumps([session.metadata, [m.metadata for m in session.messages]])
    assert not [word for word in ("ab12", "user-agent", "Peru", "Lima") if word in everything]


def test_the_same_words_said_by_another_are_another_conversation():
    other = json.loads(json.dumps(WILDCHAT).replace("11", "12"))
    items = read_rows(chat_rows, WILDCHAT, other)
    assert len({item.external_id for item in items}) == 2


def test_the_answers_of_an_old_arena_file_stand_side_by_side():
    session = session_of(chat_rows, OLD_ARENA)
    assert session.title == "Question 81"
    assert session.started_at == datetime(2024, 3, 26, 22, 24, 34, 250000, tzinfo=UTC)
    other, first, second = session.messages
    assert (other.content, other.is_active_path, other.parent_key) == ("Five.", False, None)
    assert other.output_tokens is None  # the arena's own count, not the model's
    assert other.metadata["extra"] == {"token_len": 2}
    assert (first.content, second.content) == ('{"role": "user"}', "Eleven.")
    assert second.parent_key == first.key
    assert {m.model for m in session.messages} == {"gpt-3.5-turbo"}


def test_the_answer_of_a_new_arena_file_stands_inside_its_content():
    session = session_of(chat_rows, NEW_ARENA)
    assert said(session) == [("user", "Name a prime."), ("assistant", "Seven.")]
    assert session.model == "o1"


def test_a_battle_of_two_models_is_two_sessions():
    battle = {
        "question_id": "q1",
        "model_a": "koala-13b",
        "model_b": "alpaca-13b",
        "winner": "model_a",
        "conversation_a": [ASK, ANSWER],
        "conversation_b": [ASK, {"role": "assistant", "content": "Four."}],
        "tstamp": 1_682_351_591.5,
    }
    first, second = read_rows(chat_rows, battle)
    assert (first.model, second.model) == ("koala-13b", "alpaca-13b")
    assert (first.metadata["side"], second.metadata["side"]) == ("a", "b")
    assert first.metadata["extra"]["winner"] == "model_a"
    assert first.external_id != second.external_id


def test_a_bad_row_costs_only_itself():
    items = read_rows(chat_rows, LMSYS, {**LMSYS, "conversation": 5}, WILDCHAT)
    assert [type(item) for item in items] == [SessionRecord, Rejected, SessionRecord]


def parquet_of(rows: list[dict[str, Any]], **options: Any) -> bytes:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    stream = io.BytesIO()
    parquet.write_table(arrow.Table.from_pylist(rows), stream, **options)
    return stream.getvalue()


def test_a_parquet_file_gives_the_sessions_of_its_rows(tmp_path):
    rows = [{**LMSYS, "conversation_id": f"c{number}"} for number in range(5)]
    content = parquet_of(rows, row_group_size=2)
    items = read_bytes(chat_rows, content)
    assert [item.external_id for item in items] == [
        item.external_id for item in read_bytes(chat_rows, as_lines(tuple(rows)))
    ]
    with zipfile.ZipFile(tmp_path / "rows.zip", "w") as archive:
        archive.writestr("data/train.parquet", content)
    packed = [item for _, item in read(find([tmp_path / "rows.zip"]))]
    assert [item.external_id for item in packed] == [item.external_id for item in items]
    assert packed[4].place.endswith("train.parquet, record 5")


def test_times_in_a_parquet_file_are_times():
    time = datetime(2023, 4, 9, 0, 2, 53, tzinfo=UTC)
    row = {**WILDCHAT, "timestamp": time, "conversation": [ASK, {**ANSWER, "timestamp": time}]}
    [session] = read_bytes(chat_rows, parquet_of([row]))
    assert session.started_at == session.messages[1].timestamp == time


def test_a_parquet_file_of_something_else_is_rejected_row_by_row():
    [item] = read_bytes(chat_rows, parquet_of([{"price": 5, "picture": b"\x00\x01"}]))
    assert isinstance(item, Rejected)
    assert item.reason == "no conversation in it"


def test_a_parquet_file_without_pyarrow_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    [item] = read_bytes(chat_rows, b"PAR1" + bytes(20))
    assert item == Rejected("rows", "needs pyarrow: pip install -r requirements-parquet.txt")


def test_a_damaged_parquet_file_raises_nothing():
    content = parquet_of([LMSYS, {**LMSYS, "conversation_id": "b"}])
    for end in range(4, len(content), 97):
        read_bytes(chat_rows, content[:end])
    for place in range(4, len(content), 61):
        read_bytes(chat_rows, content[:place] + b"\xff\x01\x80" + content[place + 3 :])


@pytest.mark.parametrize(
    "row",
    [
        {"conversation": [{"from": "human", "value": "x"}]},
        {"messages": [ASK, ANSWER]},
        {"choices": [{"index": 0, "message": ANSWER}]},
        {"question_id": 1, "category": "math", "turns": ["x"]},
        {"conversation_id": "c", "mapping": {}},
    ],
)
def test_what_belongs_to_others_is_left_to_them(row):
    assert not chat_rows.recognises(as_lines((row,)))


def test_damaged_files_raise_nothing():
    survives_damage(chat_rows, LMSYS, WILDCHAT)
    survives_damage(chat_rows, OLD_ARENA, NEW_ARENA)
    survives_damage(chat_rows, {"conversation_a": [ASK], "conversation_b": [ANSWER], "id": 1})
