"""Comparisons: their list, one with its report, making one and adding to it."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count, F
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from analytics.comparisons import drawing, exporting, importing, recording, storing
from analytics.comparisons.tables import ComparisonTable
from analytics.forms import ComparisonFileForm, ComparisonForm, VariantForm
from analytics.models import ComparisonGroup
from conversations import reading
from conversations.errors import InvalidValue, SessionsError
from conversations.pages import render_list, say, say_error

PER_PAGE = 50
MOST_UPLOADED = 50_000_000  # bytes of a file of votes
MOST_LISTED = 20  # wrong lines that a page names
ORDERED = {
    "worst": ["place"],
    "best": [F("delta").desc(nulls_last=True), "prompt_key"],
    "prompt": ["prompt_key"],
}
ORDERS = {"worst": "Worst for B first", "best": "Best for B first", "prompt": "By prompt"}


def find(uuid: str) -> ComparisonGroup:
    """Return the comparison of an address, or answer 404."""
    if not uuid.isprintable():
        raise Http404
    return get_object_or_404(ComparisonGroup.objects.select_related("project"), group_uuid=uuid)


@require_safe
def list_comparisons(request: HttpRequest) -> HttpResponse:
    """Show all comparisons with what was last said of them."""
    table = ComparisonTable(ComparisonGroup.objects.all(), request=request)
    return render_list(
        request, "analytics/comparisons.html", {"table": table}, part="tables/_listing.html"
    )


@require_safe
def show_comparison(request: HttpRequest, uuid: str) -> HttpResponse:
    """Show a comparison: may it be compared, how big is the difference, is it decided."""
    group = find(uuid)
    stored = storing.report_of(group)
    report = drawing.shown(stored.report)
    order = request.GET.get("sort", "")
    order = order if order in ORDERS else "worst"
    prompts = stored.prompts.order_by(*ORDERED[order])
    page = Paginator(prompts, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "group": group,
        "report": report,
        "computed_at": stored.computed_at,
        "page": page,
        "prompts": drawing.prompt_rows(report, [prompt.row for prompt in page.object_list]),
        "orders": [(key, label, key == order) for key, label in ORDERS.items()],
        "crumbs": [(reverse("comparisons"), "Comparisons")],
        "formats": exporting.FORMATS,
    }
    return render(request, "analytics/comparison.html", context)


@require_safe
def download_report(request: HttpRequest, uuid: str, format: str) -> HttpResponse:
    """Send the report as a file."""
    group = find(uuid)
    if format not in exporting.FORMATS:
        raise Http404
    text = exporting.export(storing.report_of(group).whole(), format)
    name = f"comparison-{group.group_uuid[:12]}.{format}"
    headers = {"Content-Disposition": content_disposition_header(True, name)}
    return HttpResponse(
        text, content_type=f"{exporting.FORMATS[format]}; charset=utf-8", headers=headers
    )


@require_POST
def refresh(request: HttpRequest, uuid: str) -> HttpResponse:
    """Compute the report anew, whatever has changed."""
    group = find(uuid)
    storing.report_of(group, refresh=True)
    say(request, "Computed anew.")
    return redirect(group)


@require_http_methods(["GET", "HEAD", "POST"])
def new_comparison(request: HttpRequest) -> HttpResponse:
    """Make a comparison; its variants are added on the next page."""
    form = ComparisonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        group = recording.create_group(**_columns(form))
        return redirect("comparison-add", group.group_uuid)
    return render(request, "analytics/comparison_form.html", _form(form, "New comparison"))


@require_http_methods(["GET", "HEAD", "POST"])
def edit_comparison(request: HttpRequest, uuid: str) -> HttpResponse:
    """Change what a comparison is called and planned as."""
    group = find(uuid)
    form = ComparisonForm(request.POST or None, instance=find(uuid))
    if request.method == "POST" and form.is_valid():
        recording.change_group(group, **_columns(form), completed=form.cleaned_data["is_done"])
        say(request, "Saved.")
        return redirect(group)
    crumb = (group.get_absolute_url(), group.name)
    return render(request, "analytics/comparison_form.html", _form(form, "Edit", crumb))


def _columns(form: ComparisonForm) -> dict[str, Any]:
    return {name: form.cleaned_data[name] for name in ComparisonForm.Meta.fields}


def _form(form: ComparisonForm, title: str, *crumbs: tuple[str, str]) -> dict[str, Any]:
    crumbs = ((reverse("comparisons"), "Comparisons"), *crumbs)
    return {"form": form, "title": title, "crumbs": crumbs, "back": crumbs[-1][0]}


@require_http_methods(["GET", "HEAD", "POST"])
def add_to_comparison(request: HttpRequest, uuid: str) -> HttpResponse:
    """Add sessions to a variant, or votes and results from a file."""
    group = find(uuid)
    is_file = request.method == "POST" and "upload" in request.POST
    is_variant = request.method == "POST" and not is_file
    form = VariantForm(request.POST if is_variant else None)
    upload = ComparisonFileForm(
        request.POST if is_file else None, request.FILES if is_file else None
    )
    outcome = None
    if is_variant and form.is_valid() and _add_sessions(request, group, form):
        return redirect("comparison-add", group.group_uuid)
    if is_file and upload.is_valid():
        outcome = _add_file(group, upload)
    links = group.variants.order_by().values("variant_name").annotate(n=Count("pk"))
    context = {
        "group": group,
        "form": form,
        "upload": upload,
        "outcome": outcome,
        "most_listed": MOST_LISTED,
        "variants": links.order_by("variant_name"),
        "crumbs": [
            (reverse("comparisons"), "Comparisons"), (group.get_absolute_url(), group.name),
        ],
    }  # fmt: skip
    return render(request, "analytics/comparison_add.html", context)


def _add_sessions(request: HttpRequest, group: ComparisonGroup, form: VariantForm) -> bool:
    variant, query = form.cleaned_data["variant"], form.cleaned_data["query"]
    ids = form.cleaned_data["sessions"].split()
    new, field = 0, "variant"
    try:
        recording.variant_key("variant", variant)
        with transaction.atomic():
            field = "sessions"
            if not ids and not query:
                raise InvalidValue("Give the ids of sessions, or a filter.")
            if ids:
                new += recording.link_sessions(group, variant, ids)
            field = "query"
            if query:
                new += recording.link_query(group, variant, query)
    except SessionsError as error:
        where = _line_of_unknown(form.cleaned_data["sessions"]) if field == "sessions" else ""
        form.add_error(field, f"{where}{error}")
        return False
    say(request, f"{new:,} session{'s' * (new != 1)} added to {variant}.")
    return True


def _line_of_unknown(text: str) -> str:
    """Return in which line the first id stands that no session has, "" if all are known."""
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            for id in line.split():
                reading.find_session(id)
        except SessionsError:
            return f"Line {number:,}: "
    return ""


def _add_file(group: ComparisonGroup, form: ComparisonFileForm) -> importing.ImportOutcome | None:
    file = form.cleaned_data["file"]
    if file.size > MOST_UPLOADED:
        form.add_error("file", f"The file has more than {MOST_UPLOADED // 10**6} MB.")
        return None
    try:
        text = file.read().decode("utf-8-sig")
        return importing.import_text(group, text, name=file.name)
    except UnicodeDecodeError as error:
        form.add_error("file", f"It is not UTF-8: byte {error.start:,}.")
    except SessionsError as error:
        form.add_error("file", str(error))
    return None


@require_POST
def delete_comparison(request: HttpRequest, uuid: str) -> HttpResponse:
    """Delete a comparison with its votes and results; its sessions stay."""
    group = find(uuid)
    if request.POST.get("confirm") != group.group_uuid:
        say_error(request, InvalidValue("Tick the box to delete this comparison for good."))
        return redirect("comparison-edit", group.group_uuid)
    with transaction.atomic():
        group.delete()
    say(request, f"Comparison {group.name} deleted. Its sessions are still there.")
    return redirect("comparisons")
