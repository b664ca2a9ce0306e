"""Who guesses passwords has to wait, and keeps nobody else out."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from axes.models import AccessAttempt, AccessLog
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client
from django.utils import timezone

from sessionsite import signin

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


class CountingHasher(MD5PasswordHasher):
    """Hashes in no time, and counts how often."""

    hashed = 0

    def encode(self, password, salt):
        CountingHasher.hashed += 1
        return super().encode(password, salt)


@pytest.fixture(autouse=True)
def quick_hashes(settings):
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]


def sign_in(client, password: str = "wrong", *, name: str = "alice", **environment: str):
    fields = {"username": name, "password": password}
    return client.post("/sign-in/", fields, **environment)


def lock(client, **options: str):
    """Give five wrong passwords; return the last answer."""
    for _ in range(4):
        assert sign_in(client, **options).status_code == 200
    return sign_in(client, **options)


def let_pass(**time: float) -> None:
    """Let time pass, for all attempts that were counted."""
    for attempt in AccessAttempt.objects.all():
        earlier = attempt.attempt_time - timedelta(**time)
        AccessAttempt.objects.filter(pk=attempt.pk).update(attempt_time=earlier)


def test_after_five_wrong_passwords_the_right_one_does_not_help(client, alice):
    response = lock(client)
    html = response.content.decode()
    assert response.status_code == 429
    assert "<h1>Too many attempts</h1>" in html
    assert "Try again in 15 minutes, at " in html
    assert 890 <= int(response["Retry-After"]) <= 901
    assert sign_in(client, PASSWORD).status_code == 429
    assert client.get("/sessions/").status_code == 302


def test_what_the_page_says_of_the_time_holds(client, alice):
    lock(client)
    let_pass(minutes=10)
    response = sign_in(client)  # which does not begin the quarter of an hour again
    assert 290 <= int(response["Retry-After"]) <= 301
    assert "in 5 minutes, at " in response.content.decode()
    let_pass(minutes=4.5)
    assert "in 1 minute, at " in sign_in(client, PASSWORD).content.decode()
    let_pass(minutes=0.5)
    assert sign_in(client, PASSWORD).status_code == 302


def test_a_right_password_lets_begin_again(client, alice):
    for _ in range(3):
        for _ in range(4):
            assert sign_in(client).status_code == 200
        assert sign_in(client, PASSWORD).status_code == 302
        assert not AccessAttempt.objects.exists()
        client.post("/sign-out/")


def test_nobody_can_lock_out_another_address(client, alice):
    assert lock(client, REMOTE_ADDR="203.0.113.9").status_code == 429
    assert sign_in(client, PASSWORD, REMOTE_ADDR="203.0.113.10").status_code == 302


def test_other_names_from_the_same_address_are_not_locked(client, alice):
    assert lock(client, name="bob").status_code == 429
    assert sign_in(client, PASSWORD).status_code == 302


def test_another_browser_is_no_way_around(client, alice):
    for number in range(4):
        sign_in(client, HTTP_USER_AGENT=f"browser {number}")
    assert sign_in(client, HTTP_USER_AGENT="another").status_code == 429
    assert sign_in(Client(), PASSWORD).status_code == 429


def test_another_address_of_the_same_network_is_no_way_around(client, alice):
    for number in range(4):
        sign_in(client, REMOTE_ADDR=f"2001:db8:0:1::{number}")
    assert sign_in(client, REMOTE_ADDR="2001:db8:0:1:ffff::1").status_code == 429
    assert sign_in(client, REMOTE_ADDR="2001:db8:0:2::1").status_code == 200


def test_the_link_and_whoever_is_signed_in_are_not_locked_out(client, alice):
    inside = Client()
    inside.force_login(alice)
    lock(client)
    assert inside.get("/sessions/").status_code == 200
    assert client.post(signin.sign_in_path(alice)).url == "/sessions/"


def test_a_part_of_a_page_gets_the_sentence_alone(client, alice):
    response = lock(client, HTTP_HX_REQUEST="true")
    assert response.status_code == 429
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["Retry-After"]


# -- behind a proxy ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header", ["x", "", ",", "1.2.3.4:80", "[::1]", "\x00", "\u0661", "9" * 20_000, "fe80::1%eth0"]
)
def test_a_proxys_header_that_is_no_address_is_no_error(client, alice, settings, header):
    settings.HTTPS = True
    assert lock(client, HTTP_X_FORWARDED_FOR=header).status_code == 429


def test_behind_a_proxy_the_last_address_is_the_visitors(client, alice, settings):
    settings.HTTPS = True
    for number in range(4):
        sign_in(client, HTTP_X_FORWARDED_FOR=f"198.51.100.{number}, 203.0.113.9")
    assert sign_in(client, HTTP_X_FORWARDED_FOR="203.0.113.9").status_code == 429
    assert sign_in(client, PASSWORD, HTTP_X_FORWARDED_FOR="203.0.113.10").status_code == 302


def test_without_a_proxy_its_header_is_not_believed(client, alice):
    for number in range(4):
        sign_in(client, HTTP_X_FORWARDED_FOR=f"198.51.100.{number}")
    assert sign_in(client, HTTP_X_FORWARDED_FOR="198.51.100.9").status_code == 429


@pytest.mark.parametrize("address", ["", "x"])
def test_a_visitor_without_an_address_is_locked_out_too(client, alice, address):
    assert lock(client, REMOTE_ADDR=address).status_code == 429


# -- what is kept and said --------------------------------------------------------------------


def test_what_was_typed_is_not_kept(client, alice):
    for _ in range(3):
        client.post(
            "/sign-in/?password=hunter1&x=hunter2",
            {"username": "alice", "password": "hunter3", "Password": "hunter4"},
        )
    [row] = AccessAttempt.objects.values()
    assert row["failures_since_start"] == 3
    assert "hunter" not in str(row)


def test_what_is_over_is_deleted(client, alice):
    for number in range(20):
        sign_in(client, name=f"name {number}", HTTP_USER_AGENT=f"browser {number}")
    assert AccessAttempt.objects.count() == 20
    let_pass(minutes=15)
    sign_in(client)
    assert AccessAttempt.objects.count() == 1
    for _ in range(20):
        sign_in(client)
    assert AccessAttempt.objects.get().failures_since_start == 5
    assert not AccessLog.objects.exists()


def test_locking_out_is_logged_once_without_the_password(client, alice, caplog):
    caplog.set_level(logging.DEBUG)
    lock(client, password="hunter2")
    sign_in(client, password="hunter2")
    locked = [text for text in caplog.messages if text.startswith("Locked out")]
    assert locked == [
        "Locked out: 'alice' from 127.0.0.1, for 15 minutes, after 5 wrong passwords."
    ]
    assert caplog.messages.count("Wrong name or password from 127.0.0.1.") == 6
    assert "hunter2" not in caplog.text


def test_a_name_forges_no_line_of_the_log(client, alice, caplog):
    lock(client, name="alice\r\n2026 ERROR forged")
    [said] = [text for text in caplog.messages if text.startswith("Locked out")]
    assert "\n" not in said


@pytest.mark.parametrize(
    "name",
    [b"x" * 20_000, b"%00", b"a%00b", b"%ED%A0%80", b"%FF", b"%F0%9F%98%80" * 5000, b"", b"%0A"],
)
def test_no_name_is_an_error_or_kept_at_length(client, name):
    for _ in range(6):
        response = client.post(
            "/sign-in/",
            b"password=x&username=" + name,
            content_type="application/x-www-form-urlencoded",
            HTTP_USER_AGENT="\x00" + "x" * 5000,
            HTTP_ACCEPT="\xff" * 5000,
        )
        assert response.status_code in {200, 429}
    for attempt in AccessAttempt.objects.all():
        assert len(attempt.username) <= 150
        assert len(attempt.user_agent) <= 255


def test_an_unknown_name_costs_what_a_known_one_does(
    client, alice, django_user_model, django_assert_num_queries
):
    django_user_model.objects.create_user("idle", password=PASSWORD, is_active=False)
    django_user_model.objects.create_user("none")
    sign_in(client, name="first")
    costs = set()
    for name in ("alice", "nobody", "idle", "none"):
        CountingHasher.hashed = 0
        with django_assert_num_queries(10):
            sign_in(client, name=name)
        costs.add(CountingHasher.hashed)
    assert costs == {1}


def test_pages_cost_no_query_more_than_before(client, alice, django_assert_num_queries):
    client.force_login(alice)
    with django_assert_num_queries(2):  # the sign-in and the user
        client.get("/account/")
    client.logout()
    with django_assert_num_queries(0):
        client.get("/sign-in/")


def test_attempts_in_the_future_of_a_clock_set_back_end_too(client, alice):
    lock(client)
    AccessAttempt.objects.update(attempt_time=timezone.now() + timedelta(minutes=1))
    assert int(sign_in(client)["Retry-After"]) <= 961
