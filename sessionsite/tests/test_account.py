"""One's own account: the password, and preferences that the browser keeps."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import available_timezones

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone

from conversations.tests.factories import make_session
from sessionsite import signin

from .test_sign_in import ELSEWHERE, HOST, stays

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
NEW = "staple gun on a bicycle"


@pytest.fixture
def inside(client, alice):
    client.force_login(alice)
    return client


def change(client, **fields: str):
    given = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW, **fields}
    return client.post("/account/password/", given)


def page(client, path: str = "/account/") -> str:
    return client.get(path).content.decode()


def selected(html: str, name: str) -> list[str]:
    """Return what is selected in the list of this name."""
    part = html[html.index(f'name="{name}"') :].partition("</select>")[0]
    return re.findall(r"<option[^>]* selected>([^<]*)", part)


# -- password ---------------------------------------------------------------------------------


def test_the_account_says_who_is_signed_in(inside):
    html = page(inside)
    assert "Signed in as <bdi>alice</bdi>." in html
    assert 'href="/account/password/">Change the password</a>' in html


def test_a_new_password_takes_the_old_one_and_keeps_one_signed_in(inside, alice):
    response = change(inside)
    assert response.url == "/account/"
    assert "Your password is changed." in page(inside)
    alice.refresh_from_db()
    assert alice.check_password(NEW)


def test_a_new_password_signs_all_other_browsers_out(inside, alice):
    other = Client()
    other.force_login(alice)
    key = inside.session.session_key
    change(inside)
    assert other.get("/sessions/").status_code == 302
    assert inside.session.session_key != key


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"old_password": "wrong"}, "old password was entered incorrectly"),
        ({"old_password": ""}, "This field is required"),
        ({"new_password2": "another one"}, "t match"),
        ({"new_password1": "alice123", "new_password2": "alice123"}, "too similar to the username"),
        ({"new_password1": "password", "new_password2": "password"}, "too common"),
        ({"new_password1": "\x00" * 9}, "Null characters"),
        ({"new_password1": "x" * 20_000}, "t match"),
    ],
)
def test_a_password_that_will_not_do_is_told_why(inside, alice, fields, said):
    response = change(inside, **fields)
    assert response.status_code == 200
    html = response.content.decode()
    assert said in html.replace("&#x27;", "'")
    assert 'aria-invalid="true"' in html
    assert PASSWORD not in html
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_who_came_by_the_link_sets_a_password_without_an_old_one(client, django_user_model):
    admin = django_user_model.objects.create_superuser("admin")
    client.post(signin.sign_in_path(admin))
    assert "Set a password" in page(client)
    assert "old_password" not in page(client, "/account/password/")
    response = client.post("/account/password/", {"new_password1": NEW, "new_password2": NEW})
    assert response.url == "/account/"
    assert "Your password is set." in page(client)
    client.post("/sign-out/")
    response = client.post("/sign-in/", {"username": "admin", "password": NEW})
    assert response.url == "/sessions/"


def test_who_has_a_password_cannot_leave_out_the_old_one(inside, alice):
    inside.post("/account/password/", {"new_password1": NEW, "new_password2": NEW})
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_forms_from_another_site_are_refused(inside):
    inside.handler.enforce_csrf_checks = True
    assert change(inside).status_code == 403
    for path in ("/preferences/", "/theme/"):
        assert inside.post(path, {"theme": "dark"}).status_code == 403
    assert "theme" not in inside.cookies


# -- preferences ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/theme/", "/preferences/"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_chosen_colours_are_kept_in_a_cookie_and_said_in_the_page(client, path, theme):
    response = client.post(
        path, {"theme": theme}, headers={"Referer": f"{HOST}/sign-in/?next=/sessions/"}
    )
    assert response.url == f"{HOST}/sign-in/?next=/sessions/"
    assert f'data-bs-theme="{theme}"' in page(client, "/sign-in/")
    client.post(path, {"theme": "system"})
    assert 'data-bs-theme="system"' in page(client, "/sign-in/")


@pytest.mark.parametrize("theme", ["", "x", '"><script>', "\x00"])
def test_colours_that_there_are_not_are_the_systems(client, theme):
    client.post("/theme/", {"theme": theme})
    client.cookies["theme"] = '"><script>'
    assert 'data-bs-theme="system"' in page(client, "/sign-in/")


@pytest.mark.parametrize("address", ELSEWHERE)
def test_choosing_never_leads_to_another_site(client, address):
    for path in ("/theme/", "/preferences/"):
        response = client.post(path, {"theme": "dark"}, headers={"Referer": address})
        assert stays(response.url)


def test_the_form_shows_what_was_chosen(inside):
    html = page(inside)
    assert [selected(html, name) for name in ("theme", "keys", "timezone")] == [[], [], []]
    form = {"theme": "dark", "keys": "off", "timezone": "Asia/Kathmandu"}
    inside.post("/preferences/", form)
    assert {name: inside.cookies[name].value for name in form} == form
    for cookie in (inside.cookies[name] for name in form):
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert cookie["max-age"] == 365 * 24 * 60 * 60
    html = page(inside)
    assert selected(html, "theme") == ["Dark"]
    assert selected(html, "keys") == ["Off"]
    assert selected(html, "timezone") == ["Asia/Kathmandu"]
    assert "Your preferences are kept" in html
    inside.post("/preferences/", {"theme": "system", "keys": "on", "timezone": ""})
    assert {inside.cookies[name].value for name in form} == {""}


def test_what_the_form_does_not_have_stays(inside):
    inside.post("/preferences/", {"theme": "dark", "keys": "off", "timezone": "Asia/Kathmandu"})
    inside.post("/theme/", {"theme": "light"})
    assert inside.cookies["keys"].value == "off"
    assert inside.cookies["timezone"].value == "Asia/Kathmandu"
    inside.post("/preferences/", {"keys": "on"})
    assert inside.cookies["theme"].value == "light"


def test_every_time_zone_can_be_chosen(inside):
    html = page(inside)
    for name in available_timezones():
        assert f"<option>{name}</option>" in html


def test_times_are_shown_in_the_chosen_zone_and_afterwards_no_longer(inside):
    make_session("Tea", started_at=datetime(2026, 1, 2, 20, 0, tzinfo=UTC))
    assert "2026-01-02" in page(inside, "/sessions/")
    inside.post("/preferences/", {"timezone": "Asia/Kathmandu"})
    assert "2026-01-03" in page(inside, "/sessions/")
    assert timezone.get_current_timezone_name() == django_settings.TIME_ZONE
    inside.cookies.pop("timezone")
    assert "2026-01-02" in page(inside, "/sessions/")


@pytest.mark.parametrize(
    "zone",
    ["x", "../../etc/passwd", "/etc/localtime", "utc", "Europe", "\x00", "Europe/Berlin\x00",
     "x" * 20_000, "Europe//Berlin", "Europe/Berlin/", '"><script>', "posix/UTC", "UTC ", "\ud800"],
)  # fmt: skip
def test_a_time_zone_that_there_is_not_is_ignored(inside, zone):
    inside.post("/preferences/", {"timezone": "Asia/Kathmandu"})
    inside.post("/preferences/", {"timezone": zone.encode(errors="replace").decode()})
    assert inside.cookies["timezone"].value == "Asia/Kathmandu"
    inside.cookies["timezone"] = zone.encode(errors="replace").decode()
    assert selected(page(inside), "timezone") == []


def test_a_change_of_preferences_takes_a_post(inside):
    assert inside.get("/preferences/?theme=dark").status_code == 405
    assert inside.get("/theme/?theme=dark").status_code == 405
