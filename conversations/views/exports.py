"""Taking sessions along as files: what a list shows, in many formats."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from conversations import exporters, exporting
from conversations.errors import SessionsError
from conversations.filters import SessionFilter
from conversations.redacting import Redactor

OWN_FIELDS = ("format", "redact")


@require_safe
def export_page(request: HttpRequest) -> HttpResponse:
    """Let the reader choose how the sessions of a list are written out."""
    query = request.GET.copy()
    for name in OWN_FIELDS:
        query.pop(name, None)
    filters = SessionFilter(query)
    ids = query.getlist("session")
    context = {
        "asked": [(name, value) for name, values in query.lists() for value in values],
        "filters": filters,
        "count": len(ids) if ids else filters.qs.count(),
        "formats": exporters.FORMATS,
    }
    return render(request, "conversations/export.html", context)


@require_safe
def export_file(request: HttpRequest) -> HttpResponse:
    """Stream the sessions of a list as a file, without a limit of rows."""
    format = request.GET.get("format", "")
    if format not in exporters.FORMATS:
        raise Http404(f"There is no format {format[:50]}.")
    has_filters = any(name not in OWN_FIELDS for name in request.GET)
    try:
        redactor = Redactor() if request.GET.get("redact") else None
        sessions = exporting.filtered(request.GET)
        pieces = exporting.write(sessions, format, redactor=redactor, with_catalog=not has_filters)
    except SessionsError as error:  # a search without end, a library that is not installed
        return render(request, "conversations/export_failed.html", {"error": error}, status=503)
    exporter = exporters.FORMATS[format]
    name = f"sessions-{timezone.localdate():%Y-%m-%d}.{exporter.suffix}"
    return StreamingHttpResponse(
        pieces,
        content_type=f"{exporter.content_type}; charset=utf-8",
        headers={"Content-Disposition": content_disposition_header(True, name)},
    )
