"""What the maintenance pages share: who may see them, tabs, and starting a run."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from maintenance import runs
from maintenance.models import RunKind
from maintenance.tasks import do_run

TABS = (
    ("maintenance", "State"),
    ("maintenance-backups", "Backups"),
    ("maintenance-runs", "History"),
    ("maintenance-sizes", "Sizes"),
    ("retention", "Retention"),
    ("erasures", "Erasures"),
)


def staff_only(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Refuse (403) those who do not look after this installation."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_staff:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded


def tabs() -> list[tuple[str, str, None]]:
    """Return the tabs of these pages."""
    return [(reverse(name), label, None) for name, label in TABS]


def begin(request: HttpRequest, kind: RunKind, **options: Any) -> HttpResponse:
    """Make a run, put it in line, and go to its page."""
    entry = runs.begin(kind, user=request.user, options=options)
    do_run.enqueue(entry.run_uuid)
    return redirect("maintenance-run", entry.run_uuid)
