"""Whatever is stored under any name, no page runs it, fetches it or links to where it says."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from conversations.models import (
    Annotation,
    LanguageModel,
    Project,
    SavedView,
    Session,
    SessionSnapshot,
)
from conversations.tests.factories import (
    add_message,
    make_model,
    make_project,
    make_session,
    make_sessions,
    work,
)
from conversations.tests.pages import queries, share
from conversations.tests.test_hostile_text import OWN, Page, check_page
from conversations.tests.test_pages_hostile_values import PAGES, every_page, forms

pytestmark = pytest.mark.django_db
ADDRESSES = [
    "//evil.org",
    "/\\evil.org",
    "javascript:alert(1)",
    "https://evil.org/",
    "\t//evil.org",
]
# Outside Markdown, the plain links among them are all the same text.
NO_LINKS = [one for one in OWN if not (one.isprintable() and one.startswith(("[x](", "![x](")))]


def user_of(django_user_model, name: str, **fields):
    return django_user_model.objects.create(username=name, is_staff=True, **fields)


@pytest.fixture
def reader(django_user_model):
    return user_of(django_user_model, "reader")


def check(client, address: str, **options) -> str:
    response = client.get(address, **options)
    html = response.content.decode()
    try:
        assert response.status_code < 500
        check_page(html)
    except Exception as error:
        error.add_note(address)
        raise
    return html


def everything(payload: str, user) -> Session:
    """Store the payload wherever a page may show it."""
    project, model = make_project(payload), make_model(payload, payload)
    Project.objects.update(description=payload, metadata={payload: payload})
    LanguageModel.objects.update(
        model_version=payload, endpoint_url=payload, api_key_name=payload, metadata=[payload]
    )
    session = make_session(
        payload,
        description=payload,
        system_prompt=payload,
        project=project,
        model=model,
        tags=[payload, {payload: payload}],
        source=payload,
        external_id=payload,
        metadata={"branched_at": payload, payload: payload},
    )
    call = {"id": payload, "name": payload, "arguments": {payload: payload}}
    for number, role in enumerate(("user", "assistant", "system", "tool", "function"), 1):
        message = add_message(
            session,
            number,
            f"needle {payload}",
            role=role,
            model=model,
            content_type=payload[:50] if number > 2 else "text",
            finish_reason=payload,
            error_message=payload,
            tool_calls=[call, payload, {"function": {"name": payload, "arguments": payload}}],
            function_call={"name": payload, "arguments": payload},
            is_hidden=number == 3,
            external_id=f"{number}{payload}",
            metadata={
                "thinking": [payload, {payload: payload}],
                "attachments": [{"name": payload}, payload],
                "tool_results": [{"text": payload}, payload],
            },
        )
    for kind in ("tag", "note", "correction", "rating"):
        for entity, row in (("session", session), ("message", message)):
            Annotation.objects.create(
                annotation_uuid=f"{kind}-{entity}",
                entity_type=entity,
                entity_id=row.pk,
                annotation_type=kind,
                content=payload,
                annotator=payload,
                rating=3 if kind == "rating" else None,
            )
    kept = [{"role": payload, "content": payload, "sequence_number": payload}, payload, [payload]]
    SessionSnapshot.objects.create(
        session=session, sequence_number=1, description=payload, session_state={payload: payload},
        context_window=kept,
    )  # fmt: skip
    SavedView.objects.create(user=user, name=payload[:100], query=payload, is_shared=True)
    make_session(payload, parent_session=session, metadata={"branched_at": 1})
    make_session(payload, project=project, deleted_at=session.started_at)
    return session


@pytest.mark.parametrize("payload", OWN)
def test_nothing_that_is_stored_runs_on_any_page(client, django_user_model, payload):
    session = everything(payload, user_of(django_user_model, "other"))
    sought = quote(payload, errors="surrogatepass")
    addresses = [
        each for each in every_page(session) if "export" not in each and ".txt" not in each
    ]
    addresses += [
        f"/search/?q=needle&order={sought}", f"/search/?q={sought}", f"/go/?q={sought}",
        f"/sessions/?title={sought}&tag={sought}&source={sought}&since={sought}&sort={sought}",
        f"/sessions/?project={session.project_id}&model={session.model_id}&{sought}={sought}",
        f"/sessions/new/?project={sought}", f"/trash/?{sought}={sought}&page=2",
        f"{session.get_absolute_url()}?message={sought}&{sought}={sought}", f"/{sought}/",
    ]  # fmt: skip
    number = OWN.index(payload)
    for address in share(addresses, number, one_in=5):
        check(client, address)
    parts = {
        "sessions-table": "/sessions/", "messages": session.get_absolute_url(),
        "hits": "/search/?q=needle", "palette-results": "/go/?q=a",
    }  # fmt: skip
    for target, address in share(parts.items(), number, one_in=2):
        check(client, address, headers={"HX-Request": "true", "HX-Target": target})


@pytest.mark.parametrize("payload", NO_LINKS)
def test_nothing_that_is_said_of_a_change_runs(client, payload):
    session = make_session(payload, "x", project=make_project(payload), model=make_model("a", "b"))
    at = session.get_absolute_url()
    for address, form in (
        ("/sessions/bulk/", {"verb": "tag", "tag": payload, "selected": session.pk}),
        ("/sessions/bulk/", {"verb": "move", "project": session.project_id, "all": "1"}),
        ("/sessions/bulk/", {"verb": "trash", "all": payload}),
        (f"{at}status/", {"status": payload}),
        (f"{at}branch/", {"at": payload}),
        (f"{at}annotations/", {"rating": payload}),
        ("/sessions/views/", {"name": payload, "query": payload}),
        (f"/projects/{session.project_id}/delete/", {}),
    ):
        check_page(client.post(address, form, follow=True).content.decode())
    session.project = make_project("again")
    for address, fields in share(forms(session).items(), NO_LINKS.index(payload), one_in=5):
        wrong = dict.fromkeys(fields, payload)
        if "preferences" not in address:
            check_page(client.post(address, wrong, follow=True).content.decode())


@pytest.mark.parametrize("payload", NO_LINKS)
def test_nothing_in_a_name_of_a_user_or_of_a_file_runs(django_user_model, payload):
    client = Client()
    client.force_login(user_of(django_user_model, payload[:150]))
    make_session("Tea")
    for address in share(PAGES.split(), NO_LINKS.index(payload), one_in=5):
        check(client, address)
    for data in (b"junk", b'[{"mapping": 1}]', b'[{"title": "<script>", "mapping": {"a": 1}}]'):
        file = SimpleUploadedFile("x", data)
        file._name = payload.replace("\r", "").replace("\n", "") + ".json"
        address = client.post("/import/", {"files": file, "project": ""}).url
        check(client, address)
        work()
        check(client, address)
    check(client, "/import/")


@pytest.mark.parametrize("query", [*ADDRESSES, *OWN])
def test_a_kept_view_leads_to_the_list_and_nowhere_else(client, django_user_model, query):
    SavedView.objects.create(
        user=user_of(django_user_model, "other"), name="View", query=query, is_shared=True
    )
    make_session("Tea")
    html = check(client, "/sessions/")
    address = next(a["href"] for tag, a in Page(html).elements if tag == "a" and "flex-fill" in
                   (a.get("class") or ""))  # fmt: skip
    assert address.startswith("/sessions/?")
    assert not urlsplit(address).netloc
    response = client.post("/sessions/views/", {"name": "Mine", "query": query})
    assert response.url.startswith("/sessions/")
    kept = SavedView.objects.get(name="Mine").query
    assert dict(parse_qsl(kept)).keys() <= {"title", "tag"}


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_form_leads_off_the_site(client, address):
    session = make_session("Tea")
    at = session.get_absolute_url()
    for form, fields in ((f"{at}status/", {"status": "completed"}), (f"{at}branch/", {"at": "9"})):
        response = client.post(
            f"{form}?next={quote(address)}", fields, headers={"Referer": address}
        )
        assert response.url == at


# -- the price of a page --------------------------------------------------------------------------


def grow(count: int) -> Session:
    """Store `count` of each thing that lists show."""
    session = make_session("Root", "needle")
    for number in range(count):
        project, model = make_project(f"P{count}-{number}"), make_model(f"m{count}", f"{number}")
        branch = make_session(
            f"S{number}", parent_session=session, project=project, model=model, tags=[f"t{number}"]
        )
        add_message(branch, 1, "needle")
        SessionSnapshot.objects.create(session=session, sequence_number=number, session_state={})
    make_sessions(count, deleted_at=session.started_at, project=project, model=model)
    return session


def test_a_page_costs_the_same_for_ten_rows_and_for_three_hundred(client):
    costs: list[dict[str, int]] = []
    for count in (10, 300):
        Session.with_trash.all().delete()
        session = grow(count)
        last = Project.objects.order_by("-pk").first().pk
        model = LanguageModel.objects.order_by("-pk").first().pk
        at = session.get_absolute_url()
        pages = {
            "branches": f"{at}branches/", "snapshots": f"{at}snapshots/", "head": f"{at}edit/",
            "project": f"/projects/{last}/", "model": f"/models/{model}/",
        }  # fmt: skip
        for address in (
            "/projects/", "/models/", "/trash/", "/go/?q=s", "/sessions/", "/sessions/new/",
            "/projects/?sort=-cost&page=2",
        ):  # fmt: skip
            pages[address] = address
        costs.append({name: queries(client, address) for name, address in pages.items()})
    assert costs[0] == costs[1]


def test_a_search_costs_the_same_for_two_hundred_sessions_and_for_four_hundred(client):
    costs = []
    for count in (10, 200, 400):
        Session.with_trash.all().delete()
        grow(count)
        costs.append(queries(client, "/search/?q=needle"))
    # Of so many hits not all are fetched: those of the sessions on the page are counted.
    assert costs[1] == costs[2] <= costs[0] + 2
