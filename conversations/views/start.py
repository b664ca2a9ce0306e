"""Ways in: importing, demo data, connecting a program; and help."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from conversations import demo, importers, organising, storing
from conversations.forms import SessionForm, UploadForm
from conversations.models import Session
from conversations.models.choices import SessionStatus
from conversations.pages import say
from conversations.storing import ImportReport

LONGEST_NAME = 240  # bytes; file systems take 255


@require_http_methods(["GET", "HEAD", "POST"])
def import_page(request: HttpRequest) -> HttpResponse:
    """Take files in and say what became of them."""
    form = UploadForm(request.POST or None, request.FILES or None)
    report = None
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        report = import_files(given["files"], project=given["project"], dry_run=given["dry_run"])
    context = {
        "form": form,
        "report": report,
        "is_dry_run": report is not None and form.cleaned_data["dry_run"],
        "formats": [module.LABEL for module in importers.FORMATS.values()],
        "limit": settings.UPLOAD_LIMIT_MB,
    }
    return render(request, "conversations/import.html", context)


def import_files(
    files: list[UploadedFile], *, project: str | None = None, dry_run: bool = False
) -> ImportReport:
    """Store the conversations in uploaded files; see `storing.store`."""
    with TemporaryDirectory(prefix="import-") as folder:
        places = []
        for number, file in enumerate(files):
            # Under its own name, which the report gives; a folder each, as names may be equal.
            place = Path(folder, str(number), _file_name(file.name or ""))
            place.parent.mkdir()
            with place.open("wb") as copy:
                for chunk in file.chunks():
                    copy.write(chunk)
            places.append(place)
        found = importers.find(places)
        left_out = (("", item) for item in found.unrecognised)
        items = chain(left_out, importers.read(found))
        report = storing.store(items, project=project, dry_run=dry_run)
    # Where a file lay for a moment tells nobody anything.
    inside = re.compile(rf"^{re.escape(folder)}/\d+/")
    for records in (report.skipped_records, report.failed_records):
        records[:] = [replace(record, place=inside.sub("", record.place)) for record in records]
    return report


def _file_name(name: str) -> str:
    """Return a name without folders and without characters that a file system may refuse."""
    name = re.sub(r"[^\w .()-]+", "_", name.replace("\\", "/").rpartition("/")[2]).strip(". ")
    return name.encode()[-LONGEST_NAME:].decode(errors="ignore").strip(". ") or "file"


@require_POST
def demo_data(request: HttpRequest) -> HttpResponse:
    """Fill an installation with made-up conversations, or take them away again."""
    if "remove" in request.POST:
        count = demo.remove()
        say(request, f"Demo data removed: {organising.counted(count)}.")
    else:
        report = demo.create()
        say(request, f"Demo data added: {organising.counted(report.new)}.")
    return redirect("sessions")


@require_safe
def connect(request: HttpRequest) -> HttpResponse:
    """Show how a program writes into the database: snippets that work as they stand."""
    path = Path(settings.DATABASES["default"]["NAME"])
    # Where things lie on the server is for those who look after it.
    if request.user.is_staff:
        context = {"folder": settings.BASE_DIR, "database": path}
    else:
        context = {"folder": "path/to/llm-sessions", "database": path.name}
    return render(request, "conversations/connect.html", context)


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    """Show every component in every state, for those who build pages."""
    if not request.user.is_staff:
        raise PermissionDenied
    rows = Session.objects.with_names().defer("system_prompt", "description", "metadata")[:3]
    form = SessionForm({"title": "x" * 2000, "status": "active", "temperature": "9"})
    form.is_valid()
    context = {
        "form": SessionForm(),
        "wrong_form": form,
        "rows": rows,
        "statuses": SessionStatus.choices,
        "tabs": [("#a", "Open", 12), ("#b", "Closed", 3), ("#c", "Without a number", None)],
        "crumbs": [("#", "Projects"), ("#", "Kitchen")],
        "amounts": [Decimal("0"), Decimal("0.000123"), Decimal("0.0123"), Decimal("1234.5")],
        "counts": [0, 950, 12_345, 9_876_543_210],
        "durations": [12, 4_200, 75_000, 200_000_000],
    }
    return render(request, "conversations/styleguide.html", context)


@require_safe
def keys(request: HttpRequest) -> HttpResponse:
    return render(request, "conversations/keys.html")
