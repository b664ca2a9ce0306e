"""The price book as files and commands: to the last character, all or nothing."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal as D
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.errors import InvalidValue
from conversations.models import CostBasis, LanguageModel, Message, Price, PriceKind
from conversations.pricing import files, missing, repricing
from conversations.pricing.requests import Scope

from .factories import add_message, make_model, make_session

pytestmark = pytest.mark.django_db
HEAD = "provider,model_pattern,input,output"


@pytest.fixture(autouse=True)
def data_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"


def prices(*options: str) -> str:
    out = StringIO()
    call_command("prices", *options, stdout=out, stderr=StringIO())
    return out.getvalue()


def written(format: str) -> str:
    return "".join(files.write(format))


def taken_in(text: str, format: str = "csv") -> tuple[int, int, int]:
    stored = files.store(files.read(text, format))
    return stored.new, stored.changed, stored.same


def full_book() -> None:
    Price.objects.create(model_pattern="gpt-*", input_price=D("2.5"), output_price=D("0.000001"))
    Price.objects.create(
        provider="acme", model_pattern="=cmd|'/c calc'!A1", valid_from=date(2026, 1, 1),
        valid_to=date(2026, 7, 1), input_price=D(3), output_price=D("15.123456"),
        cache_read_price=D("0.3"), cache_write_5m_price=D(0), cache_write_1h_price=D(6),
        reasoning_price=D(1_000_000), batch_factor=D("0.25"), service_tier="priority",
        above_input_tokens=200_000, note='two\r\nlines, "quoted"\n and \'=more',
    )  # fmt: skip
    Price.objects.create(provider="ollama", model_pattern="@cf/*", kind=PriceKind.LOCAL)
    Price.objects.create(provider="chatgpt", model_pattern="'@x", kind=PriceKind.SUBSCRIPTION)


@pytest.mark.parametrize("format", files.FORMATS)
def test_the_book_comes_back_from_its_file_to_the_last_character(format):
    full_book()
    text = written(format)
    assert taken_in(text, format) == (0, 0, 4)
    Price.objects.all().delete()

    assert taken_in(text, format) == (4, 0, 0)

    assert written(format) == text


texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=8)
amounts = st.decimals(0, 1000, places=6)
rows = st.builds(
    Price,
    provider=texts.map(str.strip),
    model_pattern=texts.map(str.strip).filter(bool),
    valid_from=st.none() | st.dates(),
    input_price=amounts,
    output_price=amounts,
    cache_read_price=st.none() | amounts,
    batch_factor=amounts.filter(lambda factor: factor <= 100),
    above_input_tokens=st.integers(0, 10**9),
    service_tier=texts.map(str.strip),
    note=texts,
    kind=st.just("per_token"),
)


@given(st.lists(rows, max_size=4), st.sampled_from(files.FORMATS))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_book_comes_back_from_its_file(book, format):
    Price.objects.all().delete()
    for price in book:
        price.pk = None
        price.save(force_insert=True)
    text = written(format)
    Price.objects.all().delete()

    assert taken_in(text, format) == (len(book), 0, 0)
    assert written(format) == text
    assert taken_in(text, format) == (0, 0, len(book))


def test_what_a_spreadsheet_would_take_for_a_formula_is_no_formula_in_the_csv():
    full_book()
    for line in written("csv").splitlines():
        assert not re.search(r'(^|,)"?[=@]', line), line


def test_a_row_that_differs_in_its_price_takes_the_place_of_the_old_one():
    taken_in(f"{HEAD}\nacme,m-1,1,2\nacme,m-2,1,2\n")
    first = Price.objects.get(model_pattern="m-1").pk

    assert taken_in(f"{HEAD}\nacme,m-1,1.5,2\nacme,m-2,1,2\n") == (0, 1, 1)

    assert Price.objects.get(model_pattern="m-1").pk == first
    assert Price.objects.get(pk=first).input_price == D("1.5")


def test_columns_may_be_in_any_order_and_what_is_left_out_has_its_default():
    taken_in("output,input,model_pattern\n2,1,m-1\n\n")
    row = Price.objects.get()
    assert (row.provider, row.batch_factor, row.kind) == ("", D("0.5"), "per_token")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HEAD}\n,m,1,2\n,m-2,one,2\n", "line 3: input: 'one' is no number"),
        (f'{HEAD}\n,"two\nlines",1,2\n,m,1\n', "line 4: 3 cells, but 4 columns"),
        (f"{HEAD}\n,m,1,\n", "line 2: A price per token needs those of input and output"),
        (f"{HEAD}\n,,1,2\n", "line 2: model_pattern: This field cannot be blank"),
        (f"{HEAD}\n,m,-1,2\n", "line 2: "),
        (f"{HEAD}\n,m,0.0000001,2\n", "line 2: input: Ensure that there are no more than"),
        (f"{HEAD}\n,m,NaN,2\n", "line 2: input: 'NaN' is no number"),
        (f"{HEAD}\n,m,1e99,2\n", "line 2: input: "),
        (f"{HEAD}\n,m\0,1,2\n", "line 2: "),
        (f"{HEAD},valid_from\n,m,1,2,31.1.2026\n", "line 2: valid_from: '31.1.2026' is no day"),
        (f"{HEAD},kind\n,m,1,2,free\n", "line 2: kind: Value 'free' is not a valid choice"),
        (f"{HEAD},price\n,m,1,2,3\n", "line 1: 'price' is no column"),
        ("provider,input\n", "line 1: the column model_pattern is missing"),
        ("", "line 1: the column model_pattern is missing"),
        (f"{HEAD},valid_from,valid_to\n,m,1,2,2026-02-01,2026-01-01\n", "line 2: The price must"),
    ],
)
def test_a_bad_row_is_named_with_its_line_and_nothing_is_stored(text, said, tmp_path):
    file = tmp_path / "book.csv"
    file.write_bytes(text.encode())
    with pytest.raises(CommandError, match=re.escape(said)) as raised:
        prices("import", str(file))
    assert "Nothing was stored" in str(raised.value)
    assert not Price.objects.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "no JSON"),
        ('{"a": 1}', "no JSON array"),
        ("[1]", "row 1: this is no object"),
        ('[{"model_pattern": "m", "input": true}]', "row 1: input: True is no text"),
        ('[{"model_pattern": "m", "input": 1, "output": "x"}]', "row 1: output: 'x' is no number"),
        ('[{"model_pattern": "m", "input": 1, "output": 1}, {"input": 3}]', "row 2: the column"),
        ("[" * 5000, "no JSON"),
    ],
)
def test_a_bad_row_of_json_is_named_by_its_number(text, said):
    with pytest.raises(InvalidValue, match=said):
        files.read(text, "json")


def test_prices_are_exact_as_numbers_of_json_too():
    taken_in('[{"model_pattern": "m", "input": 0.1, "output": 3}]', "json")
    assert Price.objects.get().input_price == D("0.1")


def test_the_commands_write_read_and_list_the_book(tmp_path):
    full_book()
    for format in files.FORMATS:
        file = tmp_path / f"book.{format}"
        prices("export", str(file))
        assert file.read_bytes().decode() == written(format)
        assert prices("import", str(file)) == "0 new, 0 changed, 4 as they were\n"
    assert prices("export") == written("csv")
    assert "any provider/gpt-*  input 2.5  output 0.000001" in prices("list")
    assert prices("list", "ACME").count("\n") > 0
    assert [row["provider"] for row in json.loads(prices("list", "acme", "--json"))] == ["acme"]
    for wrong in (tmp_path / "book.txt", tmp_path / "none.csv"):
        with pytest.raises(CommandError, match=wrong.name):
            prices("import", str(wrong))


def test_a_lookup_says_price_rule_and_origin_at_a_day_and_tier():
    Price.objects.create(
        model_pattern="gpt-4o", input_price=D(1), output_price=D(2), valid_from=date(2026, 1, 1)
    )

    before = json.loads(prices("lookup", "openai", "gpt-4o", "--at", "2025-12-31", "--json"))
    after = json.loads(prices("lookup", "openai", "gpt-4o", "--at", "2026-01-01", "--json"))
    batch = json.loads(
        prices("lookup", "openai", "gpt-4o", "--at", "2026-01-01", "--tier", "Batch", "--json")
    )

    assert before[0]["origin"].startswith("genai-prices")
    assert before[0]["rates"]["input"] == "2.5"
    assert (after[0]["origin"], after[0]["rule"]) == ("price book", "name as written")
    assert batch[0]["rates"]["input"] == "0.5"
    text = prices("lookup", "openai", "gpt-4o", "--at", "2026-01-01")
    assert "computed: price book, openai/gpt-4o (matched by: name as written)" in text


def test_a_lookup_names_each_size_of_request_that_has_a_price_of_its_own():
    sizes = json.loads(prices("lookup", "google", "gemini-2.5-pro", "--at", "2026-01-01", "--json"))
    assert [size["above_input_tokens"] for size in sizes] == [0, 200_000]


def test_a_lookup_of_what_has_no_price_says_so_and_a_bad_day_is_named():
    assert prices("lookup", "acme", "nobody-knows").startswith("unknown")
    with pytest.raises(CommandError, match="--at: 'soon' is no day"):
        prices("lookup", "openai", "gpt-4o", "--at", "soon")


# -- models without a price ---------------------------------------------------------------------


@pytest.fixture
def unpriced() -> list[LanguageModel]:
    """Three models without a price, one of them with a name that reads like a pattern."""
    models = [make_model("acme", "m-1"), make_model("acme", "odd[1]*?"), make_model("", "auto")]
    session = make_session(model=models[0])
    add_message(session, 1, input_tokens=1_000_000, output_tokens=5)
    add_message(session, 2, input_tokens=2_000_000, model=models[1])
    add_message(session, 3, input_tokens=10, model=models[2])
    add_message(session, 4, input_tokens=10, cost=0.5)
    add_message(session, 5, cost_basis_id=CostBasis.SUBSCRIPTION)
    add_message(make_session(), 1, output_tokens=3)
    return models


def test_models_with_unpriced_messages_are_listed_with_the_most_tokens_first(unpriced):
    found = missing.missing()

    assert [(each.model, each.messages, each.tokens) for each in found] == [
        (unpriced[1], 1, 2_000_000), (unpriced[0], 1, 1_000_005), (unpriced[2], 1, 10),
        (None, 1, 3),
    ]  # fmt: skip
    assert [each.can_be_priced for each in found] == [True, True, False, False]
    assert "acme/m-1  1 messages, 1,000,005 tokens" in prices("missing")
    assert json.loads(prices("missing", "--json"))[3]["model"] is None


def test_models_without_a_price_are_found_by_their_index(unpriced):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {missing.UNPRICED}")
        plan = " ".join(row[-1] for row in cursor.fetchall())
    assert "messages_unpriced" in plan


def test_what_is_given_to_a_model_is_for_it_alone_whatever_its_name(unpriced):
    other = make_model("acme", "odd1xx")
    add_message(make_session(model=other), 1, input_tokens=1_000_000)
    missing.add_to_book([missing.Given(unpriced[1], PriceKind.PER_TOKEN, D(3), D(4))])

    run = repricing.apply(Scope(unpriced=True))

    assert run.messages == 5  # the others are known to be unknown now
    priced = Message.objects.exclude(cost=None).exclude(cost=0.5)
    assert [(message.model, message.cost) for message in priced] == [(unpriced[1], 6.0)]
