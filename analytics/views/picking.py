"""Sessions that are picked in their list become a variant of a comparison."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from analytics.comparisons import recording
from analytics.forms import PickedVariantForm
from analytics.models import ComparisonGroup
from conversations.errors import InvalidValue, SessionsError
from conversations.filters import SessionFilter
from conversations.models import Session
from conversations.organising import counted
from conversations.pages import say, say_error
from conversations.views.sessions import picked

PICKED, LAST = "picked sessions", "last comparison"  # in the visitor's session


@require_POST
def pick(request: HttpRequest) -> HttpResponse:
    """Remember which sessions are picked, and go on to where they become a variant."""
    query = request.GET.urlencode()
    here = reverse("sessions") + (f"?{query}" if query else "")
    address = reverse("comparison-variant")
    try:
        request.session[PICKED] = _remembered(request)
    except SessionsError as error:
        say_error(request, error)
        address = here
    return HttpResponseClientRedirect(address) if request.htmx else redirect(address)


def _remembered(request: HttpRequest) -> dict:
    sessions = picked(request)
    if not request.POST.get("all"):
        if not (ids := list(sessions.values_list("session_uuid", flat=True))):
            raise InvalidValue("No session is selected: they are not there any more.")
        return {"ids": ids}
    query = SessionFilter(request.GET).query()
    if not query:
        raise InvalidValue("All sessions at once are no variant: filter the list, or select some.")
    return {"query": query.urlencode()}


@require_http_methods(["GET", "HEAD", "POST"])
def make_variant(request: HttpRequest) -> HttpResponse:
    """Ask for the comparison and the name of the variant, and add the picked sessions to it."""
    chosen = request.session.get(PICKED)
    if not chosen:
        say_error(request, InvalidValue("No session is selected."))
        return redirect("sessions")
    last = ComparisonGroup.objects.filter(group_uuid=request.session.get(LAST, "")).first()
    form = PickedVariantForm(request.POST or None, initial={"comparison": last})
    if request.method == "POST" and form.is_valid() and (group := _added(request, form, chosen)):
        del request.session[PICKED]
        request.session[LAST] = group.group_uuid
        return redirect(group)
    context = {
        "form": form,
        "title": "Compare sessions",
        "picked": counted(_count(chosen)),
        "crumbs": [(reverse("sessions"), "Sessions")],
    }
    return render(request, "analytics/comparison_variant.html", context)


def _count(chosen: dict) -> int:
    if "ids" in chosen:
        return Session.objects.filter(session_uuid__in=chosen["ids"]).count()
    return SessionFilter(QueryDict(chosen["query"])).qs.count()


def _added(request: HttpRequest, form: PickedVariantForm, chosen: dict) -> ComparisonGroup | None:
    group, variant = form.cleaned_data["comparison"], form.cleaned_data["variant"]
    try:
        with transaction.atomic():
            if group is None:
                group = recording.create_group(form.cleaned_data["name"])
            if "ids" in chosen:
                new = recording.link_sessions(group, variant, chosen["ids"])
            else:
                new = recording.link_query(group, variant, chosen["query"])
    except SessionsError as error:
        form.add_error("variant", str(error))
        return None
    say(request, f"{counted(new)} added to {variant}.")
    return group
