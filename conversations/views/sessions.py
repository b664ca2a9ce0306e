"""The list of sessions, and a session with its messages."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from conversations import transcript
from conversations.models import Message, Session
from conversations.pages import render_page
from conversations.tables import SessionTable

LISTED_BRANCHES = 20


@require_safe
def session_list(request: HttpRequest) -> HttpResponse:
    sessions = Session.objects.with_names().defer("system_prompt", "description", "metadata")
    return render_page(
        request,
        "conversations/sessions.html",
        {"table": SessionTable(sessions, request=request)},
        parts={SessionTable.part: "conversations/_sessions_table.html"},
    )


@require_safe
def session_detail(request: HttpRequest, session_uuid: str) -> HttpResponse:
    session = get_object_or_404(
        Session.objects.with_names().select_related("parent_session"), session_uuid=session_uuid
    )
    page = request.GET.get("page", "1")
    if wanted := request.GET.get("message"):
        page = transcript.page_holding(session, wanted)
        if page is None:
            raise Http404("This session has no such message.")
    branches = session.branches.order_by("started_at", "id").only(
        "session_uuid", "title", "parent_session"
    )
    branches = list(branches[: LISTED_BRANCHES + 1])
    return render_page(
        request,
        "conversations/session.html",
        {
            "session": session,
            "page": transcript.page_of(session, page),
            "branches": branches[:LISTED_BRANCHES],
            "more_branches": len(branches) > LISTED_BRANCHES,
        },
        parts={"messages": "conversations/_messages.html"},
    )


@require_safe
def message_text(request: HttpRequest, session_uuid: str, message_uuid: str) -> HttpResponse:
    message = get_object_or_404(
        Message.objects.only("content"),
        session__session_uuid=session_uuid,
        message_uuid=message_uuid,
    )
    return HttpResponse(
        message.content,
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": content_disposition_header(False, f"{message_uuid}.txt")},
    )
