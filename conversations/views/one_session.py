"""A session: its messages, its head, its branches, its snapshots and what people say of it."""

from __future__ import annotations

import re
from copy import copy

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from conversations import (
    branches,
    changes,
    exporters,
    exporting,
    organising,
    transcript,
    writing,
)
from conversations.errors import InvalidValue, SessionsError
from conversations.forms import SessionForm, changed_columns
from conversations.models import Annotation, Session
from conversations.models.choices import AnnotatedEntity
from conversations.pages import go_back, render_page, say, say_error
from conversations.rendering import Allowance, render_markdown, render_plain

from .sessions import project_names, tag_names

LISTED_SNAPSHOTS = 200


def find(session_uuid: str) -> Session:
    """Return a session that is not in the trash; else the answer is 404."""
    sessions = Session.objects.with_names().select_related("parent_session")
    return get_object_or_404(sessions, session_uuid=session_uuid)


def head(session: Session) -> dict[str, object]:
    """Return what the head of each of a session's pages needs."""
    title = session.title.strip() or f"Untitled {session.session_uuid[:8]}"
    crumbs = [(reverse("sessions"), "Sessions")]
    if session.project:
        crumbs.append((session.project.get_absolute_url(), session.project.name))
    return {
        "session": session,
        "title": title,
        "crumbs": crumbs,
        "tabs": [
            (reverse(name, args=[session.session_uuid]), label, count)
            for name, label, count in (
                ("session", "Conversation", session.total_messages),
                ("session-branches", "Branches", session.branches.count()),
                ("session-snapshots", "Snapshots", session.snapshots.count()),
            )
        ],
    }


@require_safe
def session_detail(request: HttpRequest, session_uuid: str) -> HttpResponse:
    session = find(session_uuid)
    page = request.GET.get("page", "1")
    if wanted := request.GET.get("message"):
        page = transcript.page_holding(session, wanted)
        if page is None:
            raise Http404("This session has no such message.")
    about = transcript.annotations_of(AnnotatedEntity.SESSION, [session.pk])
    return render_page(
        request,
        "conversations/session.html",
        {
            **head(session),
            "page": transcript.page_of(session, page),
            "annotations": about.get(session.pk, []),
            "tag_names": tag_names,
        },
        parts={"messages": "conversations/_messages.html"},
    )


@require_http_methods(["GET", "HEAD", "POST"])
def session_edit(request: HttpRequest, session_uuid: str) -> HttpResponse:
    session = find(session_uuid)
    # A copy: a form that is refused leaves what was typed in its row, a project to be made too.
    form = SessionForm(request.POST or None, instance=copy(session))
    if request.method == "POST" and form.is_valid():
        form.make_project()
        change = changes.edit(session, changed_columns(form), "Session changed", user=request.user)
        say(request, "Saved." if change.steps else "Nothing was changed.", undo=change)
        return redirect(session)
    context = {**head(session), "form": form, "names": project_names}
    return render(request, "conversations/session_form.html", context)


@require_POST
def session_status(request: HttpRequest, session_uuid: str) -> HttpResponse:
    """Give the session another status, or move it to the trash."""
    session = find(session_uuid)
    this = Session.objects.filter(pk=session.pk)
    if request.POST.get("status") == "trash":
        change = organising.trash(this, user=request.user)
        say(request, "Session moved to the trash.", undo=change)
        return redirect("sessions")
    try:
        change = organising.set_status(this, request.POST.get("status"), user=request.user)
    except SessionsError as error:
        say_error(request, error)
    else:
        say(request, f"{change.summary}.", undo=change)
    return go_back(request, "session", session_uuid)


@require_POST
def session_branch(request: HttpRequest, session_uuid: str) -> HttpResponse:
    """Make a branch that ends at message number `at`, and go there."""
    session = find(session_uuid)
    at = request.POST.get("at", "")
    try:
        branch = writing.branch_session(session.session_uuid, whole_number(at) if at else None)
    except SessionsError as error:
        say_error(request, error)
        return go_back(request, "session", session_uuid)
    say(request, f"Branched{f' at message {at}' if at else ''}. This is the new session.")
    return redirect("session", branch)


def whole_number(text: str) -> int:
    """Return what was typed as a number. Raises `InvalidValue`."""
    if not re.fullmatch(r"[0-9]{1,10}", text):
        raise InvalidValue(f"“{text[:40]}” is not a number.")
    return int(text)


@require_safe
def session_branches(request: HttpRequest, session_uuid: str) -> HttpResponse:
    session = find(session_uuid)
    context = {**head(session), "tree": branches.tree(session), "most": branches.MOST}
    return render(request, "conversations/session_branches.html", context)


# -- what people say of it ------------------------------------------------------------------------


@require_POST
def session_annotate(request: HttpRequest, session_uuid: str) -> HttpResponse:
    """Tag, rate or note a session."""
    session = find(session_uuid)
    try:
        if "tags" in request.POST:
            tags = [
                organising.tag_name(text)
                for text in request.POST["tags"].split(",")
                if text.strip()
            ]
            if len(tags) > organising.MOST_TAGS:
                raise InvalidValue(f"A session has {organising.MOST_TAGS} tags at most.")
            columns = {"tags": list(dict.fromkeys(tags))}
            change = changes.edit(session, columns, "Tags changed", user=request.user)
            say(request, "Tags saved.", undo=change)
        else:
            annotate(request, AnnotatedEntity.SESSION, session.session_uuid)
    except SessionsError as error:
        say_error(request, error)
    return go_back(request, "session", session_uuid)


def annotate(request: HttpRequest, entity_type: str, entity_uuid: str) -> None:
    """Store the rating, tag or note that a form sends. Raises `InvalidValue`."""
    given, who = request.POST, request.user.get_username()
    if "rating" in given:
        rating = whole_number(given["rating"]) or None
        writing.rate(entity_type, entity_uuid, rating, annotator=who)
        say(request, "Rated." if rating else "Rating taken away.")
        return
    kind = "tag" if "tag" in given else "note"
    text = given.get(kind, "").replace("\r\n", "\n").strip()
    if kind == "tag":
        text = organising.tag_name(text)
    elif not text:
        raise InvalidValue("Write something into the note.")
    writing.annotate(entity_type, entity_uuid, kind, content=text, annotator=who)
    say(request, "Tagged." if kind == "tag" else "Note kept.")


@require_POST
def annotation_delete(request: HttpRequest, annotation_uuid: str) -> HttpResponse:
    """Take away a remark of one's own; staff may take away any."""
    annotations = Annotation.objects.all()
    if not request.user.is_staff:
        annotations = annotations.filter(annotator=request.user.get_username())
    annotation = get_object_or_404(annotations, annotation_uuid=annotation_uuid)
    label = annotation.get_annotation_type_display()
    change = changes.delete_and_keep(annotation, f"{label} deleted", user=request.user)
    say(request, f"{change.summary}.", undo=change)
    return go_back(request, "sessions")


# -- snapshots ------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def session_snapshots(request: HttpRequest, session_uuid: str) -> HttpResponse:
    session = find(session_uuid)
    if request.method == "POST":
        try:
            description = request.POST.get("description", "").strip()[:1000]
            writing.create_snapshot(session.session_uuid, description=description)
        except SessionsError as error:
            say_error(request, error)
        else:
            say(request, "Snapshot taken.")
        return redirect("session-snapshots", session_uuid)
    snapshots = session.snapshots.defer("session_state", "context_window")
    context = {
        **head(session),
        "snapshots": snapshots.order_by("-sequence_number")[:LISTED_SNAPSHOTS],
    }
    return render(request, "conversations/session_snapshots.html", context)


@require_safe
def session_snapshot(request: HttpRequest, session_uuid: str, number: int) -> HttpResponse:
    """Show a session as a snapshot kept it."""
    session = find(session_uuid)
    try:
        kept = writing.recover_session(session.session_uuid, sequence_number=number)
    except (SessionsError, OverflowError) as error:
        raise Http404(str(error)) from error
    messages = kept["messages"] if isinstance(kept["messages"], list) else []
    page = Paginator(messages, transcript.PER_PAGE).get_page(request.GET.get("page"))
    allowance = Allowance()
    page.object_list = [_as_kept(message, allowance) for message in page.object_list]
    context = {**head(session), "kept": kept, "page": page, "number": number}
    return render(request, "conversations/session_snapshot.html", context)


def _as_kept(message: object, allowance: Allowance) -> dict[str, object]:
    message = message if isinstance(message, dict) else {"content": str(message)}
    text = message.get("content")
    text = text if isinstance(text, str) else str(text or "")
    return {
        "role": str(message.get("role", ""))[:20],
        "number": str(message.get("sequence_number", ""))[:20],
        "text": render_plain(text[: transcript.LONGEST])
        if len(text) > transcript.LONGEST
        else render_markdown(text, allowance),
    }


# -- out ------------------------------------------------------------------------------------------


@require_safe
def session_export(request: HttpRequest, session_uuid: str, format: str) -> HttpResponse:
    """Stream a session as a file; JSON is shown, the others are saved."""
    session = find(session_uuid)
    if format not in exporters.FORMATS:
        raise Http404(f"There is no format {format}.")
    exporter = exporters.FORMATS[format]
    name = re.sub(r"[^\w.-]+", "-", session.session_uuid)[:60] + f".{exporter.suffix}"
    as_file = format != "json" or "download" in request.GET
    return StreamingHttpResponse(
        exporting.write_one(session, format),
        content_type=f"{exporter.content_type}; charset=utf-8",
        headers={"Content-Disposition": content_disposition_header(as_file, name)},
    )
