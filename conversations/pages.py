"""Pages, the parts of them that htmx replaces, and the pages of a long list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme

from . import downloads
from .errors import SessionsError
from .models import Change

MOST_PICKED = 1_000  # ten times what a page has


def render_page(
    request: HttpRequest, page: str, context: dict[str, Any], *, parts: Mapping[str, str]
) -> HttpResponse:
    """Render the part htmx is about to replace, or the whole page.

    `parts` maps the id of an element on the page to the template that fills it.
    """
    response = render(request, parts.get(request.htmx.target, page), context)
    patch_vary_headers(response, ["HX-Target"])
    return response


def render_list(
    request: HttpRequest, page: str, context: dict[str, Any], *, part: str
) -> HttpResponse:
    """Render a page whose main thing is `context["table"]`, or that table as a file.

    `part` is the template that fills the table's element.
    """
    table = context["table"]
    if (format := request.GET.get("format", "")) in downloads.FORMATS:
        return table.download(format)
    return render_page(request, page, context, parts={table.part: part})


def say(request: HttpRequest, text: str, *, undo: Change | None = None) -> None:
    """Show a toast on the page that comes next, with a button that takes `undo` back."""
    messages.success(request, text, extra_tags=undo.change_uuid if undo and undo.steps else "")


def say_error(request: HttpRequest, error: SessionsError) -> None:
    """Show what went wrong in a toast on the page that comes next."""
    messages.error(request, str(error))


def on_this_site(request: HttpRequest, address: str) -> str:
    """Return `address` if it leads to a page of this site, else ""."""
    is_ours = url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return address if is_ours else ""


def go_back(request: HttpRequest, default: str, *args: Any) -> HttpResponse:
    """Redirect to the page that the form was on, if that is one of ours, else to `default`."""
    address = on_this_site(request, request.META.get("HTTP_REFERER", ""))
    return redirect(address) if address else redirect(default, *args)


def row_key(text: str) -> int | None:
    """Return the key of a row that a form sends, or None if no row can have it."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def picked_keys(request: HttpRequest) -> list[int]:
    """Return the keys of the rows that are picked in a list, `MOST_PICKED` at the most."""
    keys = map(row_key, request.POST.getlist("selected")[:MOST_PICKED])
    return [key for key in keys if key is not None]


class KeyPaginator(Paginator):
    """A paginator of an ordered QuerySet whose deep pages are cheap.

    The place of a page is found among the keys alone, in an index where there is one; with OFFSET
    on the whole query the database would read and sort every row in front of the page. The rows
    then come by their keys, from `rows` where the query that finds them asks for much more.
    """

    def __init__(self, found: QuerySet, per_page: int, *, rows: QuerySet | None = None) -> None:
        super().__init__(found, per_page)
        self.rows = found if rows is None else rows

    def page(self, number: int | str) -> Page:
        number = self.validate_number(number)
        start = (number - 1) * self.per_page
        keys = list(self.object_list.values_list("pk", flat=True)[start : start + self.per_page])
        rows = self.rows.order_by().in_bulk(keys)
        return self._get_page([rows[key] for key in keys if key in rows], number, self)
