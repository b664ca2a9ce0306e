"""Pages, the parts of them that htmx replaces, and the pages of a long list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers


def render_page(
    request: HttpRequest, page: str, context: dict[str, Any], *, parts: Mapping[str, str]
) -> HttpResponse:
    """Render the part htmx is about to replace, or the whole page.

    `parts` maps the id of an element on the page to the template that fills it.
    """
    response = render(request, parts.get(request.htmx.target, page), context)
    patch_vary_headers(response, ["HX-Target"])
    return response


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
