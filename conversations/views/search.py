"""Searching what was said, what it is called, and what people wrote beside it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from conversations import downloads
from conversations.asking import LONGEST, Asked, field
from conversations.importers.values.text import clean_text
from conversations.models import SavedView
from conversations.pages import render_page

from .results import Results
from .saved_views import views_of

ORDERS = [("relevance", "Best match"), ("newest", "Newest"), ("cost", "Highest cost")]
GROUPS = [("session", "By session"), ("message", "By message")]
EXAMPLES = [
    ("python error", "both words, in any form: errors too"),
    ('"exact phrase"', "these words in this order"),
    ("tea OR coffee", "one of them; brackets go around what belongs together"),
    ("python -java", "without a word; NOT says the same"),
    ("begin*", "words that begin so"),
    ("*part*", "these letters anywhere, within words too"),
    ("node.js foo_bar c++", "names, to the letter"),
]
FIELDS = [
    ("role:user", "user, assistant, system or tool"),
    ("model:gpt-4", "a model, or a part of its name"),
    ("project:Kitchen", "a project; none for what is in none"),
    ("tag:draft", "a tag of the session"),
    ("status:completed", "active, completed, failed or archived"),
    ("source:chatgpt", "where the session came from"),
    ("type:single", "the type of the session"),
    ("title:tea", "a word in the title"),
    ("session:3f2a", "one session, by the beginning of its ID"),
    ("after:2025-03-31", "since a day, a month, or 7d ago"),
    ("before:2025-04", "before it"),
    ("cost:>0.5", "US dollars of a message; also <, >=, <= and 0.1..0.5"),
    ("tokens:>10k", "tokens of a message, in and out"),
    ("latency:>30s", "time that an answer took"),
    ("has:error", "error, tool or annotation"),
    ("in:title", "text, tools, title, description, system, tags or notes alone"),
]


@require_safe
def search_page(request: HttpRequest) -> HttpResponse:
    if session := clean_text(request.GET.get("session", "")).strip()[:LONGEST]:
        return redirect(_inside(session, request.GET.get("q", "")))
    asked = Asked.of(request.GET)
    results = Results(asked)
    format = request.GET.get("format", "")
    if format in downloads.FORMATS and asked.typed and not results.found.given_up:
        return results.download(format)
    return render_page(
        request,
        "conversations/search.html",
        {
            "query": asked.typed,
            "asked": asked,
            "results": results,
            "orders": ORDERS,
            "groups": GROUPS,
            "examples": EXAMPLES,
            "help": [("Words", EXAMPLES), ("Fields", FIELDS)],
            "with_facets": "facets" in request.GET,
            "views": views_of(request, SavedView.Page.SEARCH),
        },
        parts={
            "search": "conversations/_search.html",
            "hits": "conversations/_hits.html",
            "facets": "conversations/_facets.html",
        },
    )


def _inside(session: str, typed: str) -> str:
    """Return the address of a search within one session, which a form asks for in two fields."""
    within = f"{field('session', session)} {clean_text(typed)[:LONGEST]}".strip()
    return f"{reverse('search')}?{urlencode({'q': within})}"
