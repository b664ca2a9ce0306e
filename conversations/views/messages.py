"""Messages of a session: written, mended, deleted, rated by hand."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header, urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from conversations import changes, pricing, transcript, writing
from conversations.errors import SessionsError
from conversations.forms import MessageForm, changed_columns
from conversations.models import Message, Session
from conversations.models.choices import AnnotatedEntity
from conversations.pages import render_page, say, say_error

from .one_session import annotate, find, head


def address(session: Session, message_uuid: str) -> str:
    """Return the address of a message in its conversation."""
    page = reverse("session", args=[session.session_uuid])
    return f"{page}?{urlencode({'message': message_uuid})}#m-{message_uuid}"


def _message(session_uuid: str, message_uuid: str, **options) -> Message:
    messages = Message.objects.filter(session__deleted_at=None).select_related(
        "model", "cost_basis"
    )
    return get_object_or_404(
        messages, session__session_uuid=session_uuid, message_uuid=message_uuid
    )


@require_http_methods(["GET", "HEAD", "POST"])
def message_add(request: HttpRequest, session_uuid: str) -> HttpResponse:
    """Append a message to a session, and show it."""
    session = find(session_uuid)
    form = MessageForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            message_uuid = writing.add_message(session.session_uuid, **_columns(form))
        except SessionsError as error:
            form.add_error(None, str(error))
        else:
            return redirect(address(session, message_uuid))
    return render_page(
        request,
        "conversations/message.html",
        {**head(session), "form": form},
        parts={"add": "conversations/_add_message.html"},
    )


def _columns(form: MessageForm) -> dict[str, object]:
    given = {name: value for name, value in form.cleaned_data.items() if value not in (None, "")}
    if model := given.pop("model", None):
        given["model_id"] = model.pk
    return {"content": "", **given}


@require_http_methods(["GET", "HEAD", "POST"])
def message_detail(request: HttpRequest, session_uuid: str, message_uuid: str) -> HttpResponse:
    """Show a message by itself, to mend it and to say something of it."""
    session = find(session_uuid)
    message = _message(session_uuid, message_uuid)
    form = MessageForm(request.POST or None, instance=message)
    if request.method == "POST" and form.is_valid():
        columns = changed_columns(form)
        columns |= pricing.after_edit(message, columns)
        summary = f"Message {message.sequence_number} changed"
        change = changes.edit(message, columns, summary, user=request.user)
        say(request, "Saved." if change.steps else "Nothing was changed.", undo=change)
        return redirect(address(session, message_uuid))
    return render_page(
        request,
        "conversations/message.html",
        {**head(session), "form": form, **_about(message)},
        parts={f"notes-{message.pk}": "conversations/_annotations.html"},
    )


def _about(message: Message) -> dict[str, object]:
    found = transcript.annotations_of(AnnotatedEntity.MESSAGE, [message.pk])
    return {
        "message": message,
        "annotations": found.get(message.pk, []),
        "annotate_address": reverse(
            "message-annotate", args=[message.session.session_uuid, message.message_uuid]
        ),
        "place": f"notes-{message.pk}",
    }


@require_POST
def message_annotate(request: HttpRequest, session_uuid: str, message_uuid: str) -> HttpResponse:
    """Tag, rate or note a message."""
    session = find(session_uuid)
    message = _message(session_uuid, message_uuid)
    try:
        annotate(request, AnnotatedEntity.MESSAGE, message.message_uuid)
    except SessionsError as error:
        say_error(request, error)
    if request.htmx:
        context = {"session": session, **_about(message), "is_open": True}
        return render(request, "conversations/_annotations.html", context)
    return redirect("message", session_uuid, message_uuid)


@require_POST
def message_delete(request: HttpRequest, session_uuid: str, message_uuid: str) -> HttpResponse:
    session = find(session_uuid)
    message = _message(session_uuid, message_uuid)
    summary = f"Message {message.sequence_number} deleted"
    change = changes.delete_and_keep(message, summary, user=request.user)
    say(request, f"{summary}.", undo=change)
    before = session.messages.filter(sequence_number__lt=message.sequence_number)
    previous = before.order_by("-sequence_number").values_list("message_uuid", flat=True).first()
    return redirect(address(session, previous) if previous else session)


@require_safe
def message_text(request: HttpRequest, session_uuid: str, message_uuid: str) -> HttpResponse:
    message = _message(session_uuid, message_uuid)
    return HttpResponse(
        message.content,
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": content_disposition_header(False, f"{message_uuid}.txt")},
    )
