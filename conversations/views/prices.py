"""The price book, and the models that have no price."""

from __future__ import annotations

from datetime import UTC, datetime, time

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from conversations import changes, downloads
from conversations.errors import InvalidValue
from conversations.forms import changed_columns
from conversations.models import Price
from conversations.pages import render_list, say
from conversations.price_forms import (
    LookupForm,
    MissingPriceForm,
    PriceFileForm,
    PriceFilter,
    PriceForm,
)
from conversations.price_tables import PriceTable
from conversations.pricing import files, lookup, missing
from conversations.pricing.missing import Given
from conversations.pricing.requests import Scope

from . import repricing

CRUMB = ("prices", "Prices")
MOST_MODELS = 50  # of a page that gives them prices


@require_safe
def price_list(request: HttpRequest) -> HttpResponse:
    """List the price book, and say which price holds for a model."""
    filters = PriceFilter(request.GET)
    asks = "model" in request.GET
    form = LookupForm(request.GET if asks else None)
    answers = None
    if asks and form.is_valid():
        asked = form.cleaned_data
        day = asked["at"]
        moment = datetime.combine(day, time(12), tzinfo=UTC) if day else timezone.now()
        answers = lookup.look_up(asked["provider"], asked["model"], moment, tier=asked["tier"])
    context = {
        "filters": filters,
        "table": PriceTable(filters.qs, request=request),
        "lookup": form,
        "answers": answers,
    }
    return render_list(
        request, "conversations/prices.html", context, part="conversations/_prices_table.html"
    )


@require_http_methods(["GET", "HEAD", "POST"])
def price_new(request: HttpRequest) -> HttpResponse:
    form = PriceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        say(request, "Saved. Messages keep the cost they have until they are priced anew.")
        return redirect("prices")
    return _price_form(request, form, "New price")


@require_http_methods(["GET", "HEAD", "POST"])
def price_edit(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Price, pk=pk)
    form = PriceForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        columns = changed_columns(form)
        change = changes.edit(row, columns, "Price changed", user=request.user)
        say(request, "Saved." if change.steps else "Nothing was changed.", undo=change)
        return redirect("prices")
    return _price_form(request, form, "Edit", row)


def _price_form(
    request: HttpRequest, form: PriceForm, title: str, row: Price | None = None
) -> HttpResponse:
    context = {"form": form, "title": title, "row": row, "crumbs": _crumbs()}
    return render(request, "conversations/price_form.html", context)


def _crumbs() -> list[tuple[str, str]]:
    return [(reverse(CRUMB[0]), CRUMB[1])]


@require_POST
def price_delete(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Price, pk=pk)
    change = changes.delete_and_keep(row, f"Price of {row} deleted", user=request.user)
    say(request, f"{change.summary}. Messages keep the cost they have.", undo=change)
    return redirect("prices")


@require_safe
def prices_export(request: HttpRequest) -> HttpResponse:
    """Write the whole book as a file that `prices_import` reads."""
    format = request.GET.get("format", files.FORMATS[0])
    if format not in files.FORMATS:
        raise Http404(f"There is no format {format[:50]}.")
    name = f"prices-{timezone.localdate():%Y-%m-%d}.{format}"
    return StreamingHttpResponse(
        files.write(format),
        content_type=f"{downloads.FORMATS[format]}; charset=utf-8",
        headers={"Content-Disposition": content_disposition_header(True, name)},
    )


@require_http_methods(["GET", "HEAD", "POST"])
def prices_import(request: HttpRequest) -> HttpResponse:
    """Add the rows of a file to the book, all of them or none."""
    form = PriceFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            rows = files.read(files.text_of(file.read()), files.format_of(file.name))
        except InvalidValue as error:
            form.add_error("file", f"{str(error).rstrip('.')}. Nothing was stored.")
        else:
            stored = files.store(rows)
            say(
                request,
                f"{stored.new:,} prices new, {stored.changed:,} changed, {stored.same:,} as they"
                " were.",
            )
            return redirect("prices")
    context = {"form": form, "crumbs": _crumbs(), "columns": list(files.COLUMNS)}
    return render(request, "conversations/prices_import.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def prices_missing(request: HttpRequest) -> HttpResponse:
    """List models with unpriced messages, and give them prices in one form."""
    found = missing.missing()
    listed = [each for each in found if each.can_be_priced]
    sent = request.POST if request.method == "POST" else None
    lines = [(each, MissingPriceForm(each.model, sent)) for each in listed[:MOST_MODELS]]
    forms = [form for _, form in lines]
    error = ""
    if sent is not None:
        wrong = [form for form in forms if not form.is_valid()]
        if not wrong:
            if given := [_given(form) for form in forms if form.cleaned_data["kind"]]:
                missing.add_to_book(given)
                models = tuple(each.model.pk for each in given)
                return repricing.start(
                    request,
                    Scope(model_ids=models, unpriced=True),
                    words=f"unpriced messages of {_named(given)}",
                    back="prices-missing",
                )
            error = "No price was given: fill in at least one row."
        else:
            error = "Nothing was saved. Please look at the fields that are marked."
    context = {
        "lines": lines,
        "more": len(listed) - len(lines),
        "nameless": [each for each in found if not each.can_be_priced],
        "error": error,
        "crumbs": _crumbs(),
    }
    return render(request, "conversations/prices_missing.html", context)


def _given(form: MissingPriceForm) -> Given:
    return Given(form.model, **form.cleaned_data)


def _named(given: list[Given]) -> str:
    return ", ".join(each.model.full_name for each in given)[:1_000]
