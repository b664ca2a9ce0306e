"""What holds for every answer: headers, who may see it, time zone, words for trouble."""

from __future__ import annotations

from contextlib import suppress

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.db import DatabaseError
from django.http import HttpResponse
from django.shortcuts import resolve_url
from django.utils import timezone

from . import accounts, signin, views

MOST_READ = 100 * 1024 * 1024
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "usb",
    )
)


class WholeRequestMiddleware:
    """Read what is left of a request that was answered early.

    A browser looks for no answer before all is sent: left unread, a form that is too large, or
    that came too late, would be told of a broken connection.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        left = MOST_READ if request.META.get("CONTENT_LENGTH") else 0
        with suppress(OSError):  # nobody is there any more
            while left > 0 and (piece := request.read(min(left, 65536))):
                left -= len(piece)
        return response


class HeadersMiddleware:
    """Keep pages out of every cache, and the browser's sensors out of pages."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        # Static files come with theirs; all else is private, and Back asks the server again.
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response


class SignInRequiredMiddleware(LoginRequiredMiddleware):
    """Send who is not signed in to the sign-in page, from parts of pages too."""

    def process_view(self, request, view_func, view_args, view_kwargs):
        # Asked before who it is: a page for everyone needs no database.
        if not getattr(view_func, "login_required", True):
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)

    def handle_no_permission(self, request, view_func):
        # For this request alone, with no session: what asks without cookies would leave one in
        # the database each time.
        if signin.needs_no_password(request) and (user := signin.first_administrator()):
            request.user = user
            return None
        if not request.htmx:
            return super().handle_no_permission(request, view_func)
        # Followed by htmx, a redirect would put the sign-in page into the part of the page.
        sign_in = redirect_to_login(self._page(request), resolve_url(self.get_login_url(view_func)))
        return HttpResponse(status=204, headers={"HX-Redirect": sign_in.url})

    def _page(self, request) -> str:
        try:
            return request.htmx.current_url_abs_path or request.path
        except ValueError:  # no URL at all
            return request.path


class TimeZoneMiddleware:
    """Show times in the zone that the reader has chosen."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        with timezone.override(accounts.time_zone_of(request)):
            return self.get_response(request)


class DatabaseTroubleMiddleware:
    """Answer a database error of a view with a page that says what is wrong and what helps."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        if isinstance(exception, DatabaseError):
            return views.database_trouble(request, exception)
        return None
