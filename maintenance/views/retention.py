"""Rules of retention, what they would do, and receipts of what was erased."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from conversations.pages import say
from maintenance import retention
from maintenance.forms import RetentionRuleForm
from maintenance.models import Erasure, RetentionRule

from .shared import staff_only, tabs

PER_PAGE = 50


@staff_only
@require_safe
def list_rules(request: HttpRequest) -> HttpResponse:
    """Show the rules, and what each that is switched on would do now."""
    rules = list(RetentionRule.objects.select_related("project"))
    planned = {}
    if "count" in request.GET:
        active = [rule for rule in rules if rule.is_active]
        planned = {one.rule.pk: one for one in retention.plan(active)}
    context = {
        "rules": [(rule, planned.get(rule.pk)) for rule in rules],
        "is_counted": "count" in request.GET,
        "has_active": any(rule.is_active for rule in rules),
        "tabs": tabs(),
    }
    return render(request, "maintenance/retention.html", context)


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def new_rule(request: HttpRequest) -> HttpResponse:
    """Add a rule."""
    return _edit(request, RetentionRuleForm(request.POST or None), "New rule")


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def edit_rule(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a rule."""
    row = _find(pk)
    return _edit(request, RetentionRuleForm(request.POST or None, instance=row), row.name, row)


def _edit(
    request: HttpRequest, form: RetentionRuleForm, title: str, row: RetentionRule | None = None
) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        form.save()
        say(request, "Saved.")
        return redirect("retention")
    context = {
        "form": form, "title": title, "row": row, "crumbs": [(reverse("retention"), "Retention")]
    }  # fmt: skip
    return render(request, "maintenance/rule_form.html", context)


@staff_only
@require_POST
def delete_rule(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a rule; sessions stay as they are."""
    row = _find(pk)
    row.delete()
    say(request, f"Rule {row.name} deleted.")
    return redirect("retention")


def _find(pk: int) -> RetentionRule:
    if pk >= 2**63:
        raise Http404
    return get_object_or_404(RetentionRule, pk=pk)


@staff_only
@require_safe
def list_erasures(request: HttpRequest) -> HttpResponse:
    """Show the receipts of what was erased."""
    receipts = Erasure.objects.select_related("user").defer("session_uuids", "steps")
    page = Paginator(receipts, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "is_open": Erasure.objects.filter(is_complete=False).exists(),
        "tabs": tabs(),
    }
    return render(request, "maintenance/erasures.html", context)


@staff_only
@require_safe
def show_erasure(request: HttpRequest, uuid: str) -> HttpResponse:
    """Show a receipt."""
    if not uuid.isprintable():
        raise Http404
    receipt = get_object_or_404(Erasure.objects.select_related("user"), receipt_uuid=uuid)
    crumbs = [(reverse("erasures"), "Erasures")]
    context = {"receipt": receipt, "crumbs": crumbs, "listed": receipt.session_uuids[:1000]}
    return render(request, "maintenance/erasure.html", context)
