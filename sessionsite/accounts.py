"""One's own account: password, and how pages look, which the browser keeps in cookies.

The server reads those cookies: so no page flashes, no script is needed, and no table.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse_lazy
from django.views.decorators.http import require_POST, require_safe

from conversations.pages import go_back

from .signin import needs_no_password

YEAR = 365 * 24 * 60 * 60
THEMES = {"light": "Light", "dark": "Dark"}  # without either, the system's
TIME_ZONE_NAMES = sorted(settings.TIME_ZONES)


@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Show who is signed in, and what may be chosen."""
    zone = time_zone_of(request)
    context = {
        "is_single_user": needs_no_password(request),
        "themes": THEMES,
        "time_zones": TIME_ZONE_NAMES,
        "time_zone": zone.key if zone else "",
        "default_time_zone": settings.TIME_ZONE,
    }
    return render(request, "sessionsite/account.html", context)


class ChangePassword(PasswordChangeView):
    """Change the password; who has none, and came by the link of the start, sets one."""

    template_name = "sessionsite/password.html"
    success_url = reverse_lazy("account")

    def get_form_class(self):
        has_one = self.request.user.has_usable_password()
        return self.form_class if has_one else SetPasswordForm

    def form_valid(self, form):
        said = "changed" if self.request.user.has_usable_password() else "set"
        response = super().form_valid(form)
        messages.success(
            self.request, f"Your password is {said}. Other browsers have to sign in again."
        )
        return response


change_password = ChangePassword.as_view()


# -- preferences ------------------------------------------------------------------------------


@login_not_required
@require_POST
def set_preferences(request: HttpRequest) -> HttpResponse:
    """Keep whichever preferences the form has, and go back to the page that it was on."""
    response = go_back(request, "home")
    form = request.POST
    if (theme := form.get("theme")) is not None:
        _keep(response, "theme", theme if theme in THEMES else "")
    if (keys := form.get("keys")) is not None:
        _keep(response, "keys", "off" if keys == "off" else "")
    zone = form.get("timezone")
    if zone == "" or zone in settings.TIME_ZONES:
        _keep(response, "timezone", zone)
    if request.resolver_match.url_name == "preferences":
        messages.success(request, "Your preferences are kept in this browser.")
    return response


def _keep(response: HttpResponse, name: str, value: str) -> None:
    """Set a cookie for a year; without a value, what it said holds no longer."""
    if not value:
        response.delete_cookie(name, samesite="Lax")
        return
    secure = settings.SESSION_COOKIE_SECURE
    response.set_cookie(name, value, max_age=YEAR, secure=secure, httponly=True, samesite="Lax")


def time_zone_of(request: HttpRequest) -> ZoneInfo | None:
    """Return the time zone that the reader has chosen, or None for that of the settings."""
    name = request.COOKIES.get("timezone")
    return ZoneInfo(name) if name in settings.TIME_ZONES else None
