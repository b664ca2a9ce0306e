"""Finding: messages by their text, and everything else by its name."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from conversations import search
from conversations.importers.text import clean_text
from conversations.models import LanguageModel, Project, Session
from conversations.pages import render_page
from conversations.reading import Row
from conversations.rendering import render_excerpt
from conversations.templatetags import conversations as show
from conversations.values import time
from conversations.views.messages import address

PER_PAGE = 20
DEEPEST_PAGE = 50
LONGEST = 1_000
LONGEST_SECONDS = 2.0
FOUND_OF_A_KIND = 6
SHORTEST_ID = 6  # characters of an id that are worth looking up
PAGES = [
    ("Sessions", "sessions"), ("New session", "session-new"), ("Projects", "projects"),
    ("New project", "project-new"), ("Models", "models"), ("New model", "model-new"),
    ("Import", "import"), ("Search", "search"), ("Trash", "trash"), ("Account", "account"),
    ("Connect a program", "connect"), ("Keyboard", "keys"),
]  # fmt: skip


@require_safe
def search_page(request: HttpRequest) -> HttpResponse:
    typed = clean_text(request.GET.get("q", "")).strip()[:LONGEST]
    order = request.GET.get("order", "")
    order = order if order in search.ORDERS else search.ORDERS[0]
    page = _page(request.GET.get("page", ""))
    # Marks that no text can hold: nobody knows them beforehand.
    nonce = secrets.token_hex(4)
    marks = (f"\ue000{nonce}", f"\ue001{nonce}")

    def find(order: str) -> list[Row]:
        return search.search_messages(
            typed,
            limit=PER_PAGE + 1,
            offset=(page - 1) * PER_PAGE,
            order=order,
            marks=marks,
            seconds=LONGEST_SECONDS,
        )

    hits, given_up = [], False
    # To rank what stands in most messages takes too long; the newest of them come at once.
    for possible in dict.fromkeys([order, "newest"]):
        try:
            hits, order = find(possible), possible
            break
        except search.TooSlow:
            given_up = True
    for hit in hits:
        hit["excerpt"] = render_excerpt(hit["snippet"], marks)
        found = Session(session_uuid=hit["session_uuid"])
        hit["address"] = show.address(found) and address(found, hit["message_uuid"])
        hit["timestamp"] = time("timestamp", hit["timestamp"])
    return render_page(
        request,
        "conversations/search.html",
        {
            "query": typed,
            "order": order,
            "orders": [("relevance", "Best match"), ("newest", "Newest")],
            "hits": hits[:PER_PAGE],
            "given_up": given_up,
            "page": page,
            "has_next": len(hits) > PER_PAGE and page < DEEPEST_PAGE,
        },
        parts={"hits": "conversations/_hits.html"},
    )


def _page(text: str) -> int:
    is_number = text.isascii() and text.isdigit() and len(text) < 9
    return min(max(int(text), 1), DEEPEST_PAGE) if is_number else 1


@dataclass(slots=True)
class Group:
    """What was found of one kind: names and addresses."""

    kind: str
    found: list[tuple[str, str]] = field(default_factory=list)


@require_safe
def go(request: HttpRequest) -> HttpResponse:
    """Pages, sessions, projects and models whose name holds what was typed."""
    typed = " ".join(clean_text(request.GET.get("q", "")).split())[:200]
    groups = [group for group in _found(typed, request.user.is_staff) if group.found]
    return render_page(
        request,
        "conversations/go.html",
        {"query": typed, "groups": groups},
        parts={"palette-results": "conversations/_go.html"},
    )


def _found(typed: str, is_staff: bool) -> list[Group]:
    pages = [(label, reverse(name)) for label, name in PAGES]
    if is_staff:
        pages += [("Admin", reverse("admin:index")), ("Style guide", reverse("styleguide"))]
    pages = [(label, link) for label, link in pages if typed.lower() in label.lower()]
    sessions = Session.objects.only("title", "session_uuid")
    found = list(sessions.titled(typed).newest_first()[:FOUND_OF_A_KIND])
    if len(typed) >= SHORTEST_ID:
        found += sessions.whose_id_starts_with(typed)[:FOUND_OF_A_KIND]
    return [
        Group("Pages", pages[:FOUND_OF_A_KIND]),
        Group("Sessions", [(str(s), link) for s in found if (link := show.address(s))]),
        Group("Projects", _named(Project.objects.filter(name__contains=typed))),
        Group(
            "Models",
            _named(LanguageModel.objects.filter(model_name__contains=typed)) if typed else [],
        ),
    ]


def _named(rows) -> list[tuple[str, str]]:
    return [(str(row), row.get_absolute_url()) for row in rows[:FOUND_OF_A_KIND]]
