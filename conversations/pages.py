"""Pages, the parts of them that htmx replaces, and the pages of a long list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme

from .errors import SessionsError
from .models import Change


def render_page(
    request: HttpRequest, page: str, context: dict[str, Any], *, parts: Mapping[str, str]
) -> HttpResponse:
    """Render the part htmx is about to replace, or the whole page.

    `parts` maps the id of an element on the page to the template that fills it.
    """
    response = render(request, parts.get(request.htmx.target, page), context)
    patch_vary_headers(response, ["HX-Target"])
    return response


def say(request: HttpRequest, text: str, *, undo: Change | None = None) -> None:
    """Show a toast on the page that comes next, with a button that takes `undo` back."""
    messages.success(request, text, extra_tags=undo.change_uuid if undo and undo.steps else "")


def say_error(request: HttpRequest, error: SessionsError) -> None:
    """Show what went wrong in a toast on the page that comes next."""
    messages.error(request, str(error))


def go_back(request: HttpRequest, default: str, *args: Any) -> HttpResponse:
    """Redirect to the page that the form was on, if that is one of ours, else to `default`."""
    address = request.META.get("HTTP_REFERER", "")
    is_ours = url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return redirect(address) if is_ours else redirect(default, *args)


class KeyPaginator(Paginator):
    """A paginator of an ordered QuerySet whose deep pages are cheap.

    The place of a page is found among the keys alone, in an index where there is one; with OFFSET
    on the whole query the database would read and sort every row in front of the page.
    """

    def page(self, number: int | str) -> Page:
        number = self.validate_number(number)
        start = (number - 1) * self.per_page
        keys = self.object_list.values("pk")[start : start + self.per_page]
        return self._get_page(self.object_list.filter(pk__in=keys), number, self)
