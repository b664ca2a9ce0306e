"""Signing in and out, by password and by the link that works once."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.conf import settings

from sessionsite import signin

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
HOST = "http://testserver"

# Each would lead away from the site if it were followed.
ELSEWHERE = [
    "//evil.org", "///evil.org", "////evil.org", "/\\evil.org", "\\\\evil.org", "\\/evil.org",
    "https://evil.org", "http://evil.org", "https:evil.org", "http:///evil.org", "https:/evil.org",
    "HTTPS://EVIL.ORG", "javascript:alert(1)", "data:text/html,x", "vbscript:x", "ftp://evil.org",
    "http://testserver@evil.org", "http://testserver.evil.org", "http://evil.org#testserver",
    "http://evil.org?testserver", "//testserver@evil.org", "//evil.org/testserver", " //evil.org",
    "\t//evil.org", "/\t/evil.org", "\n//evil.org", "/\n/evil.org", "\r\n//evil.org",
    "\x00//evil.org", "\x08//evil.org", "//evil。org", "/%5cevil.org/..//evil.org\\",
    "http:evil.org", "http://[evil.org", "//[", "http://evil.org:80", "mailto:a@evil.org",
    "://evil.org", "http:\\\\evil.org", "//\\evil.org", "https://testserver:1@evil.org",
]  # fmt: skip


def stays(address: str) -> bool:
    """Whether a browser that gets this address in a redirect stays on the site."""
    # Browsers take a backslash for a slash, and leave out tabs and line breaks.
    seen = re.sub(r"[\t\r\n]", "", address).strip("\x00\x08 ").replace("\\", "/")
    return seen.startswith(f"{HOST}/") or not re.match(r"//|[a-z][a-z0-9+.-]*:", seen, re.I)


def sign_in(client, alice, **fields: str):
    return client.post("/sign-in/", {"username": alice.username, "password": PASSWORD, **fields})


def is_signed_in(client) -> bool:
    return client.get("/sessions/").status_code == 200


# -- by password ------------------------------------------------------------------------------


def test_who_is_not_signed_in_is_asked_to(client):
    response = client.get("/sessions/?sort=title")
    assert response.status_code == 302
    assert response.url == "/sign-in/?next=/sessions/%3Fsort%3Dtitle"


def test_name_and_password_sign_in_and_lead_back(client, alice):
    response = sign_in(client, alice, next="/sessions/?sort=title")
    assert response.url == "/sessions/?sort=title"
    assert is_signed_in(client)


def test_without_a_wish_signing_in_leads_to_the_sessions(client, alice):
    assert sign_in(client, alice).url == "/sessions/"


@pytest.mark.parametrize(
    "fields",
    [
        {"password": "wrong"},
        {"password": ""},
        {"username": ""},
        {"username": "alice\x00"},
        {"username": "x" * 20_000},
        {"password": "x" * 20_000},
    ],
)
def test_a_wrong_name_or_password_shows_the_form_again(client, alice, fields):
    response = sign_in(client, alice, **fields)
    assert response.status_code == 200
    html = response.content.decode()
    assert 'role="alert"' in html.partition("<h1>")[2]
    assert PASSWORD not in html
    assert not is_signed_in(client)


@pytest.mark.parametrize("address", ELSEWHERE)
def test_signing_in_never_leads_to_another_site(client, alice, address):
    assert stays(sign_in(client, alice, next=address).url)
    # And again for one who is signed in already.
    assert stays(client.get(f"/sign-in/?next={quote(address)}").url)


def test_signing_in_gives_the_session_a_new_key(client, alice):
    client.get("/sign-in/")
    client.session["kept"] = True
    before = client.session.session_key
    sign_in(client, alice)
    assert client.session.session_key != before


def test_signing_out_takes_a_post(client, alice):
    client.force_login(alice)
    assert client.get("/sign-out/").status_code == 405
    assert is_signed_in(client)
    key = client.session.session_key
    assert client.post("/sign-out/").url == "/sign-in/"
    assert not is_signed_in(client)
    client.cookies[settings.SESSION_COOKIE_NAME] = key
    assert not is_signed_in(client)


def test_a_form_from_another_site_is_refused(client, alice):
    client.handler.enforce_csrf_checks = True
    response = sign_in(client, alice)
    assert response.status_code == 403
    assert "The form was too old" in response.content.decode()


def test_a_part_of_a_page_leads_to_the_sign_in_page_as_a_whole(client):
    headers = {
        "HX-Request": "true",
        "HX-Target": "sessions-table",
        "HX-Current-URL": f"{HOST}/sessions/?sort=title",
    }
    response = client.get("/sessions/?sort=cost", headers=headers)
    assert response.status_code == 204
    assert response["HX-Redirect"] == "/sign-in/?next=/sessions/%3Fsort%3Dtitle"


@pytest.mark.parametrize("url", ["", "https://evil.org/x", "http://[", "\x00", "x" * 20_000])
def test_a_page_address_that_is_none_of_ours_is_not_come_back_to(client, url):
    response = client.get("/sessions/", headers={"HX-Request": "true", "HX-Current-URL": url})
    assert response["HX-Redirect"] == "/sign-in/?next=/sessions/"


def test_the_admin_has_no_sign_in_of_its_own(client, alice, django_user_model):
    response = client.get("/admin/", follow=True)
    assert response.redirect_chain[-1][0].startswith("/sign-in/?next=/admin/")
    client.force_login(alice)
    assert client.get("/admin/", follow=True).status_code == 403
    client.force_login(django_user_model.objects.create_superuser("root"))
    assert client.get("/admin/").status_code == 200


# -- by the link ------------------------------------------------------------------------------


def test_the_link_signs_in_with_a_button(client, alice):
    link = signin.sign_in_path(alice)
    page = client.get(link)
    assert page.status_code == 200
    assert "Sign in as" in page.content.decode()
    assert client.post(link).url == "/sessions/"
    assert is_signed_in(client)


def test_to_look_at_the_link_changes_nothing(client, alice):
    link = signin.sign_in_path(alice)
    for _ in range(3):
        assert client.get(link).status_code == 200
        assert client.head(link).status_code == 200
    assert not is_signed_in(client)
    assert client.post(link).status_code == 302


def test_the_link_works_once(client, alice):
    link = signin.sign_in_path(alice)
    client.post(link)
    client.post("/sign-out/")
    assert client.get(link).status_code == 410
    assert client.post(link).status_code == 410
    assert not is_signed_in(client)


def test_a_link_made_in_the_second_of_a_sign_in_works_once_too(client, alice):
    client.post(signin.sign_in_path(alice))
    alice.refresh_from_db()
    link = signin.sign_in_path(alice)
    client.post(link)
    client.post("/sign-out/")
    assert client.post(link).status_code == 410


def test_of_two_requests_at_once_one_spends_the_link(alice, django_user_model):
    first = django_user_model.objects.get(pk=alice.pk)
    second = django_user_model.objects.get(pk=alice.pk)
    assert signin.spend(first)
    assert not signin.spend(second)


def test_all_links_made_before_are_spent_with_the_first(client, alice):
    one, other = signin.sign_in_path(alice), signin.sign_in_path(alice)
    client.post(one)
    assert client.get(other).status_code == 410


def test_a_sign_in_by_password_spends_the_link(client, alice):
    link = signin.sign_in_path(alice)
    sign_in(client, alice)
    assert client.get(link).status_code == 410


def test_the_link_works_for_fifteen_minutes(client, alice, monkeypatch):
    link = signin.sign_in_path(alice)
    now = signin.TOKENS._now()
    monkeypatch.setattr(signin.TOKENS, "_now", lambda: now + timedelta(minutes=14, seconds=59))
    assert client.get(link).status_code == 200
    monkeypatch.setattr(signin.TOKENS, "_now", lambda: now + timedelta(minutes=15, seconds=2))
    assert client.get(link).status_code == 410
    assert client.post(link).status_code == 410


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_the_link_works_on_this_machine(client, alice, address):
    link = signin.sign_in_path(alice)
    assert client.get(link, REMOTE_ADDR=address).status_code == 200


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "192.168.1.2", "203.0.113.9", "2001:db8::1", "::ffff:10.0.0.1", "", "x"]
)
def test_the_link_works_nowhere_else(client, alice, address):
    link = signin.sign_in_path(alice)
    assert client.get(link, REMOTE_ADDR=address).status_code == 403
    assert client.post(link, REMOTE_ADDR=address).status_code == 403
    assert not is_signed_in(client)


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_a_visitor_through_a_proxy_on_this_machine_is_not_local(client, alice, header):
    link = signin.sign_in_path(alice)
    assert client.post(link, headers={header: "127.0.0.1"}).status_code == 403


@pytest.mark.parametrize("change", ["uid", "token", "other user", "inactive", "reset token"])
def test_a_link_that_was_not_given_out_is_refused(client, alice, django_user_model, change):
    from django.contrib.auth.tokens import default_token_generator

    _, _, uid, token, _ = signin.sign_in_path(alice).split("/")
    if change == "uid":
        uid = "!"
    elif change == "token":
        token = token[:-1] + ("a" if token[-1] != "a" else "b")
    elif change == "other user":
        other = django_user_model.objects.create_superuser("root")
        uid = signin.sign_in_path(other).split("/")[2]
    elif change == "inactive":
        django_user_model.objects.update(is_active=False)
    else:
        token = default_token_generator.make_token(alice)
    assert client.get(f"/sign-in/{uid}/{token}/").status_code == 410
    assert client.post(f"/sign-in/{uid}/{token}/").status_code == 410
    assert not is_signed_in(client)


@pytest.mark.parametrize("uid", ["OTk5", "LTE", "4pyT", "OTk5" * 2000, "%00", "x" * 5000, "YWJj"])
def test_no_link_is_an_error(client, uid):
    assert client.get(f"/sign-in/{uid}/a-b/").status_code == 410
    assert client.get(f"/sign-in/{uid}/{'a-' * 3000}/").status_code == 410


@pytest.mark.parametrize("address", ELSEWHERE)
def test_the_link_never_leads_to_another_site(client, alice, address):
    link = signin.sign_in_path(alice)
    assert stays(client.post(f"{link}?next={quote(address)}").url)


def test_the_link_leads_where_it_was_told(client, alice):
    link = signin.sign_in_path(alice)
    assert client.post(f"{link}?next=/sessions/x/").url == "/sessions/x/"


def test_the_link_gives_the_session_a_new_key(client, alice, django_user_model):
    client.force_login(django_user_model.objects.create(username="bob"))
    before = client.session.session_key
    client.post(signin.sign_in_path(alice))
    assert client.session.session_key != before
    assert client.session["_auth_user_id"] == str(alice.pk)


def test_the_link_asks_for_the_token_of_its_form(client, alice):
    client.handler.enforce_csrf_checks = True
    link = signin.sign_in_path(alice)
    assert client.post(link).status_code == 403
    alice.refresh_from_db()
    assert alice.last_login is None
