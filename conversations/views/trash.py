"""The trash: what was deleted, to bring back or to be rid of."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from conversations import organising
from conversations.errors import InvalidValue
from conversations.models import Session
from conversations.pages import picked_keys, say, say_error

PER_PAGE = 50


@require_safe
def trash(request: HttpRequest) -> HttpResponse:
    sessions = Session.with_trash.trashed().with_names().order_by("-deleted_at", "-id")
    page = Paginator(sessions.defer("system_prompt", "description", "metadata"), PER_PAGE)
    context = {"page": page.get_page(request.GET.get("page"))}
    return render(request, "conversations/trash.html", context)


@require_POST
def trash_empty(request: HttpRequest) -> HttpResponse:
    """Bring the picked sessions back, or delete them for good; `all` picks everything."""
    sessions = Session.with_trash.trashed()
    if not (expected := request.POST.get("all")):
        sessions = sessions.filter(pk__in=picked_keys(request))
    elif expected != str(count := sessions.count()):
        say_error(
            request,
            InvalidValue(
                f"The trash has {organising.counted(count)} now. Nothing was changed; look again."
            ),
        )
        return redirect("trash")
    if not sessions.exists():
        say_error(request, InvalidValue("No session is selected."))
    elif request.POST.get("verb") == "restore":
        change = organising.restore(sessions, user=request.user)
        say(request, f"{change.summary}.", undo=change)
    elif request.POST.get("confirm", "").strip().lower() != "delete":
        say_error(request, InvalidValue("To delete for good, type the word delete beside it."))
    else:
        count = organising.purge(sessions, user=request.user)
        say(request, f"{organising.counted(count)} deleted for good.")
    return redirect("trash")
