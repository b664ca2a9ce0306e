"""No text that is typed is an error, whatever it is."""

from __future__ import annotations

import os
import random
import string

import pytest
from django.db import connection

from conversations import search
from conversations.models import Annotation, Message
from conversations.search.sqlite import Search
from conversations.tests.factories import make_messages, make_session

pytestmark = pytest.mark.django_db

PIECES = [
    *string.punctuation, *"\u201c\u201d\u2019\u00e9\u0416\u05d0\u6771\u0e44\U0001f680",
    "AND", "OR", "NOT", "NEAR(", "python", "error", "node.js", "c++", "foo_bar", "camelCase",
    "role:", "role:user", "model:", "model:x", "cost:>", "cost:>0.5", "tokens:1..2", "after:7d",
    "before:9999-99", "has:error", "in:title", "-in:tools", "title:", "title:(", "tag:x", "x:y",
    "content :", "session:a", "\0", "\ud800", "\t", "\n", " ", "  ", "1e999", "%", "%s", "%%",
    "*a*", "ab*", "^x", '"a b"', '"', "\ue000", "\U0010ffff", "DROP TABLE", "\u202e",
]  # fmt: skip


# `SEARCH_FUZZ=20000 pytest -k asked` takes a minute: too long for every run.
FUZZED = int(os.environ.get("SEARCH_FUZZ", "4000"))


def texts(count: int) -> list[str]:
    chance = random.Random(20_000)
    return [
        chance.choice(["", " "]).join(chance.choices(PIECES, k=chance.randint(1, 8)))
        for _ in range(count)
    ]


@pytest.fixture
def spoken():
    session = make_session("Tea with camelCase")
    make_messages(session, 12)
    for number, text in enumerate(["python error", "node.js c++", "\u6771\u4eac \U0001f680"], 1):
        Message.objects.filter(sequence_number=number).update(content=text)
    Annotation.objects.create(
        annotation_uuid="n", entity_type="session", entity_id=session.id, annotation_type="note",
        content="a note",
    )  # fmt: skip


def test_thousands_of_texts_can_be_read_and_asked(spoken):
    for text in texts(FUZZED):
        reading = search.read(search.clean_text(text), using="default")
        assert isinstance(reading.says, str)
        assert Search(connection, reading).newest(3).looked_at is None, text


def test_two_thousand_texts_find_something_or_nothing(spoken):
    marks = [a + b for a in string.punctuation for b in ["", *string.punctuation]]
    for number, text in enumerate([*marks, *texts(1_000)]):
        order, by = search.ORDERS[number % 3], search.GROUPS[number % 2]
        found = search.find(text, limit=3, order=order, by=by, seconds=5)
        assert not found.given_up, text


@pytest.mark.parametrize(
    "texts",
    [
        list(string.punctuation),
        [a + b for a in string.punctuation for b in "\"'(*-:%^+"],
        texts(200),
        ["x" * 10_000, "a " * 5_000, "(" * 10_000, '"' * 9_999, "a OR " * 2_000, "-" * 10_000,
         "NEAR(" * 2_000, "title:" * 1_500, "* " * 5_000, "role:user " * 1_000],
    ],
    ids=["one mark", "two marks", "anything", "long"],
)  # fmt: skip
def test_the_page_answers_whatever_is_typed(client, spoken, texts):
    for number, text in enumerate(texts):
        asked = {"q": text.encode("utf-8", "replace").decode(), "by": search.GROUPS[number % 2]}
        assert client.get("/search/", asked).status_code == 200, text


@pytest.mark.parametrize("bytes", ["%00", "a%00b", "%ED%A0%80", "%FF%FE", "%F4%90%80%80", "%"])
def test_the_page_answers_to_what_is_no_text(client, spoken, bytes):
    assert client.get(f"/search/?q={bytes}").status_code == 200
