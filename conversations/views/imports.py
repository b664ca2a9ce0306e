"""Importing on pages: files are taken in here and stored by the worker."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings
from django.core.files.move import file_move_safe
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from conversations import importers, importing, locks, tasks
from conversations.errors import InvalidValue
from conversations.forms import UploadForm
from conversations.models import Import, RejectedRecord
from conversations.pages import render_page, say, say_error

LONGEST_NAME = 240  # bytes; file systems take 255
LISTED = 25
PARTS = {"import-state": "conversations/_import_state.html"}


@require_http_methods(["GET", "HEAD", "POST"])
def import_page(request: HttpRequest) -> HttpResponse:
    """Take files in, and show what was imported before."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        options = {
            "project": given["project"] or None,
            "dry_run": given["dry_run"],
            "with_deleted": given["with_deleted"],
        }
        return redirect(take_in(given["files"], user=request.user, options=options))
    importing.settle()
    imports = Paginator(Import.objects.select_related("user"), LISTED)
    context = {
        "form": form,
        "page": imports.get_page(request.GET.get("page", "1")),
        "formats": [module.LABEL for module in importers.FORMATS.values()],
        "limit": settings.UPLOAD_LIMIT_MB,
        "rejected": RejectedRecord.objects.count(),
    }
    return render(request, "conversations/import.html", context)


def take_in(files: list[UploadedFile], *, user, options: dict) -> Import:
    """Keep uploaded files until the worker has stored them, and put the import in line."""
    names = [_file_name(file.name or "") for file in files]
    entry = importing.begin(names, user=user, options=options)
    folder = locks.folder() / "uploads" / entry.import_uuid
    for number, (name, file) in enumerate(zip(names, files, strict=True)):
        # A folder each: two may have the same name.
        place = folder / f"{number:04}" / name
        place.parent.mkdir(mode=0o700, parents=True)
        _keep(file, place)
    tasks.run_import.enqueue(entry.import_uuid)
    return entry


def _keep(file: UploadedFile, place: Path) -> None:
    if hasattr(file, "temporary_file_path"):  # moved, not copied: it may have gigabytes
        file_move_safe(file.temporary_file_path(), place)
        return
    with place.open("wb") as copy:
        for chunk in file.chunks():
            copy.write(chunk)


def _file_name(name: str) -> str:
    """Return a name without folders and without characters that a file system may refuse."""
    name = re.sub(r"[^\w .()-]+", "_", name.replace("\\", "/").rpartition("/")[2]).strip(". ")
    return name.encode()[-LONGEST_NAME:].decode(errors="ignore").strip(". ") or "file"


@require_safe
def import_detail(request: HttpRequest, import_uuid: str) -> HttpResponse:
    """Show how far an import is, or what became of it."""
    importing.settle()
    entry = get_object_or_404(Import.objects.select_related("user"), import_uuid=import_uuid)
    context = {
        "import": entry,
        "report": entry.report,
        "is_dry_run": entry.options.get("dry_run", False),
        "crumbs": [(reverse("import"), "Import")],
        "has_worker": not entry.is_busy or tasks.has_worker(),
    }
    return render_page(request, "conversations/import_detail.html", context, parts=PARTS)


@require_POST
def import_cancel(request: HttpRequest, import_uuid: str) -> HttpResponse:
    entry = get_object_or_404(Import, import_uuid=import_uuid)
    importing.cancel(entry)
    return redirect(entry)


@require_POST
def import_undo(request: HttpRequest, import_uuid: str) -> HttpResponse:
    """Put taking an import back in line."""
    entry = get_object_or_404(Import, import_uuid=import_uuid)
    try:
        importing.ask_to_undo(entry)
    except InvalidValue as error:
        say_error(request, error)
    else:
        tasks.undo_import.enqueue(entry.import_uuid)
    return redirect(entry)


@require_POST
def import_retry(request: HttpRequest) -> HttpResponse:
    """Put another try at what could not be read in line."""
    if not RejectedRecord.objects.exists():
        say(request, "Nothing is waiting to be tried again.")
        return redirect("import")
    entry = importing.begin(["Another try"], user=request.user, options=tasks.RETRY)
    tasks.run_import.enqueue(entry.import_uuid)
    return redirect(entry)
