"""Blind voting on two answers, side by side."""

from __future__ import annotations

import difflib
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from analytics.comparisons import balloting, recording
from conversations.errors import SessionsError
from conversations.pages import say, say_error
from conversations.rendering import render_markdown

from .comparisons import find

MOST_SKIPPED = 500  # ballots that a rater left for later
LONGEST_DIFF = 2_000  # lines of an answer that are compared


@require_http_methods(["GET", "HEAD", "POST"])
def vote(request: HttpRequest, uuid: str) -> HttpResponse:
    """Show two answers without their names; take a choice, and show the next."""
    group, rater = find(uuid), request.user.get_username()
    key = f"skipped-{group.group_uuid}"
    if request.method == "POST":
        if skipped := request.POST.get("skip", "")[:100]:
            kept = [name for name in request.session.get(key, []) if name != skipped]
            request.session[key] = [*kept, skipped][-MOST_SKIPPED:]
        else:
            try:
                balloting.vote_on(
                    group,
                    token=request.POST.get("ballot", ""),
                    choice=request.POST.get("choice", ""),
                    rater=rater,
                )
            except SessionsError as error:
                say_error(request, error)
        return redirect(_address(request, group))
    ballot = balloting.next_ballot(group, rater=rater, skipped=request.session.get(key, []))
    is_diff = request.GET.get("view") == "diff"
    context: dict[str, Any] = {
        "group": group,
        "ballot": ballot,
        "is_diff": is_diff,
        "last": balloting.last_vote_of(group, rater),
        "crumbs": [
            (reverse("comparisons"), "Comparisons"), (group.get_absolute_url(), group.name),
        ],
    }  # fmt: skip
    if ballot is None:
        context["done"], context["total"] = balloting.progress(group, rater)
    elif is_diff:
        context["lines"] = _diff(ballot.left.text, ballot.right.text)
    else:
        context["answers"] = [
            ("left", "Left", ballot.left, render_markdown(ballot.left.text)),
            ("right", "Right", ballot.right, render_markdown(ballot.right.text)),
        ]
    return render(request, "analytics/comparison_vote.html", context)


def _address(request: HttpRequest, group) -> str:
    address = reverse("comparison-vote", args=[group.group_uuid])
    return f"{address}?view=diff" if request.POST.get("view") == "diff" else address


def _diff(left: str, right: str) -> list[tuple[str, str]]:
    """Return lines as (same, left or right; text)."""
    kinds = {" ": "same", "-": "left", "+": "right"}
    sides = [text.splitlines()[:LONGEST_DIFF] for text in (left, right)]
    matcher = difflib.SequenceMatcher(None, *sides, autojunk=True)
    lines: list[tuple[str, str]] = []
    for what, i, j, k, m in matcher.get_opcodes():
        if what == "equal":
            lines += [(kinds[" "], line) for line in sides[0][i:j]]
        else:
            lines += [(kinds["-"], line) for line in sides[0][i:j]]
            lines += [(kinds["+"], line) for line in sides[1][k:m]]
    return lines


@require_POST
def undo_vote(request: HttpRequest, uuid: str) -> HttpResponse:
    """Take the rater's last vote back, and show its answers again."""
    group, rater = find(uuid), request.user.get_username()
    last = balloting.last_vote_of(group, rater)
    if last is not None:
        recording.take_back(last)
        say(request, "The last vote was taken back.")
    return redirect("comparison-vote", group.group_uuid)
