"""Every address is private, but for those that are listed here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.urls import URLPattern, get_resolver

PUBLIC = {
    "sign-in/",
    "sign-in/<str:uidb64>/<str:token>/",
    "theme/",
    "preferences/",
    "livez",
    "readyz",
    "favicon.ico",
    # These lead to the sign-in page, or do nothing for one who is not signed in.
    "admin/login/",
    "sign-out/",
}
SAMPLES = {"int": "1", "str": "x", "slug": "x", "path": "x", "uuid": "0" * 32}
METHODS = ("get", "head", "post", "put", "delete", "options")


def patterns(resolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Yield every route of the site, with the routes that it is included under."""
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield route, pattern
        else:
            yield from patterns(pattern, route)


def example(route: str) -> str:
    """Return an address that this route matches."""
    for name, sample in SAMPLES.items():
        while f"<{name}:" in route:
            before, _, rest = route.partition(f"<{name}:")
            route = before + sample + rest.partition(">")[2]
    return "/" + route


ROUTES = dict(patterns(get_resolver()))
PRIVATE = sorted(route for route in ROUTES if route not in PUBLIC and "(?P" not in route)


def test_the_list_of_public_addresses_names_only_what_there_is():
    assert set(ROUTES) >= PUBLIC


def test_most_addresses_were_found():
    assert {"sessions/", "sessions/<str:session_uuid>/", ""} <= set(PRIVATE)
    assert len(PRIVATE) > 50  # with the admin's


@pytest.mark.django_db
@pytest.mark.parametrize("route", PRIVATE)
def test_a_stranger_is_sent_to_the_sign_in_page(client, route):
    for method in METHODS:
        response = getattr(client, method)(example(route))
        assert response.status_code == 302, method
        place = response.url
        if place.startswith("/admin/login/"):
            place = client.get(place).url
        assert place.startswith("/sign-in/?next=/"), method


@pytest.mark.django_db
@pytest.mark.parametrize("route", PRIVATE)
def test_a_part_of_a_page_is_not_given_to_a_stranger_either(client, route):
    response = client.get(example(route), headers={"HX-Request": "true"})
    if route.startswith("admin/"):
        assert response.status_code in {204, 302}
    else:
        assert response.status_code == 204
        assert response["HX-Redirect"].startswith("/sign-in/?next=/")
    assert not response.content


@pytest.mark.django_db
def test_the_routes_that_are_patterns_ask_too(client):
    # Of the admin: an app's tables, and the last resort for what has no closing slash.
    assert len([route for route in ROUTES if "(?P" in route]) == 2
    for address in ("/admin/conversations/", "/admin/anything", "/admin/conversations/session"):
        response = client.get(address)
        assert response.status_code == 302
        assert response.url.startswith(("/admin/login/?", "/sign-in/?"))
