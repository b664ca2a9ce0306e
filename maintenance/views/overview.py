"""How the file is, what was done to it and what is being done, and where its bytes are."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from conversations import tasks
from conversations.errors import InvalidValue
from conversations.pages import render_list, render_page, row_key, say_error
from maintenance import backups, database, runs, space
from maintenance.models import Backup, MaintenanceRun, RunKind, RunStatus
from maintenance.tables import RunTable

from .shared import begin, staff_only, tabs

STARTED_HERE = (RunKind.BACKUP, RunKind.PROOF, RunKind.CHECK, RunKind.ANALYZE, RunKind.VACUUM,
                RunKind.RETENTION, RunKind.ERASURE)  # fmt: skip
SHOWN = 8  # runs on the first page


@staff_only
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show how the file is, and what can be done."""
    measured = space.measure()
    path = Path(connection.settings_dict["NAME"])
    proven = backups.last_proven()
    since = timezone.now() - timedelta(days=settings.BACKUP_MAX_AGE_DAYS or 36_500)
    all_runs = MaintenanceRun.objects.select_related("user")
    context = {
        "path": path,
        "space": measured,
        "disk_free": shutil.disk_usage(path.parent).free,
        "is_worth_it": measured.share >= space.WORTH_SHARE and measured.free >= space.WORTH_BYTES,
        "last": Backup.objects.exclude(manifest={}).filter(gone_at=None).first(),
        "proven": proven,
        "is_old": proven is None or proven.proven_at < since,
        "max_age": settings.BACKUP_MAX_AGE_DAYS,
        "last_check": all_runs.filter(kind=RunKind.CHECK, status=RunStatus.DONE).first(),
        "busy": [run for run in all_runs.filter(status__in=_BUSY)[:SHOWN] if run.is_busy],
        "recent": all_runs[:SHOWN],
        "has_worker": tasks.has_worker(),
        "tabs": tabs(),
    }
    return render(request, "maintenance/overview.html", context)


_BUSY = (RunStatus.WAITING, RunStatus.RUNNING)


@staff_only
@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Start what a button says, in the worker."""
    kind = request.POST.get("kind", "")
    if kind not in STARTED_HERE:
        say_error(request, InvalidValue("There is nothing of this kind that can be started."))
        return redirect("maintenance")
    options = {}
    if kind == RunKind.PROOF:
        newest = _to_prove(request.POST.get("backup", ""))
        if newest is None:
            say_error(request, InvalidValue("There is no such backup to prove."))
            return redirect("maintenance-backups")
        options = {"file": newest.path}
    return begin(request, RunKind(kind), **options)


def _to_prove(pk: str) -> Backup | None:
    rows: QuerySet[Backup] = Backup.objects.filter(gone_at=None)
    if pk:
        return rows.filter(pk=row_key(pk)).first()
    return next((row for row in rows if Path(row.path).is_file()), None)


@staff_only
@require_safe
def list_runs(request: HttpRequest) -> HttpResponse:
    """Show what was done, and let it be filtered by kind and state."""
    found = MaintenanceRun.objects.all()
    kind, status = request.GET.get("kind", ""), request.GET.get("status", "")
    if kind in RunKind.values:
        found = found.filter(kind=kind)
    if status in RunStatus.values:
        found = found.filter(status=status)
    table = RunTable(found, rows=found.select_related("user"), request=request)
    context = {
        "table": table,
        "kinds": [(value, label, value == kind) for value, label in RunKind.choices],
        "statuses": [(value, label, value == status) for value, label in RunStatus.choices],
        "tabs": tabs(),
    }
    return render_list(request, "maintenance/runs.html", context, part="tables/_listing.html")


@staff_only
@require_safe
def show_run(request: HttpRequest, uuid: str) -> HttpResponse:
    """Show how far a run is, or what came of it."""
    if not uuid.isprintable():
        raise Http404
    run = get_object_or_404(MaintenanceRun.objects.select_related("user"), run_uuid=uuid)
    if run.status == RunStatus.RUNNING and runs.is_dead(run):
        run.status, run.error = RunStatus.STOPPED, "The process ended in the midst of it."
    context = {
        "run": run,
        "facts": list(_facts(run)),
        "findings": run.report.get("findings", [])[:50] if isinstance(run.report, dict) else [],
        "has_worker": tasks.has_worker(),
        "crumbs": [(reverse("maintenance"), "Maintenance"), (reverse("maintenance-runs"), "Runs")],
    }
    parts = {"run-state": "maintenance/_run_state.html"}
    return render_page(request, "maintenance/run.html", context, parts=parts)


def _facts(run: MaintenanceRun):
    """Yield what of a run's options and report can be said in a line."""
    for source in (run.options, run.report):
        if not isinstance(source, dict):
            continue
        for name, value in source.items():
            if isinstance(value, dict) and "state" in value:  # of a scheduled run
                yield name.capitalize(), f"{value['state']}: {value.get('said', '')}".strip(": ")
            elif isinstance(value, bool | int | float | str) and value != "":
                shown = {True: "yes", False: "no"}.get(value, value) if isinstance(
                    value, bool) else value  # fmt: skip
                yield name.replace("_", " ").capitalize(), str(shown)[:300]


@staff_only
@require_safe
def show_sizes(request: HttpRequest) -> HttpResponse:
    """Show where the bytes of the file are."""
    found = database.sizes()
    context = {
        "sizes": found,
        "totals": [(label, found.total(kind)) for kind, label in _kinds(found)],
        "tabs": tabs(),
    }
    return render(request, "maintenance/sizes.html", context)


def _kinds(found: database.Sizes) -> list[tuple[str, str]]:
    labels = {"table": "Tables", "index": "Indexes", "search": "Search index"}
    kinds = dict.fromkeys(part.kind for part in found.parts)
    return [(kind, labels.get(kind, str(kind).capitalize())) for kind in kinds]
