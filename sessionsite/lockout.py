"""Guessing passwords: what django-axes counts, how long it lasts, and what the log says of it."""

from __future__ import annotations

import logging

from axes.models import AccessAttempt
from axes.signals import user_locked_out
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_login_failed
from django.db.models import Max
from django.db.models.signals import pre_save
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from .requests import client_address

log = logging.getLogger(__name__)


def user_name(request: HttpRequest, credentials: dict | None = None) -> str | None:
    """Return the name that somebody gave, no longer than a name can be: it is stored."""
    name = (credentials or request.POST).get("username")
    return name and name[: get_user_model()._meta.get_field("username").max_length]


def seconds_left(request: HttpRequest, credentials: dict | None = None) -> int:
    """Return the seconds after which the name and the address of a request may try again."""
    attempts = AccessAttempt.objects.filter(
        username=user_name(request, credentials), ip_address=client_address(request)
    )
    last = attempts.aggregate(last=Max("attempt_time"))["last"] or timezone.now()
    left = last + settings.AXES_COOLOFF_TIME - timezone.now()
    return max(int(left.total_seconds()), 0) + 1


@receiver(pre_save, sender=AccessAttempt)
def forget_the_form(instance: AccessAttempt, **_) -> None:
    """Keep nothing of what was sent but the name: a password may stand in the wrong field."""
    instance.get_data = instance.post_data = ""


@receiver(user_login_failed)
def say_that_it_failed(request: HttpRequest | None = None, **_) -> None:
    # Without the name: people type their password there.
    if request is not None:
        log.warning("Wrong name or password from %s.", client_address(request))


@receiver(user_locked_out)
def say_that_it_is_locked(request: HttpRequest, username: str | None, ip_address, **_) -> None:
    if request.axes_failures_since_start:  # once, not for each attempt while it is
        log.warning(
            "Locked out: %r from %s, for %d minutes, after %d wrong passwords.",
            username,
            ip_address,
            settings.AXES_COOLOFF_TIME.total_seconds() // 60,
            request.axes_failures_since_start,
        )
