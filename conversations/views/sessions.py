"""The list of sessions, and what can be done with many of them at once."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from conversations import changes, databases, demo, organising
from conversations.errors import InvalidValue, SessionsError
from conversations.filters import NONE, SessionFilter, totals
from conversations.forms import MOST_CHOICES, SessionForm
from conversations.models import Change, Project, SavedView, Session, SessionTag
from conversations.models.sessions import SessionQuerySet
from conversations.pages import go_back, picked_keys, render_list, row_key, say, say_error
from conversations.tables import SessionTable
from conversations.writing import new_id

from .saved_views import views_of

LISTED_TAGS = 200


@require_safe
def session_list(request: HttpRequest) -> HttpResponse:
    return _list(request)


def _list(request: HttpRequest) -> HttpResponse:
    filters = SessionFilter(request.GET)
    sums = totals(filters.qs)
    return render_list(
        request,
        "conversations/sessions.html",
        {
            "table": SessionTable.of(
                filters.qs, query=filters.query(), request=request, count=sums.sessions
            ),
            "totals": sums,
            "filters": filters,
            "projects": lambda: filters.form.fields["project"].rows,
            "tag_names": tag_names,
            "views": views_of(request, SavedView.Page.SESSIONS),
            "has_demo": has_demo,
        },
        part="conversations/_sessions_table.html",
    )


def tag_names() -> list[str]:
    """Return names of tags, in order; not more than help to choose from."""
    names = SessionTag.objects.order_by("name").values_list("name", flat=True).distinct()
    return databases.remembered(connection, "tag names", lambda: list(names[:LISTED_TAGS]))


def has_demo() -> bool:
    return databases.remembered(connection, "demo", demo.exists)


# -- many at once -------------------------------------------------------------------------------


@require_POST
def bulk(request: HttpRequest) -> HttpResponse:
    """Do one thing with the sessions that are picked, or with all that the filters let through."""
    try:
        change = _do(request, picked(request))
    except SessionsError as error:
        say_error(request, error)
    else:
        say(request, f"{change.summary}.", undo=change)
    if request.htmx:
        return _list(request)
    query = request.GET.urlencode()
    return redirect(reverse("sessions") + (f"?{query}" if query else ""))


def picked(request: HttpRequest) -> SessionQuerySet:
    """Return the sessions that a form of the list is about: those picked, or all that match.

    Raises `InvalidValue` if there are none, or other than were shown.
    """
    if expected := request.POST.get("all"):
        sessions = SessionFilter(request.GET).qs
        count = sessions.count()
        if expected != str(count):
            raise InvalidValue(
                f"{organising.counted(count)} match now, and not {expected[:20]}."
                " Nothing was changed; look at the list again."
            )
        return sessions
    if not (keys := picked_keys(request)):
        raise InvalidValue("No session is selected.")
    return Session.objects.filter(pk__in=keys)


def _do(request: HttpRequest, sessions: SessionQuerySet) -> Change:
    verb, given = request.POST.get("verb", ""), request.POST
    if verb not in VERBS:
        raise InvalidValue("Choose what to do with the selected sessions.")
    return VERBS[verb](sessions, given, request.user)


def _project(given: QueryDict) -> Project | None:
    chosen = given.get("project", "")
    if chosen == NONE:
        return None
    project = Project.objects.filter(pk=row_key(chosen)).first()
    if project is None:
        raise InvalidValue("Choose a project to move to.")
    return project


VERBS: dict[str, Callable[..., Change]] = {
    "complete": lambda s, given, user: organising.set_status(s, "completed", user=user),
    "archive": lambda s, given, user: organising.set_status(s, "archived", user=user),
    "reopen": lambda s, given, user: organising.set_status(s, "active", user=user),
    "trash": lambda s, given, user: organising.trash(s, user=user),
    "tag": lambda s, given, user: organising.tag(s, given.get("tag", ""), user=user),
    "untag": lambda s, given, user: organising.untag(s, given.get("tag", ""), user=user),
    "move": lambda s, given, user: organising.move(s, _project(given), user=user),
}


@require_POST
def undo(request: HttpRequest, change_uuid: str) -> HttpResponse:
    """Take back what this user did, and go back to where they are."""
    change = get_object_or_404(Change, change_uuid=change_uuid, user=request.user)
    try:
        changes.undo(change)
    except InvalidValue as error:
        say_error(request, error)
    else:
        say(request, f"Taken back: {change.summary}.")
    return go_back(request, "sessions")


# -- one by hand --------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def session_new(request: HttpRequest) -> HttpResponse:
    """Write a session by hand; its messages are added on its page."""
    form = SessionForm(request.POST or None, instance=Session(session_uuid=new_id()))
    if request.method == "POST" and form.is_valid():
        return redirect(form.save())
    if request.method != "POST":
        form.initial["project"] = request.GET.get("project", "")[:200]
    return render(
        request, "conversations/session_form.html", {"form": form, "names": project_names()}
    )


def project_names() -> list[str]:
    """Return names of projects to offer while one is typed."""
    return list(Project.objects.values_list("name", flat=True)[:MOST_CHOICES])
