"""Pricing messages anew: what it would change, the runs, and taking one back."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from conversations import tasks
from conversations.errors import InvalidValue
from conversations.models import RepriceRun, RepriceStatus
from conversations.pages import render_page, say, say_error
from conversations.price_forms import RepriceFilter
from conversations.pricing import planning, repricing, requests
from conversations.pricing.requests import Scope
from conversations.templatetags.conversations import in_dollars

from .sessions import tag_names

AT_ONCE = 20_000  # messages that are priced while the reader waits
SECONDS = 3.0  # that a page takes to look what would change
LISTED = 25
PARTS = {"reprice-state": "conversations/_reprice_state.html"}
SHOW = "show"  # in the address: the reader wants to see what would change


@require_http_methods(["GET", "HEAD", "POST"])
def reprice(request: HttpRequest) -> HttpResponse:
    """Show what pricing messages anew would change, do it, and list the runs before."""
    if request.method == "POST":
        chosen = RepriceFilter(request.POST)
        if chosen.left_out:  # a filter that is gone must not mean all
            say_error(request, InvalidValue(" ".join(chosen.ignored())))
            return redirect("reprice")
        return start(request, chosen.scope, words=chosen.words)
    repricing.settle()
    filters = RepriceFilter(request.GET)
    runs = Paginator(RepriceRun.objects.select_related("user"), LISTED)
    plan = planning.plan(filters.scope, seconds=SECONDS) if SHOW in request.GET else None
    context = {
        "filters": filters,
        "plan": plan,
        "page": runs.get_page(request.GET.get("page", "1")),
        "tag_names": tag_names,
        "crumbs": _crumbs(),
    }
    return render(request, "conversations/reprice.html", context)


def _crumbs() -> list[tuple[str, str]]:
    return [(reverse("prices"), "Prices")]


def start(request: HttpRequest, scope: Scope, *, words: str, back: str = "reprice") -> HttpResponse:
    """Price these messages at once if they are few, else put it in line; say what came of it."""
    is_long = requests.count(scope, AT_ONCE + 1) > AT_ONCE
    entry = repricing.begin(scope, words=words, user=request.user, in_background=is_long)
    if is_long:
        tasks.run_reprice.enqueue(entry.run_uuid)
        return redirect(entry)
    say(request, outcome(repricing.run(entry)))
    return redirect(back)


def outcome(run: RepriceRun) -> str:
    """Return in a sentence what a run has done."""
    before, after = (in_dollars(amount)[0] for amount in (run.cost_before, run.cost_after))
    if not run.messages:
        return f"{run.checked:,} messages looked at: none has another cost than before."
    return f"{run.messages:,} of {run.checked:,} messages priced: from {before} to {after}."


@require_safe
def reprice_run(request: HttpRequest, run_uuid: str) -> HttpResponse:
    """Show how far a run is, or what became of it."""
    repricing.settle()
    entry = get_object_or_404(RepriceRun.objects.select_related("user"), run_uuid=run_uuid)
    context = {
        "run": entry,
        "to_go": entry.changes.count() if entry.status == RepriceStatus.UNDOING else 0,
        "has_worker": not entry.is_busy or repricing.is_being_done(entry) or tasks.has_worker(),
        "crumbs": [*_crumbs(), (reverse("reprice"), "Price anew")],
    }
    return render_page(request, "conversations/reprice_run.html", context, parts=PARTS)


@require_POST
def reprice_undo(request: HttpRequest, run_uuid: str) -> HttpResponse:
    """Take a run back: at once if it changed little, else in line."""
    entry = get_object_or_404(RepriceRun, run_uuid=run_uuid)
    try:
        if entry.messages > AT_ONCE:
            repricing.ask_to_undo(entry)
            tasks.undo_reprice.enqueue(entry.run_uuid)
            return redirect(entry)
        repricing.undo(entry)
    except InvalidValue as error:
        say_error(request, error)
    else:
        left = f" {entry.left_alone:,} changed since are left alone." if entry.left_alone else ""
        count = entry.messages - entry.left_alone
        say(request, f"{count:,} messages have the cost again that they had before.{left}")
    return redirect("reprice")


@require_POST
def reprice_continue(request: HttpRequest, run_uuid: str) -> HttpResponse:
    """Put a run that was stopped in line again."""
    repricing.settle()
    entry = get_object_or_404(RepriceRun, run_uuid=run_uuid)
    try:
        repricing.ask_to_continue(entry)
    except InvalidValue as error:
        say_error(request, error)
    else:
        tasks.run_reprice.enqueue(entry.run_uuid)
    return redirect(entry)
