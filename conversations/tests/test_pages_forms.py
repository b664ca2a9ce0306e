"""What people do on pages: write, mend, delete, take back, keep, export."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
from django.test import Client

from conversations.models import (
    Annotation,
    Change,
    LanguageModel,
    Message,
    Project,
    SavedView,
    Session,
)
from conversations.tests.factories import add_message, make_model, make_project, make_session
from conversations.tests.pages import LIST, page
from conversations.tests.test_pages_hostile_values import forms

pytestmark = pytest.mark.django_db
AS_PART = {"HX-Request": "true", "HX-Target": "sessions-table"}
BULK = "/sessions/bulk/"


@pytest.fixture
def other(django_user_model) -> Client:
    """The browser of somebody else."""
    client = Client()
    client.force_login(django_user_model.objects.create(username="other"))
    return client


@pytest.fixture
def session():
    return make_session("Tea", "How long?", "Three minutes.", project=make_project())


def head(session: Session, **changed: str) -> dict[str, str]:
    fields = forms(session)["/sessions/new/"] if session.messages.count() == 1 else {
        "title": "Tea", "project": "Kitchen", "tags": "", "model": "", "session_type": "single",
        "status": "active", "description": "", "system_prompt": "", "temperature": "",
        "max_tokens": "", "top_p": "",
    }  # fmt: skip
    return {**fields, **changed}


def said(**changed: str) -> dict[str, str]:
    fields = {
        "role": "user", "content": "x", "model": "", "input_tokens": "", "output_tokens": "",
        "cost": "", "latency_ms": "", "finish_reason": "", "error_message": "",
    }  # fmt: skip
    return {**fields, **changed}


def toasts(html: str) -> list[str]:
    return [
        unescape(text) for text in re.findall(r'toast-note".*?<p dir="auto">(.*?)</p>', html, re.S)
    ]


def send(client, address: str, form=(), **headers: str) -> str:
    """Send a form and return the page that the browser is led to."""
    response = client.post(address, dict(form), follow=True, headers=headers)
    assert response.status_code == 200, address
    return response.content.decode()


def undo_last(client, status: int = 302) -> None:
    change = Change.objects.order_by("-id").first()
    assert client.post(f"/changes/{change.change_uuid}/undo/").status_code == status


# -- sessions and messages ------------------------------------------------------------------------


def test_a_session_is_written_by_hand(client):
    model = make_model()
    form = head(make_session("x"), title="New", project="  Garden  shed ", tags="a, b,a ,")
    response = client.post("/sessions/new/", {**form, "model": model.pk, "temperature": "0.5"})
    session = Session.objects.get(title="New")
    assert response.url == session.get_absolute_url()
    assert session.project.name == "Garden shed"
    assert (session.tags, session.model, session.temperature) == (["a", "b"], model, 0.5)


def test_the_form_of_a_session_that_is_sent_as_it_came_changes_nothing(client, session):
    Session.objects.update(
        system_prompt="  Be\nbrief.\n", description="one\ntwo ", tags={"odd": [1, 2]}
    )
    before = Session.objects.values().get()
    html = page(client, f"{session.get_absolute_url()}edit/")
    form = head(session, tags=str({"odd": [1, 2]}))
    assert "Be\nbrief." in html
    # A browser sends line ends of two characters.
    form |= {"system_prompt": "  Be\r\nbrief.\r\n", "description": "one\r\ntwo "}
    assert "Nothing was changed." in send(client, f"{session.get_absolute_url()}edit/", form)
    assert Session.objects.values().get() == before


def test_a_session_is_changed_and_the_change_taken_back(client, session):
    before = Session.objects.values().get()
    form = head(session, title="Coffee", project="", tags="hot", status="completed", top_p="1")
    assert "Saved." in send(client, f"{session.get_absolute_url()}edit/", form)
    changed = Session.objects.get()
    assert (changed.title, changed.project, changed.tags) == ("Coffee", None, ["hot"])
    undo_last(client)
    assert Session.objects.values().get() == before


def test_a_refused_form_of_a_session_keeps_the_name_of_a_new_project(client, session):
    form = head(session, title="Coffee", project="Not there yet", temperature="9")
    html = send(client, f"{session.get_absolute_url()}edit/", form)
    assert 'value="Not there yet"' in html
    assert "is-wrong" in html
    assert not Project.objects.filter(name="Not there yet").exists()


def test_a_message_is_added_at_the_end_with_all_its_figures(client, session):
    form = said(role="assistant", content="  Four.\r\n", cost="0.01", latency_ms="5")
    response = client.post(f"{session.get_absolute_url()}messages/", form)
    message = session.messages.get(sequence_number=3)
    assert f"message={message.message_uuid}" in response.url
    assert (message.content, message.cost, message.latency_ms) == ("  Four.\n", 0.01, 5)
    session.refresh_from_db()
    assert (session.total_messages, session.total_cost) == (3, 0.01)


@pytest.mark.parametrize("wrong", [{"role": "king"}, {"cost": "-1"}, {"input_tokens": "1.5"}])
def test_a_wrong_message_comes_back_with_what_was_typed(client, session, wrong):
    form = said(content="kept words", **wrong) if "role" not in wrong else said(**wrong)
    html = send(client, f"{session.get_absolute_url()}messages/", {**form, "content": "kept words"})
    assert "kept words" in html
    assert "is-wrong" in html
    assert session.messages.count() == 2


def test_a_message_is_mended_found_by_its_new_words_and_put_back(client, session):
    message = session.messages.first()
    address = f"{session.get_absolute_url()}messages/{message.message_uuid}/"
    assert "Saved." in send(client, address, said(content="How hot?", input_tokens="7"))
    assert "How <mark>hot</mark>" in page(client, "/search/?q=hot")
    undo_last(client)
    message.refresh_from_db()
    assert (message.content, message.input_tokens) == ("How long?", None)
    assert "Nothing was found" in page(client, "/search/?q=hot")


def test_a_deleted_message_comes_back_as_it_was(client, session):
    message = session.messages.first()
    Message.objects.filter(pk=message.pk).update(
        cost=0.25, tool_calls=[{"name": "x"}], metadata={"é": "👍"}, input_tokens=5
    )
    reply = session.messages.last()
    Message.objects.filter(pk=reply.pk).update(parent_message=message)
    annotation = Annotation.objects.create(
        annotation_uuid="a", entity_type="message", entity_id=message.pk,
        annotation_type="note", content="so",
    )  # fmt: skip
    before = [Message.objects.values().order_by("pk")[:], Annotation.objects.values()]
    before = [list(rows) for rows in before]
    totals = Session.objects.values().get()
    html = send(client, f"{session.get_absolute_url()}messages/{message.message_uuid}/delete/")
    assert "Message 1 deleted." in html
    assert session.messages.count() == 1
    assert not Annotation.objects.exists()
    undo_last(client)
    after = [list(Message.objects.values().order_by("pk")), list(Annotation.objects.values())]
    assert after[0] == before[0]
    assert after[1][0] | {"updated_at": 0} == before[1][0] | {"updated_at": 0}
    assert annotation.content == after[1][0]["content"]
    assert Session.objects.values().get() == totals
    assert "<mark>long</mark>" in page(client, "/search/?q=long")


# -- projects and models --------------------------------------------------------------------------


def test_a_project_is_made_renamed_and_deleted_and_its_sessions_stay(client, session):
    assert client.post("/projects/new/", {"name": "Kitchen"}).status_code == 200  # is taken
    assert client.post("/projects/new/", {"name": "Shed"}).status_code == 302
    address = f"/projects/{session.project_id}/"
    assert "is-wrong" in send(client, f"{address}edit/", {"name": "Shed"})
    assert "Saved." in send(client, f"{address}edit/", {"name": "Cellar", "description": "x"})
    assert "Its sessions are kept." in send(client, f"{address}delete/")
    assert Session.objects.get().project is None
    undo_last(client)
    assert Session.objects.get().project.name == "Cellar"


def test_a_model_is_made_priced_and_never_twice(client):
    fields = forms(make_session("x", "y", model=make_model(), project=make_project()))[
        "/models/new/"
    ]
    assert client.post("/models/new/", fields).status_code == 302
    model = LanguageModel.objects.get(model_name="gpt")
    assert 'role="alert"' in send(client, "/models/new/", fields)
    assert LanguageModel.objects.filter(model_name="gpt").count() == 1
    form = {**fields, "cost_per_1k_input_tokens": "0.01", "context_window": "1000"}
    assert "Saved." in send(client, f"/models/{model.pk}/edit/", form)
    assert "$0.0100" in page(client, "/models/")


# -- branches, snapshots, remarks -----------------------------------------------------------------


def test_a_branch_ends_at_the_message_it_was_made_at(client, session):
    html = send(client, f"{session.get_absolute_url()}branch/", {"at": "1"})
    assert "Branched at message 1." in html
    branch = session.branches.get()
    assert [message.content for message in branch.messages.all()] == ["How long?"]
    assert "from message 1" in page(client, f"{branch.get_absolute_url()}branches/")
    assert 'href="/sessions/' in page(client, f"{session.get_absolute_url()}snapshots/1/")


@pytest.mark.parametrize("at", ["0x1", "3", "-1", "1.5", "٣", "9" * 400])
def test_a_branch_at_no_message_is_refused(client, session, at):
    html = send(client, f"{session.get_absolute_url()}branch/", {"at": at})
    assert 'data-kind="error"' in html
    assert Session.objects.count() == 1


def test_a_snapshot_keeps_what_is_deleted_later(client, session):
    assert "Snapshot taken." in send(
        client, f"{session.get_absolute_url()}snapshots/", {"description": "before"}
    )
    session.messages.all().delete()
    html = page(client, f"{session.get_absolute_url()}snapshots/2/")
    assert "Three minutes." in html
    assert "before" in html


def test_remarks_are_kept_and_a_second_rating_replaces_the_first(client, session):
    at = f"{session.get_absolute_url()}annotations/"
    for rating in ("3", "5"):
        send(client, at, {"rating": rating})
    assert [a.rating for a in Annotation.objects.all()] == [5]
    for rating in ("6", "x", "", "-1", "٣"):
        assert 'data-kind="error"' in send(client, at, {"rating": rating})
    send(client, at, {"rating": "0"})
    assert not Annotation.objects.exists()
    send(client, at, {"note": "first\r\nsecond"})
    assert Annotation.objects.get().content == "first\nsecond"
    assert "first<br>second" in page(client, session.get_absolute_url())


def test_more_tags_than_a_session_may_have_are_refused_and_not_cut(client, session):
    tags = ",".join(map(str, range(51)))
    html = send(client, f"{session.get_absolute_url()}annotations/", {"tags": tags})
    assert 'data-kind="error"' in html
    assert Session.objects.get().tags == []


def test_a_remark_on_a_message_answers_htmx_with_the_remarks_alone(client, session):
    message = session.messages.first()
    address = f"{session.get_absolute_url()}messages/{message.message_uuid}/annotations/"
    headers = {"HX-Request": "true", "HX-Target": f"notes-{message.pk}"}
    html = send(client, address, {"tag": "good"}, **headers)
    assert "<html" not in html
    assert '<span class="tag">good</span>' in html
    assert 'data-kind="error"' in send(client, address, {"tag": " , "}, **headers)


def test_a_remark_is_deleted_by_who_made_it_or_by_staff(client, other, reader, session):
    for _ in range(2):
        send(client, f"{session.get_absolute_url()}annotations/", {"note": "mine"})
    first, second = (f"/annotations/{a.annotation_uuid}/delete/" for a in Annotation.objects.all())
    assert "Delete this note" not in page(other, session.get_absolute_url())
    assert other.post(first).status_code == 404
    assert client.post(first).status_code == 302
    undo_last(client)
    assert Annotation.objects.count() == 2
    assert other.post(second).status_code == 404
    other_user = type(reader).objects.get(username="other")
    other_user.is_staff = True
    other_user.save()
    assert other.post(second).status_code == 302
    assert Annotation.objects.count() == 1


# -- lists under a name ---------------------------------------------------------------------------


def test_a_view_keeps_filters_and_order_and_the_same_name_replaces_it(client):
    form = {"name": "Mine", "query": "?title=tea&sort=-cost&page=3&evil=1&status=gone"}
    send(client, "/sessions/views/", form)
    send(client, "/sessions/views/", {**form, "query": "title=tea&sort=-cost&page=3&evil=1"})
    assert SavedView.objects.get().query == "title=tea&sort=-cost"
    assert 'href="/sessions/?title=tea&amp;sort=-cost"' in page(client, LIST)


def test_only_a_shared_view_is_seen_by_others_and_nobody_else_deletes_it(client, other):
    send(client, "/sessions/views/", {"name": "Open", "query": "", "shared": "on"})
    send(client, "/sessions/views/", {"name": "Closed", "query": ""})
    assert "Open" in page(other, LIST)
    assert "Closed" not in page(other, LIST)
    for view in SavedView.objects.all():
        assert other.post(f"/sessions/views/{view.pk}/delete/").status_code == 404
        assert client.post(f"/sessions/views/{view.pk}/delete/").status_code == 302
    assert not SavedView.objects.exists()
    undo_last(client)
    assert SavedView.objects.count() == 1


def test_a_view_with_more_than_can_be_kept_is_refused_and_not_cut(client):
    send(client, "/sessions/views/", {"name": "Long", "query": "title=" + "é" * 1000})
    view = SavedView.objects.filter(name="Long").first()
    assert view is None or view.query.count("%C3%A9") == 1000


# -- exports and the palette ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "as_file"),
    [("json", "application/json", False), ("markdown", "text/markdown", True),
     ("text", "text/plain", True)],
)  # fmt: skip
def test_a_session_is_exported(client, session, name, kind, as_file):
    response = client.get(f"{session.get_absolute_url()}export/{name}/")
    text = b"".join(response).decode()
    assert response["Content-Type"] == f"{kind}; charset=utf-8"
    assert response["Content-Disposition"].startswith("attachment" if as_file else "inline")
    assert "Three minutes." in text
    if name == "json":
        assert json.loads(text)["messages"][0]["content"] == "How long?"


def test_there_is_no_export_of_another_format_or_of_the_trash(client, session):
    assert client.get(f"{session.get_absolute_url()}export/pdf/").status_code == 404
    send(client, f"{session.get_absolute_url()}status/", {"status": "trash"})
    assert client.get(f"{session.get_absolute_url()}export/json/").status_code == 404


def test_the_palette_finds_pages_sessions_projects_and_models(client, session):
    make_model()
    for typed, address in (
        ("impo", "/import/"), ("te", session.get_absolute_url()),
        ("kitch", f"/projects/{session.project_id}/"), ("claude", "/models/"),
        (session.session_uuid[:8], session.get_absolute_url()),
    ):  # fmt: skip
        assert f'href="{address}' in page(client, f"/go/?q={typed}")
    assert "Nothing has this name." in page(client, "/go/?q=zzz")
    assert "/admin/" not in page(client, "/go/?q=admin")
    part = page(client, "/go/?q=te", **{"HX-Request": "true", "HX-Target": "palette-results"})
    assert "<html" not in part


def test_a_message_that_is_added_twice_is_there_twice(client, session):
    add_message(session, 7, "later")
    client.post(f"{session.get_absolute_url()}messages/", said())
    client.post(f"{session.get_absolute_url()}messages/", said())
    numbers = session.messages.in_order().values_list("sequence_number", flat=True)
    assert list(numbers) == [1, 2, 7, 8, 9]


@pytest.mark.parametrize("address", ["/sessions/new/", "/projects/new/", "/models/new/"])
def test_a_new_form_begins_with_what_the_database_would_give(client, address):
    html = client.get(address).content.decode()
    assert "object at" not in html
    if address == "/sessions/new/":
        assert '<option value="active" selected>' in html
    if address == "/models/new/":
        assert re.search(r'name="is_active"[^>]* checked', html)
