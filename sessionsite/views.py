"""Signing in, colours, health, and what is said when something goes wrong."""

from __future__ import annotations

import sys
from pathlib import Path

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseServerError, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from conversations import databases

from . import health, signin

YEAR = 365 * 24 * 60 * 60
THEMES = ("light", "dark")

sign_in = LoginView.as_view(
    template_name="sessionsite/sign_in.html", redirect_authenticated_user=True
)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_link(request: HttpRequest, uidb64: str, token: str) -> HttpResponse:
    """Sign in by POST; GET only shows the button, for programs that look links up beforehand."""
    page = "sessionsite/sign_in_link.html"
    if not signin.is_local(request):
        why = "It works only in a browser on the machine that the program runs on."
        return render(request, page, {"why": why}, status=403)
    user = signin.user_of(uidb64, token)
    if user and request.method != "POST":
        return render(request, page, {"user_to_be": user})
    if user and signin.spend(user):
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
        wanted = request.GET.get("next", "")
        return redirect(_on_this_site(request, wanted) or settings.LOGIN_REDIRECT_URL)
    why = (
        "It has been used already, or it is older than 15 minutes. Start the program again for one."
    )
    return render(request, page, {"why": why}, status=410)


@login_not_required
def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """Lead the admin's own sign-in to the one there is."""
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next") or reverse("admin:index"))


@login_not_required
@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Keep the wanted colours in a cookie, which the server reads: so no page flashes."""
    back = _on_this_site(request, request.META.get("HTTP_REFERER", ""))
    response = redirect(back or "home")
    if (theme := request.POST.get("theme")) in THEMES:
        secure = settings.SESSION_COOKIE_SECURE
        response.set_cookie(
            "theme", theme, max_age=YEAR, secure=secure, httponly=True, samesite="Lax"
        )
    else:
        response.delete_cookie("theme", samesite="Lax")
    return response


def _on_this_site(request: HttpRequest, address: str) -> str:
    """Return `address` if it leads to a page of this site, else ""."""
    is_ours = url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return address if is_ours else ""


@login_not_required
def favicon(request: HttpRequest) -> HttpResponse:
    return redirect(static("favicon.svg"))


# -- health -----------------------------------------------------------------------------------


@login_not_required
@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """The process answers. It asks no database."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """The program can do its work, or what keeps it from it."""
    problems = {name: _for(request, said) for name, said in health.problems().items()}
    status = "not ready" if problems else "ready"
    return JsonResponse({"status": status, "problems": problems}, status=503 if problems else 200)


# -- trouble ----------------------------------------------------------------------------------


def database_trouble(request: HttpRequest, error: DatabaseError) -> HttpResponse | None:
    """Return a page that says in plain words what is wrong with the database, if that is known."""
    path = str(connection.settings_dict["NAME"])
    why = databases.of(connection).explain(error, path)
    if why is None:
        return None
    why = _for(request, why)
    if request.headers.get("HX-Request") == "true":
        response = HttpResponse(why, content_type="text/plain; charset=utf-8", status=503)
    else:
        # Not with the request's context processors: they would ask the database who this is.
        page = render_to_string("503.html", {"request": request, "why": why})
        response = HttpResponse(page, status=503)
    response["Retry-After"] = "5"
    return response


def _for(request: HttpRequest, explanation: str) -> str:
    """Return the explanation without folder names, which are nothing for strangers' eyes."""
    if signin.is_local(request):
        return explanation
    folder = str(Path(connection.settings_dict["NAME"]).parent)
    return explanation.replace(folder + "/", "").replace(folder, "the data folder")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer for an error that no view could catch, such as one in reading the sign-in."""
    error = sys.exc_info()[1]
    if isinstance(error, DatabaseError) and (page := database_trouble(request, error)):
        return page
    return HttpResponseServerError(render_to_string("500.html", {"request": request}))
