"""What people do with many sessions at once, and taking it back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from conversations import changes, organising, reading, search, writing
from conversations.errors import InvalidValue, UnknownId
from conversations.models import Annotation, Change, Message, Project, Session, SessionTag

from .factories import add_message, make_model, make_project, make_session, make_sessions

pytestmark = pytest.mark.django_db


def titles(**having) -> list[str]:
    return sorted(Session.objects.filter(**having).values_list("title", flat=True))


def test_completing_is_taken_back_to_what_each_session_was(alice):
    make_session("A")
    make_session("B", status="failed")
    make_session("C", status="completed", completed_at=timezone.now())
    done_before = Session.objects.get(title="C").completed_at
    change = organising.set_status(Session.objects.all(), "completed", user=alice)
    assert change.summary == "2 sessions completed"
    assert titles(status="completed") == ["A", "B", "C"]
    assert titles(completed_at=None) == []
    changes.undo(change)
    assert titles(status="active") == ["A"]
    assert titles(status="failed") == ["B"]
    assert titles(completed_at=None) == ["A", "B"]
    assert Session.objects.get(title="C").completed_at == done_before


def test_what_somebody_changed_since_stays(alice):
    make_sessions(2)
    change = organising.set_status(Session.objects.all(), "archived", user=alice)
    Session.objects.filter(title="Session 0").update(status="failed")
    assert changes.undo(change) == 1
    assert titles(status="failed") == ["Session 0"]
    assert titles(status="active") == ["Session 1"]


def test_a_change_is_taken_back_once(alice):
    make_session()
    change = organising.set_status(Session.objects.all(), "archived", user=alice)
    changes.undo(change)
    with pytest.raises(InvalidValue, match="already"):
        changes.undo(change)


def test_moving_is_taken_back_to_each_project(alice):
    kitchen, garden = make_project("Kitchen"), make_project("Garden")
    make_session("A", project=garden)
    make_session("B")
    change = organising.move(Session.objects.all(), kitchen, user=alice)
    assert titles(project=kitchen) == ["A", "B"]
    changes.undo(change)
    assert titles(project=garden) == ["A"]
    assert titles(project=None) == ["B"]


def test_a_move_out_of_a_project_that_is_gone_cannot_be_taken_back(alice, transactional_db):
    kitchen = make_project()
    make_session("A", project=kitchen)
    change = organising.move(Session.objects.all(), None, user=alice)
    kitchen.delete()
    with pytest.raises(InvalidValue, match="gone"):
        changes.undo(change)
    assert titles(project=None) == ["A"]
    change.refresh_from_db()
    assert change.undone_at is None


def test_tags_are_added_once_and_taken_off(alice):
    make_session("A", tags=["tea"])
    make_session("B", tags=["milk"])
    change = organising.tag(Session.objects.all(), "  tea,  ", user=alice)
    assert change.summary == "1 session tagged tea"
    assert titles(tag_rows__name="tea") == ["A", "B"]
    off = organising.untag(Session.objects.all(), "tea", user=alice)
    assert off.summary == "Tag tea taken off 2 sessions"
    changes.undo(off)
    changes.undo(change)
    assert Session.objects.get(title="A").tags == ["tea"]
    assert Session.objects.get(title="B").tags == ["milk"]
    assert SessionTag.objects.count() == 2


@pytest.mark.parametrize("text", ["", " , ", "x" * 101, "a\x00b", "\ud800"])
def test_what_is_no_tag_is_refused(alice, text):
    with pytest.raises(InvalidValue):
        organising.tag(Session.objects.all(), text, user=alice)


def test_the_trash_takes_a_session_out_of_everything_and_gives_it_back(alice):
    from analytics import reports

    session = make_session("Tea", "boil water", model=make_model(), started_at=timezone.now())
    Message.objects.update(cost=0.5, timestamp=timezone.now())

    def seen() -> tuple:
        return (
            len(reading.list_sessions()),
            len(search.search_messages("boil")),
            reports.cost_summary()["total_cost"],
            sum(row["message_count"] for row in reports.model_performance()),
        )

    assert seen() == (1, 1, 0.5, 1)
    change = organising.trash(Session.objects.all(), user=alice)
    assert seen() == (0, 0, 0, 0)
    with pytest.raises(UnknownId, match="in the trash"):
        reading.find_session(session.session_uuid)
    with pytest.raises(UnknownId):
        writing.add_message(session.session_uuid, "user", "more")
    with pytest.raises(UnknownId):
        reading.find_message(Message.objects.get().message_uuid)
    assert changes.undo(change) == 1
    assert seen() == (1, 1, 0.5, 1)


def test_purging_takes_only_what_is_in_the_trash(alice):
    make_session("Keep", "one")
    make_session("Go", "two")
    organising.trash(Session.objects.filter(title="Go"), user=alice)
    assert organising.purge(Session.with_trash.all()) == (1, True)
    assert [m.content for m in Message.objects.all()] == ["one"]
    assert search.search_messages("two") == []


def test_a_deleted_message_comes_back_as_it_was(alice):
    session = make_session("Tea", "one", "two")
    first = session.messages.in_order().first()
    reply = add_message(session, 3, "three", parent_message=first)
    first.cost = 0.25
    first.metadata = {"a": ["ü"]}
    first.save()
    writing.annotate("message", first.message_uuid, "note", content="good")
    before = (
        list(Message.objects.order_by("id").values()),
        list(Annotation.objects.values()),
    )
    change = changes.keep("1 message deleted", changes.delete(first), user=alice)
    session.refresh_from_db()
    assert (session.total_messages, session.total_cost) == (2, 0)
    assert search.search_messages("one") == []
    assert not Annotation.objects.exists()
    changes.undo(Change.objects.get(pk=change.pk))
    session.refresh_from_db()
    reply.refresh_from_db()
    assert (session.total_messages, session.total_cost) == (3, 0.25)
    assert reply.parent_message_id == first.pk or reply.parent_message_id
    assert len(search.search_messages("one")) == 1
    after = (
        list(Message.objects.order_by("id").values()),
        list(Annotation.objects.values()),
    )
    assert after == before


def test_a_deleted_project_comes_back_with_its_sessions(alice):
    project = make_project()
    make_session("A", project=project)
    change = changes.keep("Project deleted", changes.delete(project), user=alice)
    assert titles(project=None) == ["A"]
    changes.undo(change)
    assert titles(project__name="Kitchen") == ["A"]
    assert Project.objects.count() == 1


def test_a_message_whose_place_is_taken_does_not_come_back(alice):
    session = make_session("Tea", "one")
    change = changes.keep("1 message", changes.delete(session.messages.get()), user=alice)
    add_message(session, 1, "instead")
    with pytest.raises(InvalidValue, match="place"):
        changes.undo(change)
    assert session.messages.get().content == "instead"


def test_changes_are_forgotten_after_a_month(alice):
    old = changes.keep("old", [], user=alice)
    Change.objects.filter(pk=old.pk).update(made_at=timezone.now() - timedelta(days=31))
    changes.keep("new", [], user=alice)
    assert [change.summary for change in Change.objects.all()] == ["new"]


def test_ten_thousand_sessions_go_and_come_back(alice):
    make_sessions(10_500)
    change = organising.trash(Session.objects.all(), user=alice)
    assert change.summary == "10,500 sessions moved to the trash"
    assert Session.objects.count() == 0
    assert changes.undo(change) == 10_500
    assert Session.objects.count() == 10_500
