"""What real files say is what the database holds. Skipped where the samples are not here."""

from __future__ import annotations

import json
from collections import Counter
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db.models import Count, Q, Sum

from conversations.models import Message, Session

pytestmark = pytest.mark.django_db


def run_import(*paths) -> tuple[dict, int]:
    """Run the command; return its report and its exit code."""
    out = StringIO()
    try:
        call_command("import", *map(str, paths), format="json", stdout=out, stderr=StringIO())
        code = 0
    except SystemExit as stopped:
        code = stopped.code
    return json.loads(out.getvalue()), code


@pytest.fixture
def samples(shared) -> Path:
    return shared / "samples"


@pytest.fixture
def expected(samples) -> dict:
    return json.loads((samples / "EXPECTED.json").read_text(encoding="utf-8"))


def test_a_second_import_of_the_samples_writes_nothing(samples):
    folders = samples / "claude-code", samples / "chatgpt"
    first, code = run_import(*folders)
    assert code == 3  # six lines of the hand-made cases are no records, on purpose
    assert (first["failed"], first["unchanged"]) == (6, 0)
    assert first["new"] > 90
    second, _ = run_import(*folders)
    assert (second["new"], second["updated"]) == (0, 0)
    assert (second["messages_new"], second["messages_updated"]) == (0, 0)


def test_the_tokens_of_every_model_are_those_of_the_logs(samples, expected):
    """A response counts once, however many records, files and sub-agents repeat it."""
    wanted: dict[str, Counter] = {}
    for file in expected["claude-code"].values():
        for model, usage in file["by_model"].items():
            wanted.setdefault(model, Counter()).update(usage)
    _, code = run_import(samples / "claude-code" / "claude-code-log")
    assert code == 0
    answers = Message.objects.filter(role="assistant", model__isnull=False)
    stored = {
        row.pop("model__model_name"): row
        for row in answers.values("model__model_name").annotate(
            all_input=Sum("input_tokens"),
            output=Sum("output_tokens"),
            read=Sum("cache_read_tokens"),
            written_5m=Sum("cache_write_5m_tokens"),
            written_1h=Sum("cache_write_1h_tokens"),
        )
    }
    assert set(stored) == set(wanted)
    for model, row in stored.items():
        usage = wanted[model]
        assert row["output"] == usage["output_tokens"], model
        assert row["read"] == usage["cache_read_input_tokens"], model
        written = (row["written_5m"] or 0) + (row["written_1h"] or 0)
        assert written == usage["cache_creation_input_tokens"], model
        assert row["all_input"] == usage["input_tokens"] + row["read"] + written, model


def test_the_responses_of_every_log_are_stored(samples, expected):
    run_import(samples / "claude-code" / "claude-code-log")
    sessions = Session.objects.annotate(answers=Count("messages", Q(messages__role="assistant")))
    for name, file in expected["claude-code"].items():
        stem = Path(name).stem
        own = {"external_id": stem}
        if stem.startswith("agent-"):
            own = {"external_id__endswith": "/" + stem.removeprefix("agent-")}
        stored = sum(session.answers for session in sessions.filter(**own))
        assert stored == file["assistant responses (unique message.id)"], name


def test_the_conversations_of_chatgpt_are_stored_with_their_branches(samples, expected):
    _, code = run_import(samples / "chatgpt")
    assert code == 0
    stored = []
    for session in Session.objects.all():
        messages = session.messages.order_by()
        roles = dict(messages.values_list("role").annotate(Count("id")))
        stored.append((messages.count(), messages.filter(is_active_path=True).count(), roles))
    assert sorted(stored, key=str) == sorted(
        (
            (
                file["messages"],
                file["on active path"],
                {k.removeprefix("role "): n for k, n in file.items() if k.startswith("role ")},
            )
            for file in expected["chatgpt"].values()
        ),
        key=str,
    )


def test_every_imported_session_opens(samples, client, alice):
    run_import(samples / "claude-code", samples / "chatgpt")
    client.force_login(alice)
    for session in Session.objects.all():
        response = client.get(session.get_absolute_url())
        assert response.status_code == 200, session
