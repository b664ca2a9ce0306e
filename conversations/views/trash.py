"""The trash: what was deleted, to bring back or to be rid of."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from conversations import organising, tasks
from conversations.errors import InvalidValue
from conversations.pages import picked_keys, render_page, say, say_error

PER_PAGE = 50
PURGING = "conversations/_purging.html"  # asked for until it is done


@require_safe
def trash(request: HttpRequest) -> HttpResponse:
    sessions = organising.in_trash().with_names().order_by("-deleted_at", "-id")
    page = Paginator(sessions.defer("system_prompt", "description", "metadata"), PER_PAGE)
    context = {
        "page": page.get_page(request.GET.get("page")),
        "being_deleted": organising.being_deleted(),
        "has_worker": tasks.has_worker(),
    }
    return render_page(request, "conversations/trash.html", context, parts={"purging": PURGING})


@require_POST
def trash_empty(request: HttpRequest) -> HttpResponse:
    """Bring the picked sessions back, or delete them for good; `all` picks everything."""
    sessions = organising.in_trash()
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
        count, is_gone = organising.purge(sessions, may_wait=True, user=request.user)
        said = "deleted for good." if is_gone else "on the way to be deleted for good."
        say(request, f"{organising.counted(count)} {said}")
    return redirect("trash")
