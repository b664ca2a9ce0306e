"""The pages of prices: the book, its files, models without a price, pricing anew."""

from __future__ import annotations

from decimal import Decimal as D
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from conversations import locks, tasks
from conversations.models import (
    Change,
    CostBasis,
    Message,
    Price,
    RepriceRun,
    RepriceStatus,
    Session,
)
from conversations.pricing import files, missing, repricing
from conversations.pricing.requests import Scope
from conversations.views import repricing as repricing_views

from .factories import add_message, make_model, make_project, make_session, work
from .pages import page
from .test_pages_hostile_values import HOSTILE, HOSTILE_ENCODED, get, some

pytestmark = pytest.mark.django_db
EVIL = "<script>alert(1)</script>\"'&"
NEW = {
    "provider": "acme", "model_pattern": "m-1", "valid_from": "", "valid_to": "",
    "kind": "per_token", "input_price": "2.5", "cache_read_price": "", "cache_write_5m_price": "",
    "cache_write_1h_price": "", "output_price": "10", "reasoning_price": "", "batch_factor": "0.5",
    "service_tier": "", "above_input_tokens": "0", "note": "",
}  # fmt: skip


@pytest.fixture(autouse=True)
def data_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"


def book(pattern: str = "m-1", **columns) -> Price:
    return Price.objects.create(
        **{"model_pattern": pattern, "input_price": D(1), "output_price": D(2), **columns}
    )


@pytest.fixture
def history() -> Session:
    """Two messages of a model that nobody knows a price of, one of them unpriced."""
    session = make_session(model=make_model("acme", "m-1"), project=make_project())
    add_message(session, 1, input_tokens=1_000_000, output_tokens=0)
    add_message(session, 2, input_tokens=1, cost=0.25, cost_basis_id=CostBasis.RECORDED)
    return session


def toast(client, response) -> str:
    """What the page after a form says."""
    assert response.status_code == 302
    return unescape(page(client, response.url))


# -- the book -----------------------------------------------------------------------------------


def test_a_price_is_added_changed_deleted_and_brought_back(client):
    client.post("/prices/new/", NEW)
    row = Price.objects.get()
    assert (row.input_price, row.batch_factor, row.valid_from) == (D("2.5"), D("0.5"), None)
    address = f"/prices/{row.pk}/"
    assert 'value="2.5"' in page(client, address)

    client.post(address, {**NEW, "input_price": "3", "note": "By contract"})
    assert Price.objects.get().input_price == 3
    client.post(f"/changes/{Change.objects.get().change_uuid}/undo/")
    assert Price.objects.get().input_price == D("2.5")

    client.post(f"{address}delete/")
    assert not Price.objects.exists()
    client.post(f"/changes/{Change.objects.latest('id').change_uuid}/undo/")
    assert Price.objects.get().input_price == D("2.5")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("output_price", "", "A price per token needs those of input and output"),
        ("input_price", "-1", "greater than or equal to 0"),
        ("input_price", "NaN", "Enter a number"),
        ("input_price", "1e400", ""),
        ("input_price", "0.0000001", "no more than 6 decimal places"),
        ("model_pattern", "", "This field is required"),
        ("valid_from", "soon", "Enter a valid date"),
        ("kind", "free", "Select a valid choice"),
        ("note", "a\0", ""),
    ],
)
def test_a_price_that_cannot_be_meant_is_named_and_not_stored(client, name, value, said):
    response = client.post("/prices/new/", {**NEW, name: value})
    html = unescape(response.content.decode())
    assert response.status_code == 200
    assert 'role="alert"' in html
    assert said in html
    assert not Price.objects.exists()


def test_the_book_is_filtered_and_sorted_by_its_address(client):
    book("b", provider="acme", valid_to="2026-01-01")
    book("a", note="by contract", input_price=D(9))
    book("c", kind="local", input_price=None, output_price=None)

    def listed(query: str) -> list[str]:
        part = page(
            client, f"/prices/?{query}", **{"HX-Request": "true", "HX-Target": "prices-table"}
        )
        return [name for name in "abc" if f"</span>{name}</bdi>" in part]

    assert listed("") == ["a", "b", "c"]
    assert listed("q=ACME") == ["b"]
    assert listed("q=contract") == ["a"]
    assert listed("kind=local") == ["c"]
    assert listed("day=2026-01-01") == ["a", "c"]
    assert listed("day=nonsense") == ["a", "b", "c"]
    html = page(client, "/prices/?sort=-input")
    assert html.index("</span>a</bdi>") < html.index("</span>b</bdi>")


def test_the_look_up_says_price_rule_and_origin(client):
    book("gpt-4o", provider="openai")
    html = page(client, "/prices/?provider=openai&model=gpt-4o&at=2026-03-01&tier=")
    assert "price book" in html
    assert "matched by: name as written" in html
    assert "No price is known" in page(client, "/prices/?provider=acme&model=x")
    assert "This field is required" in page(client, "/prices/?provider=openai&model=")


def test_an_exported_book_is_imported_again_on_pages(client):
    book("=1+1", note=EVIL)
    book("b*", provider="acme")
    for format in files.FORMATS:
        response = client.get(f"/prices/export/?format={format}")
        content = b"".join(response)
        assert f".{format}" in response["Content-Disposition"]
        rows = list(Price.objects.values(*files.COLUMNS.values()))
        Price.objects.all().delete()
        upload = SimpleUploadedFile(f"book.{format}", content)
        assert "2 prices new" in toast(client, client.post("/prices/import/", {"file": upload}))
        assert list(Price.objects.values(*files.COLUMNS.values())) == rows
    assert client.get("/prices/export/?format=xlsx").status_code == 404


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "book.csv",
            b"model_pattern,input,output\nm,1,2\nm,x,2\n",
            "line 3: input: 'x' is no number",
        ),
        ("book.csv", b"\xff\xfe", "it is not UTF-8 at byte 0"),
        ("book.txt", b"", "'book.txt' is neither .csv nor .json"),
        ("book.json", b"[", "this is no JSON"),
    ],
)
def test_a_file_that_is_no_book_is_named_and_nothing_stored(client, name, content, said):
    response = client.post("/prices/import/", {"file": SimpleUploadedFile(name, content)})
    html = unescape(response.content.decode())
    assert said in html
    assert "Nothing was stored" in html
    assert not Price.objects.exists()


# -- models without a price ---------------------------------------------------------------------


def test_models_without_a_price_get_theirs_in_one_form_and_are_priced(client, history):
    free, odd = make_model("home", "box"), make_model("acme", f"x{EVIL}")
    add_message(history, 3, input_tokens=500, model=free)
    add_message(history, 4, input_tokens=2_000_000, cache_read_tokens=1_000_000, model=odd)
    html = unescape(page(client, "/prices/missing/"))
    assert "acme/m-1" in html
    assert "home/box" in html
    known = Message.objects.get(sequence_number=1).session.model

    response = client.post(
        "/prices/missing/",
        {
            f"model-{known.pk}-input_price": "3", f"model-{known.pk}-output_price": "4",
            f"model-{free.pk}-kind": "local",
            f"model-{odd.pk}-kind": "per_token", f"model-{odd.pk}-input_price": "10",
            f"model-{odd.pk}-output_price": "0", f"model-{odd.pk}-cache_read_price": "1",
        },
    )  # fmt: skip

    assert "3 of 3 messages priced" in toast(client, response)
    assert list(Message.objects.order_by("id").values_list("cost", flat=True)) == [3, 0.25, 0, 11]
    assert Price.objects.count() == 3
    assert missing.missing() == []
    assert "Every message with tokens has a cost" in page(client, "/prices/missing/")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "No price was given"),
        ({"input_price": "3"}, "Both are needed"),
        ({"kind": "per_token"}, "Both are needed"),
        ({"kind": "local", "input_price": "3"}, "it costs nothing per request"),
        ({"input_price": "-3", "output_price": "1"}, "greater than or equal to 0"),
        ({"input_price": "1e12", "output_price": "1"}, "less than or equal to"),
        ({"input_price": "0.00000001", "output_price": "1"}, "no more than 6 decimal places"),
        ({"kind": "gift"}, "Select a valid choice"),
    ],
)
def test_prices_that_cannot_be_meant_are_named_and_none_is_stored(client, history, fields, said):
    sent = {f"model-{history.model_id}-{name}": value for name, value in fields.items()}
    response = client.post("/prices/missing/", sent)
    assert response.status_code == 200
    assert said in unescape(response.content.decode())
    assert not Price.objects.exists()
    assert not RepriceRun.objects.exists()


# -- pricing anew -------------------------------------------------------------------------------


def test_pricing_anew_is_shown_then_done_then_undone(client, history):
    book()
    html = page(client, f"/prices/reprice/?model={history.model_id}&show=1")
    assert "acme/m-1" in html
    assert "1 message keeps the cost" in html
    assert Message.objects.get(sequence_number=1).cost is None

    response = client.post("/prices/reprice/", {"model": history.model_id})
    assert "1 of 2 messages priced: from $0" in toast(client, response)
    assert Message.objects.get(sequence_number=1).cost == 1

    run = RepriceRun.objects.get()
    assert (run.user.username, run.options["words"]) == ("reader", "model acme/m-1")
    response = client.post(f"/prices/reprice/{run.run_uuid}/undo/")
    assert "1 messages have the cost again" in toast(client, response)
    assert Message.objects.get(sequence_number=1).cost is None
    response = client.post(f"/prices/reprice/{run.run_uuid}/undo/")
    assert "changed nothing that could be undone" in toast(client, response)


def test_a_filter_that_cannot_be_meant_prices_nothing(client, history):
    book()
    response = client.post("/prices/reprice/", {"model": "999999"})
    assert "is left out" in toast(client, response)
    assert not RepriceRun.objects.exists()


def test_very_many_messages_are_priced_by_the_worker(client, history, monkeypatch):
    monkeypatch.setattr(repricing_views, "AT_ONCE", 1)
    book()
    add_message(history, 3, input_tokens=1_000_000)
    response = client.post("/prices/reprice/", {})
    run = RepriceRun.objects.get()
    assert response.url == run.get_absolute_url()
    html = page(client, run.get_absolute_url())
    assert "Waiting for its turn" in html
    assert "no worker runs" in html
    with locks.held(tasks.WORKER):
        assert "no worker runs" not in page(client, run.get_absolute_url())

    work()

    headers = {"HX-Request": "true", "HX-Target": "reprice-state"}
    part = page(client, run.get_absolute_url(), **headers)
    assert "<html" not in part
    assert "hx-trigger" not in part
    run.refresh_from_db()
    assert (run.status, run.messages) == (RepriceStatus.DONE, 2)
    client.post(f"/prices/reprice/{run.run_uuid}/undo/")
    assert "Being taken back" in page(client, run.get_absolute_url())
    work()
    assert "It was taken back" in page(client, run.get_absolute_url())
    assert Message.objects.get(sequence_number=3).cost is None


def test_a_run_that_was_stopped_can_be_continued_on_its_page(client, history):
    book()
    run = repricing.begin(Scope())
    RepriceRun.objects.update(status=RepriceStatus.RUNNING)  # by a process that has died
    html = page(client, run.get_absolute_url())
    assert "stopped before its end" in html

    client.post(f"/prices/reprice/{run.run_uuid}/continue/")
    work()

    assert RepriceRun.objects.get().status == RepriceStatus.DONE
    response = client.post(f"/prices/reprice/{run.run_uuid}/continue/")
    assert "was not stopped" in toast(client, response)


def test_a_worker_that_starts_goes_on_with_what_the_last_one_left(history):
    book()
    repricing.begin(Scope(), in_background=True)
    RepriceRun.objects.update(status=RepriceStatus.RUNNING)

    assert tasks.enqueue_unfinished() == 1
    work()

    assert Message.objects.get(sequence_number=1).cost == 1


# -- what is hostile ----------------------------------------------------------------------------

READS = {
    "/prices/": ["q", "kind", "day", "sort", "page", "per_page", "provider", "model", "at", "tier",
                 "format"],
    "/prices/reprice/": ["project", "model", "source", "tag", "since", "until", "page"],
    "/prices/export/": ["format"],
    "/prices/missing/": ["page"],
    "/prices/import/": ["page"],
    "/prices/new/": ["page"],
}  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE_ENCODED)
def test_no_page_of_prices_minds_a_hostile_value(client, history, value):
    row, run = book(), repricing.apply(Scope())
    for address, names in READS.items():
        query = "&".join(f"{name}={HOSTILE_ENCODED[value]}" for name in names)
        assert get(client, f"{address}?show=1&{query}").status_code in {200, 404}
    part = HOSTILE_ENCODED[value] or "%20"
    for address in ("/prices/{}/", "/prices/reprice/{}/"):
        assert get(client, address.format(part)).status_code in {200, 301, 404}
    for address in (
        "/prices/{}/delete/",
        "/prices/reprice/{}/undo/",
        "/prices/reprice/{}/continue/",
    ):
        assert client.post(address.format(part)).status_code in {302, 404}
    text = HOSTILE.get(value, "x").encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    for name in some(NEW, value, one_in=3):
        assert client.post("/prices/new/", {**NEW, name: text}).status_code in {200, 302}
    for name in ("kind", "input_price", "cache_write_price"):
        field = f"model-{history.model_id}-{name}"
        assert client.post("/prices/missing/", {field: text}).status_code in {200, 302}
    for name in some(READS["/prices/reprice/"], value, one_in=3):
        assert client.post("/prices/reprice/", {name: text}).status_code == 302
    get(client, "/prices/")
    get(client, f"/prices/{row.pk}/")
    get(client, run.get_absolute_url())


def test_no_name_becomes_markup(client):
    model = make_model(EVIL, EVIL)
    session = make_session(model=model)
    add_message(session, 1, input_tokens=5)
    row = book(EVIL, provider=EVIL, note=EVIL, service_tier=EVIL[:50])
    run = repricing.apply(Scope(), words=EVIL)
    for address in (
        "/prices/", f"/prices/{row.pk}/", "/prices/missing/", "/prices/reprice/?show=1",
        run.get_absolute_url(), f"/prices/?model={EVIL.replace('&', '%26')}&provider=%3Cscript%3E",
    ):  # fmt: skip
        assert "<script>alert" not in page(client, address)


def test_the_pages_ask_who_you_are(client):
    client.logout()
    for address in READS:
        assert client.get(address).status_code == 302


def test_prices_are_edited_in_the_admin_and_the_rest_is_read_only(admin_client, history):
    row, run = book(), repricing.apply(Scope())
    assert admin_client.get(f"/admin/conversations/price/{row.pk}/change/").status_code == 200
    assert admin_client.get("/admin/conversations/price/add/").status_code == 200
    for name, pk in (("costbasis", 1), ("repricerun", run.pk)):
        at = f"/admin/conversations/{name}/"
        assert admin_client.get(at).status_code == 200
        assert admin_client.get(f"{at}{pk}/change/").status_code == 200
        assert admin_client.post(f"{at}{pk}/delete/", {"post": "yes"}).status_code == 403
        assert admin_client.get(f"{at}add/").status_code == 403
