"""What old scripts ask FTS5 for in its own words finds the same messages here."""

from __future__ import annotations

import random

import pytest
from django.db import connection

from conversations import search
from conversations.models import Message
from conversations.tests.factories import make_messages, make_session

pytestmark = pytest.mark.django_db

# Words that are their own stems, and none a part of another.
WORDS = ["kettl", "boil", "leaf", "cup", "warm", "milk", "honei", "spoon"]
MESSAGES = 120


@pytest.fixture
def spoken():
    chance = random.Random(5)
    make_messages(make_session("Untitled"), MESSAGES)
    for message in Message.objects.all():
        message.content = " ".join(chance.choices(WORDS, k=chance.randint(1, 6)))
        message.save()


def operand(chance: random.Random) -> str:
    one, other = chance.sample(WORDS, 2)
    return chance.choice(
        [
            one,
            one,
            f'"{one} {other}"',
            f"{one[:3]}*",
            f'"{one} {other[:3]}" *',
            f"^{one}",
            f"NEAR({one} {other}, {chance.randint(0, 3)})",
            f'NEAR("{one}" {other})',
            f'"{one}" + "{other}"',
            f"{one} + {other}",
            f"content : {one}",
        ]
    )


def expression(chance: random.Random, depth: int = 0) -> str:
    """Return an expression of FTS5: there, nothing may stand beside a bracket without operator."""
    operators = [" AND ", " OR ", " NOT "]
    parts = []
    for _ in range(chance.randint(1, 3)):
        if depth < 2 and chance.random() < 0.25:
            parts.append(f"({expression(chance, depth + 1)})")
        else:
            parts.append(" ".join(operand(chance) for _ in range(chance.choice([1, 1, 2]))))
    joined = parts[0]
    for part in parts[1:]:
        joined += chance.choice(operators) + part
    return joined


def found_by_fts5(typed: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT message_uuid FROM messages_fts WHERE messages_fts MATCH %s", [typed])
        return {uuid for [uuid] in cursor.fetchall()}


def test_an_expression_finds_what_fts5_finds(spoken):
    chance = random.Random(9)
    counts = []
    for _ in range(400):
        typed = expression(chance)
        found = search.find(typed, limit=MESSAGES)
        assert {row["message_uuid"] for row in found.rows} == found_by_fts5(typed), typed
        assert found.reading.notes == [], typed
        counts.append(len(found.rows))
    assert sum(0 < count < MESSAGES for count in counts) > 300
