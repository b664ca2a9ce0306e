"""SINGLE_USER=1: on this machine nobody is asked for a password, and everybody else is."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def single_user(settings):
    settings.SINGLE_USER = True


@pytest.fixture(autouse=True)
def admin(django_user_model):
    django_user_model.objects.create_superuser("gone", is_active=False)
    django_user_model.objects.create_user("bob")
    admin = django_user_model.objects.create_superuser("root")
    django_user_model.objects.create_superuser("second")
    return admin


@pytest.fixture
def client():
    return Client(SERVER_NAME="127.0.0.1")


def test_on_this_machine_the_first_active_administrator_is_signed_in(client):
    response = client.get("/sessions/")
    assert response.status_code == 200
    assert response.context["user"].username == "root"
    assert client.get("/admin/").status_code == 200
    assert client.get("/sessions/", headers={"HX-Request": "true"}).status_code == 200


def test_without_the_setting_a_password_is_asked_for(client, settings):
    settings.SINGLE_USER = False
    assert client.get("/sessions/").status_code == 302


@pytest.mark.parametrize("address", ["10.0.0.1", "203.0.113.9", "2001:db8::1", "172.17.0.1", ""])
def test_elsewhere_a_password_is_asked_for(client, address):
    assert client.get("/sessions/", REMOTE_ADDR=address).url.startswith("/sign-in/")


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_through_a_proxy_a_password_is_asked_for(client, header):
    response = client.get("/sessions/", headers={header: "127.0.0.1"})
    assert response.url.startswith("/sign-in/")


def test_a_name_of_elsewhere_is_refused(client):
    # A page of evil.org, whose address is 127.0.0.1 all of a sudden (DNS rebinding).
    for host in ("evil.org", "evil.org:8000", "127.0.0.1.evil.org", "localhost.evil.org"):
        assert client.get("/sessions/", headers={"Host": host}).status_code == 400


def test_a_name_that_is_allowed_but_not_this_machines_asks_for_a_password(client, settings):
    settings.ALLOWED_HOSTS = ["*"]  # as behind a proxy that does not say that it is one
    for host in ("sessions.example.com", "evil.org"):
        response = client.get("/sessions/", headers={"Host": host})
        assert response.url.startswith("/sign-in/")
    for host in ("localhost:8000", "[::1]:8000", "127.0.0.1"):
        assert client.get("/sessions/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("site", "dest", "status"),
    [
        ("cross-site", "image", 302),
        ("cross-site", "script", 302),
        ("cross-site", "iframe", 302),
        ("same-site", "empty", 302),  # another port of this machine
        ("cross-site", "document", 200),  # a link
        ("none", "document", 200),
        ("same-origin", "empty", 200),
    ],
)
def test_the_page_of_another_site_gets_nothing_but_by_a_link(client, site, dest, status):
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Dest": dest}
    assert client.get("/sessions/", headers=headers).status_code == status


def test_a_form_of_another_site_is_refused():
    client = Client(SERVER_NAME="127.0.0.1", enforce_csrf_checks=True)
    assert client.post("/account/password/", {"new_password1": "x"}).status_code == 403


def test_it_leaves_no_sign_in_behind_and_costs_less_than_one(
    client, admin, django_assert_num_queries
):
    with django_assert_num_queries(1):
        client.get("/account/")
    assert not Session.objects.exists()
    client.force_login(admin)
    with django_assert_num_queries(2):
        client.get("/account/")


def test_signing_out_explains_itself_and_any_other_page_goes_on(client):
    response = client.post("/sign-out/", follow=True)
    assert response.redirect_chain == [("/sign-in/", 302)]
    html = response.content.decode()
    assert "on this machine nobody is asked for a password" in html
    assert '<a href="/">Go on</a>' in html
    assert client.get("/", follow=True).status_code == 200
    assert (
        'href="/sessions/?x=1">Go on</a>'
        in client.get("/sign-in/?next=/sessions/%3Fx%3D1").content.decode()
    )
    html = client.get("/sign-in/", REMOTE_ADDR="10.0.0.1").content.decode()
    assert "nobody is asked" not in html


def test_who_signs_in_by_password_is_who_he_is(client, django_user_model):
    client.force_login(django_user_model.objects.get(username="bob"))
    assert client.get("/account/").context["user"].username == "bob"
    assert client.get("/admin/", follow=True).status_code == 403


def test_the_only_user_can_set_a_password(client, admin):
    form = {"new_password1": "staple gun on a bicycle", "new_password2": "staple gun on a bicycle"}
    assert client.post("/account/password/", form).url == "/account/"
    html = client.get("/account/").content.decode()
    assert "Your password is set." in html
    assert "nobody is asked for a password" in html
    admin.refresh_from_db()
    assert admin.has_usable_password()


def test_without_an_administrator_the_sign_in_page_is_shown(client, django_user_model):
    django_user_model.objects.all().update(is_superuser=False)
    assert client.get("/sessions/").url.startswith("/sign-in/")


def test_preferences_work_for_the_only_user(client):
    client.post("/preferences/", {"theme": "dark"})
    assert 'data-bs-theme="dark"' in client.get("/account/").content.decode()


def test_a_page_that_is_not_there_knows_the_only_user_too(client):
    response = client.get("/nothing/at/all/")
    assert response.status_code == 404
    assert "Account and settings" in response.content.decode()
