"""Rows that a script may write, and that the database takes, break no page."""

from __future__ import annotations

import json

import pytest
from django.db import IntegrityError, connection, transaction

from conversations.models import Session, SessionSnapshot
from conversations.tests.factories import add_message, make_model, make_project, make_session
from conversations.tests.pages import LIST, share
from conversations.tests.test_pages_hostile_values import get, pages_of_rows

pytestmark = pytest.mark.django_db

DEEP = "[" * 900 + "]" * 900
DEEPER = "[" * 1900 + "]" * 1900
ODD_JSON = {
    "object": '{"a": 1}',
    "number": "7",
    "text": '"a"',
    "null": "null",
    "true": "true",
    "numbers": "[1, 2.5, null, true]",
    "nested": '[["a"], {"b": "c"}]',
    "many": json.dumps([f"tag {n}" for n in range(10_000)]),
    "long": json.dumps(["x" * 1_000_000]),
    "deep": DEEP,
    "deeper than Python reads": DEEPER,
    "number that Python does not read": "[" + "9" * 5000 + "]",
    "infinite": "[1e400]",
    "NUL and half a character": r'["\u0000", "\ud800"]',
}
ODD_TIMES = [
    "0001-01-01",
    "0001-01-01 00:00:00",
    "0001-01-01 00:00:00+14:00",
    "9999-12-31 23:59:59",
    "9999-12-31 23:59:59-14:00",
    "2026-02-30",
    "2026-01-01 24:00:00",
    "2026-01-01 10:00 ",
    "2026-01-01 10:00z",
    "2026-01-01   10:00:00",
    "2026-01-01T10:00:00.123456789012Z",
    "2026-01-01 10:00:00+14:30",
]
ZONES = ["UTC", "Asia/Tokyo", "America/Los_Angeles"]


@pytest.fixture
def reader(django_user_model):
    return django_user_model.objects.create(username="reader", is_staff=True)


@pytest.fixture
def session():
    session = make_session("Tea", project=make_project(), model=make_model(), tags=["a"])
    add_message(session, 1, "hello")
    SessionSnapshot.objects.create(session=session, sequence_number=1, session_state={})
    make_session("Gone", deleted_at=session.started_at)
    session.refresh_from_db()
    return session


def sql(statement: str, *values) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def look_everywhere(client, session: Session, number: int = 0, *, one_in: int = 1) -> None:
    """Fetch the pages that show the session or what is around it, all or one of so many."""
    for address in share(pages_of_rows(session), number, one_in=one_in):
        assert get(client, address).status_code == 200, address
    for address in ("/search/?q=hello", "/go/?q=e", "/sessions/?title=e&tag=a", "/trash/?page=2"):
        assert get(client, address).status_code == 200, address


def use(client, session: Session) -> None:
    """Do what people do with a session, whatever it holds."""
    at = session.get_absolute_url()
    for address, form in (
        (f"{at}branch/", {}),
        (f"{at}snapshots/", {"description": "now"}),
        (f"{at}annotations/", {"note": "so"}),
        (f"{at}status/", {"status": "completed"}),
        ("/sessions/bulk/", {"verb": "tag", "tag": "z", "selected": session.pk}),
        ("/sessions/bulk/", {"verb": "untag", "tag": "a", "selected": session.pk}),
        ("/sessions/bulk/", {"verb": "trash", "selected": session.pk}),
        ("/trash/empty/", {"verb": "restore", "selected": session.pk}),
    ):
        assert client.post(address, form).status_code == 302, (address, form)
    get(client, LIST)


@pytest.mark.parametrize("value", ODD_JSON)
def test_json_of_any_shape_in_a_session_and_its_snapshots(client, session, value):
    for column in ("tags", "metadata"):
        sql(f"UPDATE sessions SET {column} = %s", ODD_JSON[value])
    for column in ("session_state", "context_window"):
        sql(f"UPDATE session_snapshots SET {column} = %s", ODD_JSON[value])
    look_everywhere(client, session, list(ODD_JSON).index(value), one_in=2)
    use(client, session)


@pytest.mark.parametrize("value", ODD_JSON)
def test_json_of_any_shape_in_a_message(client, session, value):
    for column in ("metadata", "tool_calls", "function_call"):
        sql(f"UPDATE messages SET {column} = %s", ODD_JSON[value])
    look_everywhere(client, session, list(ODD_JSON).index(value), one_in=2)
    use(client, session)
    message = session.messages.get()
    assert client.post(f"{session.get_absolute_url()}messages/{message.message_uuid}/delete/")
    get(client, session.get_absolute_url())


@pytest.mark.parametrize("value", [name for name in ODD_JSON if not name.startswith("deeper")])
def test_json_of_any_shape_under_the_keys_that_pages_show(client, session, value):
    keys = (f'"{key}": {ODD_JSON[value]}' for key in ("thinking", "attachments", "tool_results"))
    sql("UPDATE messages SET metadata = %s", f"{{{', '.join(keys)}}}")
    look_everywhere(client, session, list(ODD_JSON).index(value), one_in=2)


@pytest.mark.parametrize(
    "kept",
    [
        [{}],
        [{"role": None, "content": None, "sequence_number": None}],
        [{"role": ["a"], "content": {"a": 1}, "sequence_number": "<b>"}],
        [{"role": "x" * 1000, "content": "x" * 300_000}],
        ["text", 1, None, [], {"content": ["a"]}],
        [{"content": "x"}] * 5_000,
    ],
)
def test_kept_messages_of_any_shape(client, session, kept):
    SessionSnapshot.objects.update(context_window=kept)
    for page in ("", "?page=2", "?page=-1", "?page=x"):
        get(client, f"{session.get_absolute_url()}snapshots/1/{page}")


@pytest.mark.parametrize("number", [0, -1, 2**40])
def test_a_snapshot_of_any_number(client, session, number):
    sql("UPDATE session_snapshots SET sequence_number = %s", number)
    at = session.get_absolute_url()
    assert get(client, f"{at}snapshots/").status_code == 200
    get(client, f"{at}snapshots/{number}/")
    client.post(f"{at}branch/", {"at": str(number)})


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("time", ODD_TIMES)
def test_times_that_hardly_are_any_are_refused_or_shown(client, session, time, zone):
    client.cookies["timezone"] = zone
    try:
        with transaction.atomic():
            sql("UPDATE sessions SET started_at = %s", time)
    except IntegrityError:
        return
    for table, column in (
        ("sessions", "started_at"), ("sessions", "completed_at"), ("messages", "timestamp"),
        ("session_snapshots", "created_at"), ("annotations", "created_at"),
    ):  # fmt: skip
        sql(f"UPDATE {table} SET {column} = %s", time)
    sql("UPDATE sessions SET deleted_at = %s WHERE deleted_at IS NOT NULL", time)
    look_everywhere(client, session, ZONES.index(zone), one_in=len(ZONES))
    use(client, session)


@pytest.mark.parametrize(
    "uuid", ["a/b", "/", "..", ".", "", " ", "a b", "?", "#", "%", "%2f", "é", "new", "views",
             "bulk", "<script>", "a\nb", "x.txt"],
)  # fmt: skip
def test_ids_of_any_text(client, session, uuid):
    long = make_session("Long", "hello " + "x" * 300_000, parent_session=session)
    sql("UPDATE messages SET message_uuid = %s || session_id", uuid)
    sql(
        "INSERT INTO annotations (annotation_uuid, entity_type, entity_id, annotation_type,"
        " content) SELECT %s || id, 'message', id, 'note', 'x' FROM messages",
        uuid,
    )
    sql(
        "INSERT INTO annotations (annotation_uuid, entity_type, entity_id, annotation_type,"
        " content) VALUES (%s, 'session', %s, 'note', 'x')",
        uuid,
        session.pk,
    )
    for each in (session, long):
        for part in ("", "branches/", "snapshots/"):
            assert get(client, each.get_absolute_url() + part).status_code == 200
    sql("UPDATE sessions SET session_uuid = %s WHERE id = %s", uuid, session.pk)
    child = make_session("Child", parent_session=session)
    around = [f"/models/{session.model_id}/", f"/projects/{session.project_id}/"]
    for address in (LIST, "/search/?q=hello", "/go/?q=Tea", "/trash/", *around):
        get(client, address)
    for part in ("", "branches/"):
        assert get(client, child.get_absolute_url() + part).status_code == 200
    for verb in ("complete", "trash"):
        client.post("/sessions/bulk/", {"verb": verb, "selected": session.pk})
    get(client, "/trash/")


@pytest.mark.parametrize("rating", [None, 1, 3.5, 5])
def test_annotations_of_any_kind_and_rating(client, session, rating):
    message = session.messages.get()
    for kind in ("rating", "tag", "note", "correction"):
        for entity, pk in (("session", session.pk), ("message", message.pk)):
            sql(
                "INSERT INTO annotations (annotation_uuid, entity_type, entity_id,"
                " annotation_type, rating, metadata) VALUES (%s, %s, %s, %s, %s, '7')",
                f"{kind}-{entity}", entity, pk, kind, rating,
            )  # fmt: skip
    look_everywhere(client, session)
    for kind in ("rating", "tag", "note", "correction"):
        assert client.post(f"/annotations/{kind}-session/delete/").status_code == 302


@pytest.mark.parametrize("shape", ["itself", "two", "of fifty", "a parent in the trash"])
def test_parents_that_go_round_in_circles(client, session, shape):
    others = [make_session(f"S{n}", parent_session=session) for n in range(50)]
    if shape == "itself":
        sql("UPDATE sessions SET parent_session_id = id")
    elif shape == "two":
        sql("UPDATE sessions SET parent_session_id = %s WHERE id = %s", others[0].pk, session.pk)
    elif shape == "of fifty":
        sql("UPDATE sessions SET parent_session_id = id - 1")
        sql("UPDATE sessions SET parent_session_id = %s WHERE id = %s", others[-1].pk, session.pk)
    else:
        sql("UPDATE sessions SET deleted_at = '2026-01-01' WHERE id = %s", session.pk)
        session = others[0]
        get(client, f"{session.get_absolute_url()}branches/")
        return
    look_everywhere(client, session)
    use(client, session)


def test_a_title_and_a_name_of_a_megabyte(client, session):
    sql("UPDATE sessions SET title = %s, description = %s, system_prompt = %s", *["x" * 10**6] * 3)
    assert len(get(client, LIST).content) < 100_000
    sql("UPDATE projects SET name = %s, description = %s", *["y" * 10**6] * 2)
    sql("UPDATE models SET model_name = %s, provider = %s, endpoint_url = %s", *["z" * 10**6] * 3)
    sql("UPDATE messages SET error_message = %s, finish_reason = %s", *["e" * 10**6] * 2)
    look_everywhere(client, session)
    use(client, session)


@pytest.mark.parametrize("number", [-5, 0, 2**62, 1.5])
def test_totals_that_cannot_be(client, session, number):
    for column in ("total_messages", "total_input_tokens", "total_cost_nanos", "total_cost"):
        sql(f"UPDATE sessions SET {column} = %s WHERE id = %s", number, session.pk)
    look_everywhere(client, session)
    for page in ("2", "999999999999", "-1"):
        get(client, f"{session.get_absolute_url()}?page={page}")


@pytest.mark.parametrize("value", [-1, 1.5, 1e300, float("inf"), 2**63 - 1, "much", ""])
def test_figures_of_a_model_that_cannot_be(client, session, value):
    for column in ("context_window", "default_temperature", "default_max_tokens", "is_active"):
        sql(f"UPDATE models SET {column} = %s", value)
    sql("UPDATE sessions SET temperature = %s, max_tokens = %s, top_p = %s", *[value] * 3)
    look_everywhere(client, session)


def test_numbers_where_text_belongs(client, session):
    sql("UPDATE sessions SET title = 7, description = 7, source = 7")
    sql("UPDATE projects SET name = 7, description = 7")
    sql("UPDATE models SET provider = 7, model_name = 7")
    look_everywhere(client, session)
