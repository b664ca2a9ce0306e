"""The demo: a made-up year that is the same each time, and that goes without a trace."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Count, Sum

from conversations import demo, schema, writing
from conversations.demo import rhythm
from conversations.demo.catalogue import MODELS, PROJECTS
from conversations.demo.conversation import TOPICS
from conversations.demo.follow_ups import FOLLOW_UPS
from conversations.demo.script import cost
from conversations.demo.topic import SLOT
from conversations.errors import InvalidValue
from conversations.models import (
    Annotation,
    LanguageModel,
    Message,
    Project,
    Session,
    SessionSnapshot,
)
from conversations.rendering import LEXERS
from sessionsite.tests.conftest import program, with_database  # noqa: F401  (fixtures)

from .factories import make_session

pytestmark = pytest.mark.django_db

UNTIL = datetime(2026, 6, 15, tzinfo=UTC)
TABLES = (Project, LanguageModel, Session, Message, Annotation, SessionSnapshot)


def create(sessions: int = 60, **options):
    return demo.create(**{"sessions": sessions, "until": UNTIL, **options})


def sessions():
    return Session._base_manager.filter(source="demo", external_id__isnull=False)


def everything() -> dict[str, list]:
    """Return all rows but for ids, which go on from what was deleted."""
    left_out = {"id", "session_id", "model_id", "project_id", "parent_message_id"}
    left_out |= {"parent_session_id", "entity_id", "session_state"}
    return {
        table.__name__: [
            {name: value for name, value in row.items() if name not in left_out}
            for row in table._base_manager.order_by("id").values()
        ]
        for table in TABLES
    }


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("demo", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


# -- what is made -------------------------------------------------------------------------------


def test_the_same_seed_makes_the_same_data():
    create()
    first = everything()
    demo.remove()
    create()
    assert everything() == first


def test_another_seed_makes_other_data():
    create()
    first = everything()["Message"]
    demo.remove()
    create(seed=7)
    assert everything()["Message"] != first


def test_a_second_run_writes_nothing():
    report = create()
    assert (report.new, report.unchanged, report.failed, report.skipped) == (60, 0, 0, 0)
    assert report.messages_new == Message._base_manager.count()
    before = everything()
    again = create(until=UNTIL + timedelta(days=3), seed=9)
    assert (again.new, again.unchanged, again.messages_new) == (0, 60, 0)
    assert everything() == before


def test_a_larger_run_adds_what_is_missing():
    create(20)
    report = create(60)
    assert (report.new, report.unchanged) == (40, 20)
    grown = everything()["Message"]
    demo.remove()
    create(60)
    assert everything()["Message"] == grown


def test_a_session_that_was_deleted_for_good_comes_back_alone():
    create()
    writing.delete_session(sessions().order_by("id").first().session_uuid)
    report = create()
    assert (report.new, report.unchanged) == (1, 59)


def test_there_are_twelve_models_eight_projects_and_all_of_them_are_used():
    create()
    assert LanguageModel.objects.count() == len(MODELS) == 12
    assert Project.objects.count() == len(PROJECTS) == 8
    assert 5 <= len({model.provider for model in MODELS}) <= 6
    assert sessions().values("model").distinct().count() == 12
    assert set(sessions().values_list("project__name", flat=True)) >= set(PROJECTS)
    assert not LanguageModel.objects.filter(cost_per_1k_input_tokens=None).exists()
    assert all(model.metadata == {"demo": True} for model in LanguageModel.objects.all())
    assert all(project.description for project in Project.objects.all())


def test_sessions_are_labelled_and_varied():
    create(200)
    assert sessions().count() == Session._base_manager.count() == 200
    assert all(session.metadata["demo"] is True for session in sessions())
    assert not sessions().filter(title__contains="demo").exists()
    statuses = Counter(sessions().values_list("status", flat=True))
    assert set(statuses) == {"active", "completed", "archived", "failed"}
    assert Counter(sessions().values_list("session_type", flat=True))["single"] > 150
    tags = [tag for session in sessions() for tag in session.tags]
    assert 10 <= len(set(tags)) <= 15
    assert max(len(session.tags) for session in sessions()) <= 3
    lengths = sorted(sessions().values_list("total_messages", flat=True))
    assert lengths[0] >= 2
    assert 150 < lengths[-1] <= 210
    assert lengths[-2] <= 60
    assert sum(lengths) / 200 < 16


def test_some_messages_are_errors_and_some_sessions_end_with_one():
    create(200)
    answers = Message.objects.filter(role="assistant")
    errors = answers.exclude(error_message="")
    assert 0.01 < errors.count() / answers.count() < 0.06
    assert not errors.filter(finish_reason="").exists()
    assert len(set(errors.values_list("finish_reason", flat=True))) >= 3
    for session in sessions().filter(status="failed"):
        assert session.messages.in_order().last().error_message
        assert session.completed_at is None


def test_branches_repeat_their_origin_without_tokens_and_cost():
    create()
    branches = list(sessions().filter(parent_session__isnull=False))
    assert len(branches) == 60 // 17
    for branch in branches:
        at = branch.metadata["branched_at"]
        copies = list(branch.messages.in_order()[:at])
        originals = list(branch.parent_session.messages.in_order()[:at])
        assert [copy.content for copy in copies] == [message.content for message in originals]
        assert [copy.metadata["copied_from"] for copy in copies] == [
            message.message_uuid for message in originals
        ]
        assert {(copy.input_tokens, copy.cost) for copy in copies} == {(None, None)}
        assert branch.total_messages > at
        assert branch.started_at >= branch.parent_session.messages.in_order().last().timestamp
        kept = branch.parent_session.snapshots.get(snapshot_type="branch_point")
        assert (kept.sequence_number, len(kept.context_window)) == (at, at)


def test_people_have_rated_tagged_and_noted():
    create(200)
    by_kind = Counter(
        Annotation.objects.values_list("entity_type", "annotation_type").order_by("id")
    )
    assert by_kind["session", "rating"] > 40
    assert by_kind["message", "rating"] > 20
    assert by_kind["session", "tag"]
    assert by_kind["session", "note"]
    ratings = set(Annotation.objects.exclude(rating=None).values_list("rating", flat=True))
    assert ratings == {1, 2, 3, 4, 5}
    assert set(Annotation.objects.values_list("annotator", flat=True)) == {"demo"}
    assert SessionSnapshot.objects.exists()


def test_totals_are_the_sums_of_the_messages():
    create()
    for session in sessions():
        summed = session.messages.aggregate(
            messages=Count("id"),
            sent=Sum("input_tokens", default=0),
            written=Sum("output_tokens", default=0),
            cost=Sum("cost_nanos", default=0),
        )
        assert summed == {
            "messages": session.total_messages,
            "sent": session.total_input_tokens,
            "written": session.total_output_tokens,
            "cost": session.total_cost_nanos,
        }
    assert schema.missing(connection) == []


def test_costs_follow_from_tokens_and_prices():
    create()
    models = {(model.provider, model.name): model for model in MODELS}
    paid = Message.objects.exclude(cost=None).select_related("model")
    assert paid.count() > 100
    for message in paid:
        parts = (message.cache_read_tokens or 0, message.cache_write_5m_tokens or 0)
        assert sum(parts) <= message.input_tokens
        assert (message.reasoning_tokens or 0) <= message.output_tokens
        model = models[message.model.provider, message.model.model_name]
        assert message.cost == cost(model, message.input_tokens, message.output_tokens, *parts)
    assert set(paid.filter(model__provider="ollama").values_list("cost", flat=True)) == {0.0}
    assert paid.filter(cache_read_tokens__gt=0).exists()
    assert paid.filter(reasoning_tokens__gt=0).exists()


@pytest.mark.parametrize("until", [UNTIL, datetime(2026, 1, 5, 15, 37, tzinfo=UTC)])
def test_every_time_lies_within_the_year_and_in_order(until):
    create(200, until=until)
    since = until - timedelta(days=rhythm.DAYS)
    for table in TABLES:
        times = [
            field.name
            for field in table._meta.concrete_fields
            if field.get_internal_type() == "DateTimeField"
        ]
        for row in table._base_manager.values_list(*times):
            assert all(since <= time <= until for time in row if time is not None)
    for session in sessions():
        times = [message.timestamp for message in session.messages.in_order()]
        assert times == sorted(times)


def test_the_year_ends_today_unless_told_otherwise():
    demo.create(sessions=60)
    newest = Message._base_manager.order_by("-timestamp").first().timestamp
    assert timedelta(0) < datetime.now(UTC) - newest < timedelta(days=60)


def test_work_is_done_on_weekdays_and_grows():
    create(500)
    days = [started.weekday() for started in sessions().values_list("started_at", flat=True)]
    assert sum(day < 5 for day in days) > 0.85 * len(days)
    middle = UNTIL - timedelta(days=rhythm.DAYS / 2)
    assert sessions().filter(started_at__gt=middle).count() > 280


def test_tools_are_called_and_answer():
    create()
    calls = Message.objects.filter(content_type="tool_call")
    assert calls.exists()
    for call in calls.filter(metadata__copied_from=None):
        result = call.replies.get()
        assert result.role == "tool"
        assert result.metadata["tool_call_ids"] == [call.tool_calls[0]["id"]]
        assert isinstance(call.tool_calls[0]["arguments"], dict)


def test_searching_finds_something():
    create(120)
    for word in ("barrier", "lifetimes", "Dockerfile", "Gutschein", "ログイン"):
        said = Message.objects.filter(content__icontains=word)
        assert said.exists() or sessions().filter(title__icontains=word).exists(), word


# -- the texts ----------------------------------------------------------------------------------


def test_every_slot_has_its_words_and_every_exchange_its_answer():
    assert len(TOPICS) >= 14
    for topic in TOPICS:
        assert set(SLOT.findall(" ".join((topic.text, *topic.titles)))) == set(topic.slots)
        assert len(topic.exchanges) >= 3
        assert topic.projects
        assert set(topic.projects) <= set(PROJECTS)
    for exchange in (*FOLLOW_UPS, *(each for topic in TOPICS for each in topic.exchanges)):
        assert exchange.ask
        assert exchange.answer
        fences = [line for line in exchange.answer.splitlines() if line.lstrip().startswith("```")]
        assert len(fences) % 2 == 0
        assert {fence.strip("` ") for fence in fences[::2]} <= LEXERS | {"text"}


# -- removing it --------------------------------------------------------------------------------


def test_removing_leaves_nothing():
    create()
    assert demo.remove() == 60
    assert [table._base_manager.count() for table in TABLES] == [0] * len(TABLES)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO messages_fts (messages_fts, rank) VALUES ('integrity-check', 1)"
        )
    assert demo.remove() == 0


def test_removing_leaves_what_is_somebodys_own():
    name = next(iter(PROJECTS))
    project = Project.objects.create(name=name, description="Mine")
    known = LanguageModel.objects.create(provider="openai", model_name="gpt-4o")
    mine = make_session("Mine", "Hello", "Hi", project=project, source="demo")
    imported = make_session("Imported", "Hello", source="chatgpt", external_id="demo-000001")
    create()
    used, answering = LanguageModel.objects.filter(provider="anthropic")[:2]
    writing.add_message(mine.session_uuid, "assistant", "And?", model_id=answering.id)
    other = make_session("Another", model=used, project=Project.objects.get(name="Personal"))
    demo.remove()
    assert set(Session._base_manager.all()) == {mine, imported, other}
    assert Message.objects.count() == 4
    assert set(LanguageModel.objects.all()) == {known, used, answering}
    assert set(Project.objects.values_list("name", flat=True)) == {name, "Personal"}
    project.refresh_from_db()
    known.refresh_from_db()
    assert (project.description, project.metadata) == ("Mine", {})
    assert (known.cost_per_1k_input_tokens, known.metadata) == (None, {})
    other.refresh_from_db()
    assert other.model == used


def test_a_branch_that_a_person_made_stays():
    create()
    origin = sessions().filter(total_messages__gt=4, project__isnull=False).first()
    uuid = writing.branch_session(origin.session_uuid, 4)
    writing.annotate("session", uuid, "rating", rating=5)
    assert demo.remove() == 60
    branch = Session.objects.get(session_uuid=uuid)
    assert (branch.total_messages, branch.parent_session) == (4, None)
    assert (branch.model, branch.project) == (origin.model, origin.project)
    assert Annotation.objects.count() == 1
    assert [LanguageModel.objects.filter(id=origin.model_id).count(), Project.objects.count()] == [
        1,
        1,
    ]
    branch.delete()
    create()
    demo.remove()
    assert LanguageModel.objects.count() == Project.objects.count() == 0


def test_the_trash_counts_as_there_and_is_emptied_of_the_demo():
    create(16)
    sessions().update(deleted_at=UNTIL)
    assert demo.exists()
    report = create(17)  # the seventeenth is a branch of one in the trash
    assert (report.new, report.unchanged) == (1, 16)
    assert demo.remove() == 17
    assert not demo.exists()
    assert Message._base_manager.count() == 0


def test_it_is_known_whether_the_demo_is_there(django_assert_num_queries):
    assert not demo.exists()
    make_session("Mine", source="demo")
    assert not demo.exists()
    create(3)
    with django_assert_num_queries(1):
        assert demo.exists()
    demo.remove()
    assert not demo.exists()


@pytest.mark.parametrize("count", [0, -1, 100_001, 2.5, True, "7"])
def test_a_number_of_sessions_that_cannot_be_meant_is_refused(count):
    with pytest.raises(InvalidValue, match="sessions must be"):
        create(count)


# -- the command --------------------------------------------------------------------------------


@pytest.fixture
def no_files(monkeypatch):
    """The tables are those of the test: the command need not look for a file."""
    monkeypatch.setattr("conversations.databases.files.create_or_check", lambda alias: None)
    monkeypatch.setattr("conversations.databases.files.require", lambda alias: None)


@pytest.mark.usefixtures("no_files")
def test_the_command_says_what_it_did():
    made = run("--sessions", "5", "--seed", "3")
    assert made.startswith(f"Made 5 demo sessions with {Message.objects.count()} messages")
    assert run("--sessions", "5") == "The demo is there already: 5 sessions, none new.\n"
    assert run("--remove") == "Removed 5 demo sessions.\n"
    assert run("--remove") == "There is no demo to remove.\n"
    assert run("--sessions", "1").startswith("Made 1 demo session with ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--sessions", "0"),
        ("--sessions", "-3"),
        ("--sessions", "100001"),
        ("--sessions", "many"),
        ("--remove", "--sessions", "5"),
        ("--remove", "--seed", "5"),
    ],
)
def test_a_wrong_call_is_a_usage_error_and_stores_nothing(arguments):
    with pytest.raises(CommandError, match="--"):
        run(*arguments)
    assert not demo.exists()


def test_the_exit_codes_in_a_shell(with_database):  # noqa: F811
    for wrong in ("--sessions 0", "--sessions many"):
        done = with_database.shell(f"python manage.py demo {wrong}")
        assert (done.returncode, done.stdout) == (2, ""), wrong
        assert "Traceback" not in done.stderr
    assert with_database.ok("python manage.py demo --sessions 3").startswith("Made 3 demo sessions")
    assert with_database.ok("python manage.py demo --remove") == "Removed 3 demo sessions.\n"
