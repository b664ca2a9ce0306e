"""Lists and searches under a name."""

from __future__ import annotations

from collections.abc import Callable

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from conversations import changes
from conversations.asking import Asked
from conversations.errors import InvalidValue
from conversations.filters import SessionFilter
from conversations.models import SavedView
from conversations.pages import go_back, say, say_error

LONGEST = SavedView._meta.get_field("query").max_length


def views_of(request: HttpRequest, page: str) -> QuerySet[SavedView]:
    """Return what the reader, and others for everybody, have kept of a page."""
    views = SavedView.objects.filter(page=page).select_related("user")
    return views.filter(Q(user=request.user) | Q(is_shared=True))


@require_POST
def save_view(request: HttpRequest) -> HttpResponse:
    """Keep what a page asks for under a name; the same name again replaces it."""
    name = " ".join(request.POST.get("name", "").split())[:100]
    page = request.POST.get("page", "")
    page = page if page in ASKED else SavedView.Page.SESSIONS
    encoded = ASKED[page](QueryDict(request.POST.get("query", "")[:5000])).urlencode()
    if not name or "\x00" in name:
        say_error(request, InvalidValue("Give the view a name."))
    elif len(encoded) > LONGEST:
        say_error(request, InvalidValue("These filters are too long to be kept."))
    elif page == SavedView.Page.SEARCH and not encoded:
        say_error(request, InvalidValue("There is no search to be kept yet."))
    else:
        SavedView.objects.update_or_create(
            user=request.user,
            page=page,
            name=name,
            defaults={"query": encoded, "is_shared": request.POST.get("shared") == "on"},
        )
        say(request, f"Saved as “{name}”.")
    return redirect(reverse(page) + (f"?{encoded}" if encoded else ""))


@require_POST
def delete_view(request: HttpRequest, pk: int) -> HttpResponse:
    view = get_object_or_404(SavedView, pk=pk, user=request.user)
    with_undo = changes.delete_and_keep(view, f"View “{view.name}” deleted", user=request.user)
    say(request, f"{with_undo.summary}.", undo=with_undo)
    return go_back(request, view.page)


def _sessions(asked: QueryDict) -> QueryDict:
    """Return the filters and the order of the list of sessions."""
    query = SessionFilter(asked).query()
    for order in ("sort", "per_page"):
        if value := asked.get(order):
            query[order] = value[:50]
    return query


def _search(asked: QueryDict) -> QueryDict:
    search = Asked.of(asked)
    return Asked(search.typed, search.order, search.by).query() if search.typed else QueryDict()


# What is kept of a page, by its name among the addresses.
ASKED: dict[str, Callable[[QueryDict], QueryDict]] = {
    SavedView.Page.SESSIONS: _sessions,
    SavedView.Page.SEARCH: _search,
}
