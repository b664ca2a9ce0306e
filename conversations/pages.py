"""Pages and the parts of them that htmx replaces share one address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
