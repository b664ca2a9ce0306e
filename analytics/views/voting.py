"""Blind voting on two answers, side by side."""

from __future__ import annotations

import difflib
import re
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
LONGEST_DIFF = 1_000  # lines of an answer that are compared
LONGEST_LINE = 2_000  # characters of one of them
LEAST_ALIKE = 0.4  # of two lines that are compared word by word
MOST_WORK = 2_000_000  # pairs of words that are held against each other, in all lines

Line = list[tuple[str, bool]]  # pieces of a line, and whether the other side lacks them


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
        # Not the comparison's name: it may well tell who is compared.
        "crumbs": [
            (reverse("comparisons"), "Comparisons"), (group.get_absolute_url(), "The comparison"),
        ],
    }  # fmt: skip
    if ballot is None:
        context["done"], context["total"] = balloting.progress(group, rater)
    elif is_diff:
        context["lines"], context["is_cut"] = differences(ballot.left.text, ballot.right.text)
    else:
        context["answers"] = [
            ("left", "Left", ballot.left, render_markdown(ballot.left.text)),
            ("right", "Right", ballot.right, render_markdown(ballot.right.text)),
        ]
    return render(request, "analytics/comparison_vote.html", context)


def _address(request: HttpRequest, group) -> str:
    address = reverse("comparison-vote", args=[group.group_uuid])
    return f"{address}?view=diff" if request.POST.get("view") == "diff" else address


def differences(left: str, right: str) -> tuple[list[tuple[str, Line]], bool]:
    """Return lines as (same, left or right; pieces), and whether the answers have more than these.

    Lines that stand in each other's place are compared word by word, until `MOST_WORK` is done.
    """
    whole = [text.splitlines() for text in (left, right)]
    sides = [[line[:LONGEST_LINE] for line in lines[:LONGEST_DIFF]] for lines in whole]
    is_cut = sides != whole
    found: list[tuple[str, Line]] = []
    work = MOST_WORK
    for what, i, j, k, m in difflib.SequenceMatcher(None, *sides).get_opcodes():
        if what == "equal":
            found += [("same", [(line, False)]) for line in sides[0][i:j]]
            continue
        both = [
            [[(line, False)] for line in sides[0][i:j]],
            [[(line, False)] for line in sides[1][k:m]],
        ]
        for place, lines in enumerate(zip(sides[0][i:j], sides[1][k:m], strict=False)):
            words = [re.findall(r"\s+|\w+|[^\w\s]", line) for line in lines]
            work -= len(words[0]) * len(words[1])
            if work < 0:
                break
            both[0][place], both[1][place] = _pieces(*words)
        found += [("left", line) for line in both[0]] + [("right", line) for line in both[1]]
    return found, is_cut


def _pieces(left: list[str], right: list[str]) -> tuple[Line, Line]:
    """Return the pieces of two lines; lines that share too little are left whole."""
    matcher = difflib.SequenceMatcher(None, left, right)
    if matcher.ratio() < LEAST_ALIKE:
        return [("".join(left), False)], [("".join(right), False)]
    pieces: tuple[Line, Line] = ([], [])
    for what, i, j, k, m in matcher.get_opcodes():
        for side, words in zip(pieces, (left[i:j], right[k:m]), strict=True):
            if words:
                side.append(("".join(words), what != "equal"))
    return pieces


@require_POST
def undo_vote(request: HttpRequest, uuid: str) -> HttpResponse:
    """Take the rater's last vote back, and show its answers again."""
    group, rater = find(uuid), request.user.get_username()
    last = balloting.last_vote_of(group, rater)
    if last is not None:
        recording.take_back(last)
        say(request, "The last vote was taken back.")
    return redirect("comparison-vote", group.group_uuid)
