"""Trees of OpenAssistant become sessions with branches, however they are written down."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conversations.importers import openassistant
from conversations.importers.records import Rejected, SessionRecord

from .datasets import as_lines, read_bytes, read_rows, said, survives_damage


def message(id: str, role: str = "assistant", **more: Any) -> dict[str, Any]:
    return {
        "message_id": id,
        "parent_id": None,
        "text": f"text of {id}",
        "role": role,
        "lang": "en",
        "rank": None,
        "deleted": False,
        "synthetic": False,
        **more,
    }


ANSWERS = [
    message("second", parent_id="root", rank=1),
    message(
        "best",
        parent_id="root",
        rank=0,
        replies=[message("thanks", "prompter", parent_id="best", replies=[])],
    ),
    message("gone", parent_id="root", rank=0, deleted=True),
]
ROOT = message("root", "prompter", created_date="2023-02-03T04:05:06+00:00", replies=ANSWERS)


def flat(value: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    rows = [{name: value[name] for name in value if name != "replies"} | more]
    return rows + [row for reply in value.get("replies", ()) for row in flat(reply, **more)]


SHAPES = {
    "nested": [ROOT],
    "tree": [{"message_tree_id": "root", "tree_state": "ready_for_export", "prompt": ROOT}],
    "flat": flat(ROOT, message_tree_id="root", tree_state="ready_for_export"),
    "flat without trees": flat(ROOT),
    "flat, answers first": flat(ROOT)[::-1],
}


def sessions(*rows: Any) -> list[SessionRecord]:
    items = read_rows(openassistant, *rows)
    assert all(isinstance(item, SessionRecord) for item in items), items
    return items


@pytest.mark.parametrize("shape", SHAPES)
def test_every_way_to_write_a_tree_gives_the_same_session(shape):
    [session] = sessions(*SHAPES[shape])
    assert session.external_id == "root"
    assert session.title == "text of root"
    active = [said.content for said in session.messages if said.is_active_path]
    assert active == ["text of root", "text of best", "text of thanks"]
    parents = {m.key: m.parent_key for m in session.messages}
    assert parents == {
        "root/root": None,
        "root/second": "root/root",
        "root/best": "root/root",
        "root/gone": "root/root",
        "root/thanks": "root/best",
    }
    assert [m.role for m in session.messages if m.is_active_path] == ["user", "assistant", "user"]


def test_the_first_answer_is_taken_where_none_is_ranked():
    root = message("r", "prompter", replies=[message("a"), message("b", rank=3), message("c")])
    [ranked] = sessions(root)
    assert [m.content for m in ranked.messages if m.is_active_path][-1] == "text of b"
    root = message("r", "prompter", replies=[message("a"), message("b")])
    [unranked] = sessions(root)
    assert [m.content for m in unranked.messages if m.is_active_path][-1] == "text of a"


def test_trees_whose_messages_are_mixed_are_told_apart():
    one = flat(message("r1", "prompter", replies=[message("a1", parent_id="r1")]))
    two = flat(message("r2", "prompter", replies=[message("a2", parent_id="r2")]))
    found = sessions(one[0], two[0], one[1], two[1])
    assert [session.external_id for session in found] == ["r1", "r2"]
    assert [len(session.messages) for session in found] == [2, 2]


def test_a_synthetic_answer_has_its_model_and_the_rest_is_kept():
    labels = {"quality": {"value": 0.75, "count": 3}}
    answer = message("a", model_name="chip20b", synthetic=True, labels=labels)
    [session] = sessions(message("r", "prompter", replies=[answer]))
    assert session.messages[1].model == session.model == "chip20b"
    extra = session.messages[1].metadata["extra"]
    assert extra == {"labels": labels, "lang": "en", "synthetic": True}


def test_a_message_whose_parent_is_missing_stays():
    [session] = sessions(*flat(message("a", parent_id="lost"), message_tree_id="t"))
    assert said(session) == [("assistant", "text of a")]
    assert session.messages[0].parent_key is None


def test_messages_in_a_circle_are_read_once():
    rows = [message("a", parent_id="b"), message("b", parent_id="a")]
    items = read_rows(openassistant, *rows)
    assert sum(len(item.messages) for item in items) == 2


def test_a_bad_message_costs_only_itself():
    rows = flat(ROOT, message_tree_id="root")
    rows[1]["text"] = 5
    items = read_bytes(openassistant, as_lines((*rows, 7)))
    rejected = [item for item in items if isinstance(item, Rejected)]
    assert json.loads(rejected[0].content)["message_id"] == "second"
    assert rejected[1].content == b"7\n"
    [session] = [item for item in items if isinstance(item, SessionRecord)]
    assert len(session.messages) == 4


@pytest.mark.parametrize(
    "row",
    [
        {"message_id": "m", "parent_id": "p", "role": "user", "text": "x"},
        {"messages": [{"role": "user", "content": "x"}]},
        {"text": "x", "replies": []},
    ],
)
def test_what_belongs_to_others_is_left_to_them(row):
    assert not openassistant.recognises(as_lines((row,)))


def test_damaged_files_raise_nothing():
    small = message("r", "prompter", replies=[message("a", rank=1), message("b", rank=0)])
    survives_damage(openassistant, small)
    survives_damage(openassistant, {"message_tree_id": "r", "prompt": small})
    survives_damage(openassistant, *flat(small, message_tree_id="r"))
