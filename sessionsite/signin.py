"""Signing in without a password, on the machine itself: by a link, or as its only user."""

from __future__ import annotations

from ipaddress import ip_address

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import (
    urlsafe_base64_decode,
    urlsafe_base64_encode,
)

PROXY_HEADERS = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP")


class SignInTokens(PasswordResetTokenGenerator):
    """Tokens that signing in spends, and that are good for nothing else."""

    key_salt = "sessionsite.signin.SignInTokens"

    def _make_hash_value(self, user, timestamp):
        # To the microsecond: Django drops the fraction, and within the second of a sign-in a
        # token would be good for another.
        return f"{super()._make_hash_value(user, timestamp)}{user.last_login}"


TOKENS = SignInTokens()


def sign_in_path(user: AbstractBaseUser) -> str:
    """Return the path that signs `user` in once, within settings.SIGN_IN_LINK_SECONDS."""
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    return reverse("sign-in-link", args=[uid, TOKENS.make_token(user)])


def user_of(uidb64: str, token: str) -> AbstractBaseUser | None:
    """Return the user whom this link signs in, or None if it is spent, too old or made up."""
    users = get_user_model()._default_manager
    try:
        user = users.get(pk=urlsafe_base64_decode(uidb64).decode())
    except (ValueError, users.model.DoesNotExist):
        return None
    return user if user.is_active and TOKENS.check_token(user, token) else None


def spend(user: AbstractBaseUser) -> bool:
    """Spend the links made for `user` so far; False if another request was faster."""
    same = get_user_model()._default_manager.filter(pk=user.pk, last_login=user.last_login)
    return same.update(last_login=timezone.now()) == 1


def is_local(request: HttpRequest) -> bool:
    """Whether a request comes from this machine, and not through a proxy on it."""
    if any(header in request.META for header in PROXY_HEADERS):
        return False
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:  # a Unix socket has none
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


# -- the only user of a machine ---------------------------------------------------------------


def needs_no_password(request: HttpRequest) -> bool:
    """Whether settings.SINGLE_USER lets a request in: from this machine, under its own name."""
    if not settings.SINGLE_USER or not is_local(request):
        return False
    name, _ = split_domain_port(request.get_host())
    if name not in settings.LOCAL_HOSTS:  # a proxy that says nothing of whom it serves
        return False
    # No cookie is asked for, so none can tell that another site's page sends the request: an
    # image or a script of it gets nothing, and a link on it works.
    headers = request.headers
    return (
        headers.get("Sec-Fetch-Site", "none") in {"none", "same-origin"}
        or headers.get("Sec-Fetch-Dest") == "document"
    )


def first_administrator() -> AbstractBaseUser | None:
    """Return the active administrator who was made first, or None."""
    users = get_user_model()._default_manager
    return users.filter(is_superuser=True, is_active=True).order_by("pk").first()
