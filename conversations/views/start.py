"""Ways in: demo data, connecting a program; and help."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from conversations import demo, organising
from conversations.forms import SessionForm
from conversations.models import Session
from conversations.models.choices import SessionStatus
from conversations.pages import say


@require_POST
def demo_data(request: HttpRequest) -> HttpResponse:
    """Fill an installation with made-up conversations, or take them away again."""
    if "remove" in request.POST:
        count = demo.remove()
        say(request, f"Demo data removed: {organising.counted(count)}.")
    else:
        report = demo.create()
        say(request, f"Demo data added: {organising.counted(report.new)}.")
    return redirect("sessions")


@require_safe
def connect(request: HttpRequest) -> HttpResponse:
    """Show how a program writes into the database: snippets that work as they stand."""
    path = Path(settings.DATABASES["default"]["NAME"])
    # Where things lie on the server is for those who look after it.
    if request.user.is_staff:
        context = {"folder": settings.BASE_DIR, "database": path}
    else:
        context = {"folder": "path/to/llm-sessions", "database": path.name}
    return render(request, "conversations/connect.html", context)


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    """Show every component in every state, for those who build pages."""
    if not request.user.is_staff:
        raise PermissionDenied
    rows = Session.objects.with_names().defer("system_prompt", "description", "metadata")[:3]
    form = SessionForm({"title": "x" * 2000, "status": "active", "temperature": "9"})
    form.is_valid()
    context = {
        "form": SessionForm(),
        "wrong_form": form,
        "rows": rows,
        "statuses": SessionStatus.choices,
        "tabs": [("#a", "Open", 12), ("#b", "Closed", 3), ("#c", "Without a number", None)],
        "crumbs": [("#", "Projects"), ("#", "Kitchen")],
        "amounts": [Decimal("0"), Decimal("0.000123"), Decimal("0.0123"), Decimal("1234.5")],
        "counts": [0, 950, 12_345, 9_876_543_210],
        "durations": [12, 4_200, 75_000, 200_000_000],
    }
    return render(request, "conversations/styleguide.html", context)


@require_safe
def keys(request: HttpRequest) -> HttpResponse:
    return render(request, "conversations/keys.html")
