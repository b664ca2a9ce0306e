#!/usr/bin/env python3
"""Put a word of its own in each place that may hold text of a session, erase it, look for each.

    python benchmarks/canary.py --sessions 2000

Looks at every byte of the database, its WAL and shared memory, the data folder and temporary
files, once with all figures gone and once with figures kept. Exit code 1 if a word is left.
"""

from __future__ import annotations

import argparse
import os
import random
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=200, help="beside, of ten messages each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep-figures", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.folder:
        return tried(options)
    worst = 0
    for more in ([], ["--keep-figures"]):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for made in ("data", "tmp"):
                (folder / made).mkdir()
            words = [__file__, "--folder", name, *more]
            words += ["--sessions", str(options.sessions), "--seed", str(options.seed)]
            env = {
                **os.environ, "DATABASE_URL": f"sqlite:///{folder / 'sessions.db'}",
                "SESSIONS_DATA": str(folder / "data"), "TMPDIR": str(folder / "tmp"),
                "DJANGO_SETTINGS_MODULE": "sessionsite.settings",
            }  # fmt: skip
            worst = max(worst, subprocess.call([sys.executable, *words], env=env))
    return worst


def tried(options: argparse.Namespace) -> int:
    """Fill, erase and look, in the folder of this process; return the exit code."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections

    from maintenance import checking, erasing

    call_command("migrate", verbosity=0)
    words = Words(random.Random(options.seed))
    fill(options.sessions)
    session = plant(words)
    planted = found(files_in(options.folder), words)
    size = (options.folder / "sessions.db").stat().st_size
    began = time.perf_counter()
    receipt = erasing.erase([session.pk], keeps_figures=options.keep_figures)
    seconds = time.perf_counter() - began
    wrong = [text.splitlines()[0] for text in map(str, checking.check())]
    connections.close_all()
    left = found(files_in(options.folder), words)
    print(
        f"{'figures kept' if options.keep_figures else 'figures gone'}: {len(words)} places,"
        f" {size / 1e6:,.1f} MB, erased in {seconds:.1f} s,"
        f" {'complete' if receipt.is_complete else 'NOT COMPLETE'}, {len(left)} left"
    )
    for place in words:
        if place not in planted:
            print(f"    never in a file, so it proves nothing: {place}")
        if place in left:
            print(f"    LEFT: {place}: {', '.join(left[place])}")
    for text in wrong:
        print(f"    WRONG: {text}")
    return 1 if left or wrong or len(planted) < len(words) or not receipt.is_complete else 0


class Words(dict):
    """A word for each place, made when it is asked for; none is the beginning of another."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self.chance = chance

    def __missing__(self, place: str) -> str:
        # Drawn whole: an index keeps of words with one beginning only the ends.
        self[place] = "".join(self.chance.choices(string.ascii_lowercase, k=20))
        return self[place]


def files_in(folder: Path) -> list[Path]:
    """Return all files in a folder and its folders."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def found(files: Iterable[Path], words: Words) -> dict[str, list[str]]:
    """Return for each place whose word is in a file, in any case or UTF-16, which files."""
    there: dict[str, list[str]] = {}
    for file in files:
        content = file.read_bytes().lower()
        for place, word in words.items():
            if any(word.encode(code) in content for code in ("ascii", "utf-16-le", "utf-16-be")):
                there.setdefault(place, []).append(file.name)
    return there


def fill(count: int) -> None:
    """Store other sessions, so that pages and parts of indexes are shared."""
    from sessionsite.manager import SessionManager

    with SessionManager() as manager:
        for number in range(count):
            uuid = manager.create_session(f"Session {number}")
            said = [{"role": "user", "content": f"tea and bread {n} " * 9} for n in range(10)]
            manager.add_messages(uuid, said)


def plant(words: Words):
    """Store a session with a word in each place, put it in the trash, and return it."""
    from django.contrib.auth import get_user_model

    from conversations import changes, organising, writing
    from conversations.models import Annotation, LanguageModel, Message, Session, SessionSnapshot

    user = get_user_model().objects.create(username="benchmark", is_staff=True)
    model = LanguageModel.objects.create(provider="acme", model_name="m-1")
    session = Session.objects.create(
        session_uuid=writing.new_id(), started_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
        title=words["title, before it was edited"], description=words["description"],
        system_prompt=words["system prompt"], tags=[words["tag"]], source="codex", model=model,
        metadata={"note": words["metadata of the session"]}, external_id=words["external id"],
        parent_external_id=words["external id of the parent"],
    )  # fmt: skip

    def say(number: int, **columns):
        return Message.objects.create(
            session=session, message_uuid=writing.new_id(), sequence_number=number,
            timestamp=session.started_at, **columns,
        )  # fmt: skip

    question = say(1, role="user", content=words["message, before it was edited"])
    answer = say(
        2, role="assistant", model=model, content=words["answer"], input_tokens=7, cost=0.5,
        output_tokens=9, latency_ms=800, error_message=words["error of a message"],
        metadata={"thinking": words["metadata of a message"], "is_error": True},
        tool_calls=[{"name": words["tool"], "arguments": {"q": words["argument of a tool"]}}],
        function_call={"name": "f", "arguments": words["function call"]},
        external_id=words["external id of a message"],
    )  # fmt: skip
    for kind, pk in (("session", session.pk), ("message", question.pk)):
        Annotation.objects.create(
            annotation_uuid=writing.new_id(), entity_type=kind, entity_id=pk,
            annotation_type="note", content=words[f"annotation of the {kind}"],
            metadata={"by": words[f"metadata of an annotation of the {kind}"]},
        )  # fmt: skip
    SessionSnapshot.objects.create(
        session=session, sequence_number=1, description=words["description of a snapshot"],
        session_state={"a": words["state of a snapshot"]},
    )  # fmt: skip
    changes.edit(session, {"title": words["title"]}, "Session changed", user=user)
    changes.edit(question, {"content": words["message"]}, "Message 1 changed", user=user)
    gone = say(3, role="user", content=words["message that was deleted"])
    changes.delete_and_keep(gone, "Message 3 deleted", user=user)
    plant_around(words, session, question, answer, user)
    organising.trash(Session.objects.filter(pk=session.pk), user=user)
    session.refresh_from_db()
    return session


def plant_around(words: Words, session, question, answer, user) -> None:
    """Put words where other tables speak of the session."""
    from django.contrib.admin.models import CHANGE, LogEntry
    from django.contrib.contenttypes.models import ContentType

    from analytics import models as analytics
    from analytics.comparisons import recording, storing
    from conversations import models, writing

    LogEntry.objects.create(
        user=user, content_type=ContentType.objects.get_for_model(models.Session),
        object_id=str(session.pk), object_repr=words["log of the administrator"],
        action_flag=CHANGE, change_message=words["message of that log"],
    )  # fmt: skip
    job = models.BatchJob.objects.create(
        job_uuid=writing.new_id(), name="Batch", job_type="standard"
    )
    models.BatchItem.objects.create(
        batch_job=job, session=session, item_index=0, error_message=words["error of a batch item"],
        input_data={"a": words["input of a batch item"]},
        result_data={"a": words["result of a batch item"]},
    )  # fmt: skip
    flow = models.Workflow.objects.create(
        workflow_uuid=writing.new_id(), name="Flow", workflow_definition={}
    )
    execution = models.WorkflowExecution.objects.create(
        execution_uuid=writing.new_id(), workflow=flow
    )
    models.WorkflowStep.objects.create(
        workflow_execution=execution, session=session, step_name="Step", step_index=0,
        input_data={"a": words["input of a workflow step"]},
        output_data={"a": words["output of a workflow step"]},
        error_message=words["error of a workflow step"],
    )  # fmt: skip
    entry = models.Import.objects.create(import_uuid=writing.new_id(), names=["file"])
    label = models.Session._meta.label
    models.ImportChunk.objects.create(
        of=entry, first_session=session.pk, last_session=session.pk,
        steps=[
            {"set": ["title"], "of": label, "became": ["x"],
             "was": [[[words["title that an import replaced"]], [session.pk]]]},
        ],
    )  # fmt: skip
    group = recording.create_group("A or B", primary_metric="latency_ms")
    recording.link_sessions(group, "A", [session.session_uuid])
    group = analytics.ComparisonGroup.objects.get(pk=getattr(group, "pk", group))
    linked = analytics.ComparisonSession.objects.filter(session=session)
    linked.update(variant_config={"a": words["variant of a comparison"]})
    prompt = analytics.ComparisonPrompt.objects.create(
        comparison_group=group, prompt_key="p", text=question.content or "",
        inputs={"a": words["inputs of a prompt"]},
    )  # fmt: skip
    for about in ({"session": session}, {"message": answer}):
        name = next(iter(about))
        analytics.ComparisonResult.objects.create(
            comparison_group=group, metric_name="quality", metric_value=1.0, prompt=prompt,
            variant_name="A", notes=words[f"notes of a result of the {name}"],
            error=words[f"error of a result of the {name}"],
            metadata={"a": words[f"metadata of a result of the {name}"]}, **about,
        )  # fmt: skip
    analytics.ComparisonVote.objects.create(
        comparison_group=group, prompt=prompt, variant_a="A", variant_b="B", outcome="a",
        message_a=answer, notes=words["notes of a vote"],
    )  # fmt: skip
    storing.report_of(group)


if __name__ == "__main__":
    sys.exit(main())
