"""Budgets: how far each is spent, one with the sessions behind it, and setting them."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from analytics import budgets
from analytics.budgets import BudgetState
from analytics.charts import requested
from analytics.figures import Figure
from analytics.forms import BudgetForm
from analytics.models import Budget
from conversations import changes, databases
from conversations.errors import TooSlow
from conversations.forms import changed_columns
from conversations.pages import say
from conversations.views.sessions import tag_names

from .reporting import TABS

EXPLAIN_SECONDS = 2.0


@require_safe
def list_budgets(request: HttpRequest) -> HttpResponse:
    """Show how far each budget is spent."""
    context = {
        "states": budgets.states(),
        "switched_off": Budget.objects.filter(is_active=False),
        "tabs": [(reverse(name), label, None) for name, label in TABS],
    }
    return render(request, "analytics/budgets.html", context)


@require_safe
def show_budget(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how a budget's period goes, and the fewest sessions that explain it."""
    budget = get_object_or_404(Budget.objects.select_related("project", "model"), pk=pk)
    state = budgets.state_of(budget)
    chart = budgets.chart(state)
    if (download := requested(request, [chart])) is not None:
        return download
    context = {
        "state": state,
        "budget": budget,
        "chart": chart,
        "figures": _figures(state),
        "crumbs": [(reverse("budgets"), "Budgets")],
    }
    try:
        context["overspend"] = databases.remembered(
            connection,
            ("overspend", pk, state.range.today),
            lambda: budgets.explain(budget, state.range.today, seconds=EXPLAIN_SECONDS),
        )
    except TooSlow as error:
        context["given_up"] = str(error)
    return render(request, "analytics/budget.html", context)


def _figures(state: BudgetState) -> list[Figure]:
    budget, here = state.budget, state.filters.sessions_url()
    before = state.range.previous
    soft = [Figure("Soft line", budget.soft_limit, "usd")] if budget.soft_limit else []
    likely = [] if state.forecast is None else [Figure("Likely at the end", state.forecast, "usd")]
    left = budget.hard_limit - state.spent
    return [
        Figure("Spent", state.spent, "usd", link=here, unpriced=state.unpriced),
        *soft,
        Figure("Hard line", budget.hard_limit, "usd"),
        Figure("Left", left, "usd") if left >= 0 else Figure("Above the line", -left, "usd"),
        *likely,
        Figure(
            f"{budget.period.capitalize()} before",
            state.before,
            "usd",
            link=state.filters.sessions_url(before) if before else "",
        ),
    ]


@require_http_methods(["GET", "HEAD", "POST"])
def new_budget(request: HttpRequest) -> HttpResponse:
    """Make a budget."""
    form = BudgetForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return redirect(form.save())
    return render(request, "analytics/budget_form.html", _form(form, "New budget"))


@require_http_methods(["GET", "HEAD", "POST"])
def edit_budget(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a budget other terms; that can be taken back."""
    budget = get_object_or_404(Budget, pk=pk)
    name = budget.name  # a form that is refused has changed it
    form = BudgetForm(request.POST or None, instance=budget)
    if request.method == "POST" and form.is_valid():
        change = changes.edit(budget, changed_columns(form), "Budget changed", user=request.user)
        say(request, "Saved." if change.steps else "Nothing was changed.", undo=change)
        return redirect(budget)
    crumb = (budget.get_absolute_url(), name)
    return render(request, "analytics/budget_form.html", _form(form, "Edit", crumb))


def _form(form: BudgetForm, title: str, *crumbs: tuple[str, str]) -> dict[str, Any]:
    crumbs = ((reverse("budgets"), "Budgets"), *crumbs)
    return {
        "form": form,
        "title": title,
        "crumbs": crumbs,
        "back": crumbs[-1][0],
        "tag_names": tag_names,
    }


@require_POST
def delete_budget(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a budget; that can be taken back."""
    budget = get_object_or_404(Budget, pk=pk)
    change = changes.delete_and_keep(budget, f"Budget {budget.name} deleted", user=request.user)
    say(request, f"{change.summary}.", undo=change)
    return redirect("budgets")
