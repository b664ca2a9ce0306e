"""Signing in, health, and what is said when something goes wrong."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, redirect_to_login
from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import filesizeformat, pluralize
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import requires_csrf_token
from django.views.decorators.http import require_http_methods, require_safe

from conversations import databases
from conversations.pages import on_this_site

from . import health, lockout, signin
from .requests import current_id

PLAIN = "text/plain; charset=utf-8"


class SignIn(LoginView):
    """Sign in by name and password."""

    template_name = "sessionsite/sign_in.html"
    redirect_authenticated_user = True

    def get_context_data(self, **context):
        # Else signing out would seem to have done nothing.
        no_password = signin.needs_no_password(self.request)
        return super().get_context_data(needs_no_password=no_password, **context)


sign_in = SignIn.as_view()


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
        return redirect(on_this_site(request, wanted) or settings.LOGIN_REDIRECT_URL)
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
def favicon(request: HttpRequest) -> HttpResponse:
    return redirect(static("favicon.svg"))


# -- health -----------------------------------------------------------------------------------


@login_not_required
@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """The process answers. It asks no database."""
    return HttpResponse("ok\n", content_type=PLAIN)


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """The program can do its work, or what keeps it from it."""
    problems = {name: _for(request, said) for name, said in health.problems().items()}
    status = "not ready" if problems else "ready"
    return JsonResponse({"status": status, "problems": problems}, status=503 if problems else 200)


# -- trouble ----------------------------------------------------------------------------------


def _trouble(
    request: HttpRequest, status: int, why: str, *, page: str = "", knows_reader: bool = True
) -> HttpResponse:
    """Answer with a page, or with the sentence alone where htmx asked for a part of one."""
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(f"{why} (Request {current_id()})", content_type=PLAIN, status=status)
    # The context processors would ask the database who reads this.
    context = {"request": request, "why": why}
    return render(
        request if knows_reader else None, page or f"{status}.html", context, status=status
    )


@requires_csrf_token
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what makes no sense; and, as Django calls this for it too, what is too much."""
    match exception:
        case RequestDataTooBig() if type(exception) is not RequestDataTooBig:
            return too_large(request, str(exception))  # one of ours, which says it to people
        case RequestDataTooBig():
            most = filesizeformat(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
            return too_large(request, f"A form may hold {most} at most.")
        case TooManyFieldsSent() if request.method == "POST":  # else it is the address
            most = settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
            return too_large(request, f"A form may have {most} fields at most.")
        case TooManyFilesSent():
            most = settings.DATA_UPLOAD_MAX_NUMBER_FILES
            return too_large(request, f"A form may have {most} files at most.")
    why = "The address or the form holds something that makes no sense here."
    return _trouble(request, 400, why)


@requires_csrf_token
def not_allowed(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _trouble(request, 403, "You are signed in, but this page is not for you.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    why = (
        "For your safety the form was not taken: it came from another page, or your sign-in has"
        " changed since. Go back, reload the page and send it again."
    )
    return _trouble(request, 403, why, page="403_csrf.html")


@requires_csrf_token
def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    # No view, so nobody asked who this is.
    if not request.user.is_authenticated and signin.needs_no_password(request):
        request.user = signin.first_administrator() or request.user
    why = "There is nothing at this address. It may have been deleted."
    return _trouble(request, 404, why)


@requires_csrf_token
def too_large(request: HttpRequest, why: str) -> HttpResponse:
    """Answer that something was too large to be taken; `why` is a sentence that says how much is.

    A view that cannot import this raises a subclass of `RequestDataTooBig` with the sentence.
    """
    return _trouble(request, 413, why)


def locked_out(
    request: HttpRequest, response: HttpResponse | None, credentials: dict | None
) -> HttpResponse:
    """Answer somebody who gave too many wrong passwords: when to try again."""
    seconds = lockout.seconds_left(request, credentials)
    minutes = -(-seconds // 60)
    then = timezone.localtime(timezone.now() + timedelta(seconds=seconds))
    why = (
        "Too many wrong passwords were given for this name. Try again in"
        f" {minutes} minute{pluralize(minutes)}, at {then:%H:%M:%S %Z}."
    )
    answer = _trouble(request, 429, why)
    answer["Retry-After"] = str(seconds)
    return answer


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer for an error that no view could catch, such as one in reading the sign-in."""
    error = sys.exc_info()[1]
    if isinstance(error, DatabaseError) and (page := database_trouble(request, error)):
        return page
    why = (
        "This is a defect of the program. Nothing that was stored before is lost; what went wrong"
        " is in the server's log."
    )
    return _trouble(request, 500, why, knows_reader=False)


def database_trouble(request: HttpRequest, error: DatabaseError) -> HttpResponse | None:
    """Return an answer that says what is wrong with the database, if that is known."""
    path = str(connection.settings_dict["NAME"])
    why = databases.of(connection).explain(error, path)
    if why is None:
        return None
    response = _trouble(request, 503, _for(request, why), knows_reader=False)
    response["Retry-After"] = "5"
    return response


def _for(request: HttpRequest, explanation: str) -> str:
    """Return the explanation without folder names, which are nothing for strangers' eyes."""
    if signin.is_local(request):
        return explanation
    folder = str(Path(connection.settings_dict["NAME"]).parent)
    return explanation.replace(folder + "/", "").replace(folder, "the data folder")
