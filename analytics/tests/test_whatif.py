"""What if: the same requests on other models, to the last digit."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal as D
from decimal import localcontext
from html import unescape
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics import rollups, whatif
from analytics.views import whatif as whatif_views
from analytics.whatif import Terms
from conversations.errors import InvalidValue
from conversations.models import CostBasis, Message, Price, RepriceRun, Session
from conversations.pricing import ModelName, Pricer, Usage, repricing
from conversations.pricing.requests import Scope
from conversations.tests.factories import (
    NOON,
    add_message,
    make_model,
    make_project,
    make_session,
)
from conversations.tests.pages import page
from conversations.tests.test_pages_hostile_values import HOSTILE_ENCODED, get

pytestmark = pytest.mark.django_db
EVIL = "<script>alert(1)</script>\"'&"
HERE = "/analytics/what-if/?from=2026-01-01&to=2026-12-31"
OTHER = ModelName("acme", "other")


@pytest.fixture(autouse=True)
def data_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"


@pytest.fixture
def client(client, alice):
    client.force_login(alice)
    return client


def book(pattern: str = "other", input: object = 2, output: object = 8, **columns) -> Price:
    return Price.objects.create(
        provider="acme", model_pattern=pattern, input_price=D(str(input)),
        output_price=D(str(output)), **columns,
    )  # fmt: skip


@pytest.fixture
def history() -> Session:
    """Two requests that did cost 1 and 2 dollars, and one that nobody knows the cost of."""
    session = make_session(model=make_model("acme", "m-1"), project=make_project(), tags=["bread"])
    add_message(session, 1, input_tokens=1_000_000, cache_read_tokens=400_000,
                cache_write_5m_tokens=100_000, output_tokens=50_000, reasoning_tokens=20_000,
                cost=1.0, cost_basis_id=CostBasis.RECORDED)  # fmt: skip
    add_message(session, 2, input_tokens=500_000, output_tokens=100_000, cost=2.0)
    add_message(session, 3, input_tokens=100_000, output_tokens=0,
                timestamp=NOON + timedelta(days=40))  # fmt: skip
    add_message(session, 4, role="user")
    return session


def recost(terms: Terms | None = None, scope: Scope | None = None):
    found = whatif.recost(scope or Scope(), [OTHER], terms or Terms())
    return found, found.models[0]


def test_the_same_tokens_are_priced_on_another_model(history):
    book(cache_read_price=D("0.2"), cache_write_5m_price=D("2.5"), reasoning_price=D(10))

    found, other = recost()

    assert other.parts == {
        "input": D(2) * (500_000 + 500_000 + 100_000) / 10**6,
        "cache_read": D("0.2") * 400_000 / 10**6,
        "cache_write_5m": D("2.5") * 100_000 / 10**6,
        "cache_write_1h": 0,
        "output": D(8) * (30_000 + 100_000) / 10**6,
        "reasoning": D(10) * 20_000 / 10**6,
        "request": 0,
        "web_search": 0,
    }
    assert other.total == D("3.77")
    assert (found.requests, found.unpriced, found.cost) == (3, 1, 3)
    assert (other.priced, other.unpriced, other.compared) == (3, 0, 2)
    assert other.difference == D("3.57") - 3  # the third has no cost to compare with
    assert other.difference_percent == 19


def test_without_a_cache_all_of_the_input_is_fresh(history):
    book(cache_read_price=D("0.2"), cache_write_5m_price=D("2.5"))
    _, other = recost(Terms(cache_share=D(0)))
    assert other.parts["input"] == D(2) * 1_600_000 / 10**6
    assert not other.parts["cache_read"] + other.parts["cache_write_5m"]


def test_a_share_of_the_input_is_read_from_the_cache_in_whole_tokens(history):
    book(cache_read_price=D("0.2"))
    add_message(history, 5, input_tokens=3)
    _, other = recost(Terms(cache_share=D(50)))
    assert other.parts["cache_read"] == D("0.2") * (500_000 + 250_000 + 50_000 + 1) / 10**6
    assert other.parts["input"] == D(2) * (500_000 + 250_000 + 50_000 + 2) / 10**6


def test_in_batches_each_request_has_the_price_of_a_batch(history):
    book(batch_factor=D("0.25"))
    _, plain = recost()
    _, batch = recost(Terms(batch=True))
    assert batch.total == plain.total / 4


def test_each_request_has_the_price_of_its_own_time_and_size(history):
    book(input=2, output=0, valid_to=date(2026, 4, 1))
    book(input=7, output=0, valid_from=date(2026, 4, 1))
    book(input=3, output=0, above_input_tokens=600_000, valid_to=date(2026, 4, 1))
    _, other = recost()
    assert other.total == D(3) * 1 + D(2) * D("0.5") + D(7) * D("0.1")
    assert len(other.bases) == 3


def test_a_service_tier_is_one_of_its_provider_alone():
    session = make_session(model=make_model("acme", "m-1"))
    add_message(session, 1, input_tokens=1_000_000, metadata={"service_tier": "priority"})
    for provider in ("acme", "zoo"):
        for tier, price in (("", 1), ("priority", 5)):
            Price.objects.create(
                provider=provider, model_pattern="other", input_price=price, output_price=0,
                service_tier=tier,
            )  # fmt: skip
    found = whatif.recost(Scope(), [OTHER, ModelName("zoo", "other")], Terms())
    assert [model.total for model in found.models] == [5, 1]


def test_requests_that_cannot_be_priced_are_counted_and_not_free(history):
    book(valid_from=date(2026, 4, 1))
    _, other = recost()
    assert (other.priced, other.unpriced, other.compared) == (1, 2, 0)
    assert other.difference is None
    nobody = whatif.recost(Scope(), [ModelName("x", "nobody-knows")], Terms()).models[0]
    assert (nobody.priced, nobody.unpriced, nobody.total) == (0, 3, 0)


def test_only_what_the_filters_let_through_is_priced_and_no_trash(history):
    book()
    other = make_session(model=make_model("x", "y"))
    add_message(other, 1, input_tokens=10)
    assert recost(scope=Scope(project_id=history.project_id))[0].requests == 3
    assert recost(scope=Scope(tag="bread", until=NOON + timedelta(days=1)))[0].requests == 2
    other.deleted_at = NOON
    other.save()
    assert recost(scope=Scope(with_trash=False))[0].requests == 3


def test_what_is_said_of_time_is_that_there_was_none_for_all(history, monkeypatch):
    monkeypatch.setattr(whatif, "LOOKS", 1)
    found = whatif.recost(Scope(), [OTHER], Terms(), seconds=0)
    assert (found.is_whole, found.requests) == (False, 1)
    assert found.reached == Message.objects.get(sequence_number=1).timestamp


tokens = st.none() | st.integers(0, 10**9)
usages = st.builds(
    dict,
    input_tokens=st.integers(1, 10**9),
    output_tokens=tokens,
    cache_read_tokens=tokens,
    cache_write_5m_tokens=tokens,
    cache_write_1h_tokens=tokens,
    reasoning_tokens=tokens,
    cost=st.none() | st.floats(0, 10**6),
)
prices = st.decimals(0, 10**6, places=6)
MODELS = [
    OTHER, ModelName("anthropic", "claude-sonnet-4-5"), ModelName("google", "gemini-2.5-pro"),
    ModelName("openai", "gpt-5"), ModelName("ollama", "qwen3"), ModelName("x", "nobody-knows"),
]  # fmt: skip


@given(
    st.lists(usages, min_size=1, max_size=5),
    prices,
    prices,
    st.none() | st.decimals(0, 100, places=3),
    st.booleans(),
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_parts_sum_exactly_to_the_total_and_totals_to_the_requests(
    requests, sent, said, share, batch
):
    Session.with_trash.all().delete()
    Price.objects.all().delete()
    book(input=sent, output=said, reasoning_price=said / 3 if said % 3 == 0 else None)
    session = make_session()
    for number, usage in enumerate(requests, 1):
        add_message(session, number, **usage)
    terms = Terms(cache_share=share, batch=batch)

    found = whatif.recost(Scope(), MODELS, terms)

    pricer = Pricer()
    with localcontext() as exactly:
        exactly.prec = 100
        for model in found.models:
            assert sum(model.parts.values()) == model.total
            assert model.priced + model.unpriced == len(requests)
            one_by_one = []
            for message in session.messages.all():
                usage = terms.applied(
                    Usage(message.input_tokens, message.output_tokens, message.cache_read_tokens,
                          message.cache_write_5m_tokens, message.cache_write_1h_tokens,
                          message.reasoning_tokens)
                )  # fmt: skip
                name = model.model
                cost = pricer.price(name.provider, name.model, usage, message.timestamp)
                one_by_one.append((cost.usd, message.cost_nanos))
            assert model.total == sum(usd for usd, _ in one_by_one if usd is not None)
            both = [(usd, nanos) for usd, nanos in one_by_one if None not in (usd, nanos)]
            if both:
                before = D(sum(nanos for _, nanos in both)).scaleb(-9)
                assert model.difference == sum(usd for usd, _ in both) - before


# -- the command --------------------------------------------------------------------------------


def command(*options: str) -> str:
    out = StringIO()
    call_command("whatif", *options, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_the_command_says_parts_total_and_difference(history):
    book()
    answer = json.loads(command("--model", "acme/other", "--model", "x/y", "--json"))
    [other, nobody] = answer["models"]
    assert (answer["requests"], answer["cost"], answer["unpriced"]) == (3, "3", 1)
    assert D(other["total"]) == sum(map(D, other["parts"].values())) == D("4.4")
    assert (nobody["priced"], nobody["unpriced"], nobody["difference"]) == (0, 3, None)
    text = command("--model", "acme/other", "--no-cache", "--batch", "--until", "2026-03-31")
    assert "acme/other: $2.10" in text
    assert "-$0.90 (-30.0 %) over 2 requests" in text
    assert command("--model", "acme/other", "--cache-share", "10%", "--of-model", "acme/m-1")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--model", ""], "is no model"),
        (["--model", "openai/"], "is no model"),
        (["--model", "a\0b"], "is no model"),
        (["--model", "a/b", "--cache-share", "101"], "'101' is no percentage"),
        (["--model", "a/b", "--cache-share", "NaN"], "'NaN' is no percentage"),
        (["--model", "a/b", "--cache-share", "5", "--no-cache"], "not allowed with"),
        (["--model", "a/b", "--project", "Garage"], "no project 'Garage'"),
        (["--model", "a/b"] * 9, "At most 8 models"),
        ([], "required: --model"),
    ],
)
def test_what_the_command_cannot_mean_is_named(options, said):
    with pytest.raises(CommandError, match=said):
        command(*options)


def test_a_name_without_a_provider_is_that_of_a_model_here(history):
    assert whatif.named("m-1") == ModelName("acme", "m-1")
    assert whatif.named("vendor/deep/name") == ModelName("vendor", "deep/name")
    with pytest.raises(InvalidValue):
        whatif.named("/")


# -- the page -----------------------------------------------------------------------------------


def test_the_page_shows_models_side_by_side_and_gives_the_numbers_away(client, history):
    book(cache_read_price=D("0.2"))
    html = unescape(page(client, f"{HERE}&on=acme/other,%20x/y"))
    assert "The same requests elsewhere" in html
    assert "3 requests could not be priced on <bdi>x/y</bdi>" in html
    lines = b"".join(client.get(f"{HERE}&on=acme/other&table=what-if&format=csv")).decode()
    assert "As it was" in lines
    [line] = [line for line in lines.splitlines() if line.startswith("acme/other")]
    total, _, *parts = map(D, line.split(",")[1:-2])
    assert total == sum(parts) == D("3.68")


def test_the_page_names_what_it_needs(client, history):
    assert "Name a model" in page(client, HERE)
    assert "is no model" in unescape(page(client, f"{HERE}&on=openai/"))
    assert "Say how much" in unescape(page(client, f"{HERE}&on=a/b&cache=share"))
    assert "less than or equal to 100" in page(client, f"{HERE}&on=a/b&cache=share&share=101")
    assert "At most 8 models" in page(client, f"{HERE}&on={','.join('abcdefghi')}")
    nothing = page(client, "/analytics/what-if/?from=2020-01-01&to=2020-01-02&on=a/b")
    assert "No message of these days used tokens" in nothing


def test_a_page_without_time_says_how_far_it_came_and_names_the_command(
    client, history, monkeypatch
):
    monkeypatch.setattr(whatif, "LOOKS", 1)
    monkeypatch.setattr(whatif_views, "SECONDS", 0)
    html = page(client, f"{HERE}&on=acme/other")
    assert "the first 1 requests, up to" in html
    assert "manage.py whatif" in html


@pytest.mark.parametrize("value", HOSTILE_ENCODED)
def test_no_address_of_the_page_is_an_error(client, history, value):
    text = HOSTILE_ENCODED[value]
    for name in ("on", "to", "cache", "share", "batch", "project", "model", "role", "from"):
        address = f"/analytics/what-if/?on=acme/other&cache=share&share=5&{name}={text}"
        assert get(client, address).status_code == 200


def test_no_name_becomes_markup(client, history):
    Price.objects.create(model_pattern="*", input_price=1, output_price=1)
    make_model(EVIL, EVIL)
    html = page(client, f"{HERE}&on=x%3Cscript%3Ealert(1)%3C/script%3E/y,{EVIL[:20]}")
    assert "<script>alert" not in html


# -- pricing anew and the roll-ups ----------------------------------------------------------------


def differences() -> list[rollups.Difference]:
    with connection.cursor() as cursor:
        return list(rollups.check(cursor))


def test_the_rollups_are_right_after_pricing_anew_and_after_undoing_it(history):
    book("m-1", "1.234567", "7.654321")
    other = make_session(model=make_model("acme", "m-1x"), tags=["bread", "tea"])
    add_message(other, 1, input_tokens=7, cost=0.0, cost_basis_id=CostBasis.LOCAL)
    Session.objects.filter(pk=other.pk).update(deleted_at=NOON)
    assert differences() == []

    run = repricing.run(repricing.begin(Scope()), at_once=2)
    assert run.messages == 2
    assert differences() == []

    Message.objects.filter(sequence_number=2).update(cost=9)
    repricing.undo(RepriceRun.objects.get(), at_once=1)
    assert differences() == []
