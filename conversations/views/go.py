"""Going anywhere by name: pages, sessions, projects, models."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from conversations.importers.values.text import clean_text
from conversations.models import LanguageModel, Project, Session
from conversations.pages import render_page
from conversations.templatetags import conversations as show

FOUND_OF_A_KIND = 6
SHORTEST_ID = 6  # characters of an id that are worth looking up
PAGES = [
    ("Sessions", "sessions"), ("New session", "session-new"), ("Projects", "projects"),
    ("New project", "project-new"), ("Models", "models"), ("New model", "model-new"),
    ("Prices", "prices"), ("Models without a price", "prices-missing"), ("Price anew", "reprice"),
    ("Import", "import"), ("Search", "search"), ("Trash", "trash"), ("Account", "account"),
    ("Connect a program", "connect"), ("Keyboard", "keys"),
]  # fmt: skip


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
