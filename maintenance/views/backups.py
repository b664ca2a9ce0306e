"""Backups: their list, proving, taking along, deleting and restoring them."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from conversations import tasks
from conversations.errors import InvalidValue, SessionsError
from conversations.pages import say, say_error
from maintenance import backups, restoring
from maintenance.models import Backup, RunKind

from .shared import begin, staff_only, tabs


@staff_only
@require_safe
def list_backups(request: HttpRequest) -> HttpResponse:
    """Show the backups whose files are there."""
    rows = [row for row in Backup.objects.filter(gone_at=None) if Path(row.path).is_file()]
    context = {
        "rows": rows,
        "last_proven": backups.last_proven(),
        "has_worker": tasks.has_worker(),
        "tabs": tabs(),
    }
    return render(request, "maintenance/backups.html", context)


def _find(pk: int) -> Backup:
    """Return a backup whose file is there, or answer 404."""
    row = get_object_or_404(Backup, pk=pk, gone_at=None) if pk < 2**63 else None
    if row is None or not Path(row.path).is_file():
        raise Http404
    return row


@staff_only
@require_safe
def download(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a backup as a file."""
    path = Path(_find(pk).path)
    return FileResponse(path.open("rb"), as_attachment=True, filename=path.name)


@staff_only
@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a backup, unless it is the only one that was proven."""
    row = _find(pk)
    proven = backups.last_proven()
    others = Backup.objects.filter(gone_at=None, proven_at__isnull=False).exclude(pk=row.pk)
    is_only = proven is not None and proven.pk == row.pk and not any(
        Path(other.path).is_file() for other in others)  # fmt: skip
    if request.POST.get("confirm", "").strip().lower() != "delete":
        say_error(request, InvalidValue("To delete a backup, type the word delete beside it."))
    elif is_only:
        say_error(request, InvalidValue("It is the only proven backup. Prove another one first."))
    else:
        Path(row.path).unlink(missing_ok=True)
        Backup.objects.filter(pk=row.pk).update(gone_at=timezone.now())
        say(request, f"{row.name} deleted.")
    return redirect("maintenance-backups")


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def restore(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what restoring a backup would change, and do it once its name was typed."""
    row = _find(pk)
    context = {
        "row": row,
        "crumbs": [(reverse("maintenance-backups"), "Backups")],
        "has_worker": tasks.has_worker(),
    }
    if request.method == "POST":
        if request.POST.get("confirm", "").strip() == row.name:
            return begin(request, RunKind.RESTORE, file=row.path)
        context["error"] = "Type the name of the backup as it stands here."
    try:
        context["preview"] = restoring.preview(
            Path(row.path), passphrase=settings.BACKUP_PASSPHRASE or None
        )
    except SessionsError as error:
        context["refused"] = str(error)
    return render(request, "maintenance/restore.html", context)
