"""What holds for every answer: headers, who may see it, and words for database trouble."""

from __future__ import annotations

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.db import DatabaseError
from django.http import HttpResponse
from django.shortcuts import resolve_url

from . import views

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
