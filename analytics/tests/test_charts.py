"""What a chart says: its sentence, its table, its download, and what is drawn."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal

import pytest
from django.http import QueryDict
from django.template.loader import render_to_string
from django.test import RequestFactory

from analytics.charts import Cell, Chart, Series, requested, summary_of
from analytics.templatetags import analytics as tags
from conversations.errors import InvalidValue

DAYS = ["2026-01-01", "2026-01-02", "2026-01-03"]


def chart(kind="bar", unit="usd", series=None, **options) -> Chart:
    series = series or [Series("Cost", [Decimal("0.1"), None, Decimal("2.000000001")])]
    return Chart("cost", "Cost", kind, DAYS, series, unit, **options)


def request(query: str):
    return RequestFactory().get(f"/?{query}")


def read(response) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode())))


def html(shown: Chart) -> str:
    return render_to_string("analytics/_chart.html", {"chart": shown}, request("from=now-7d"))


@pytest.mark.parametrize(
    ("shown", "summary"),
    [
        (chart(), "$2.10 in all; the most is $2.00 (2026-01-03)."),
        (
            chart("stacked", "count", [Series("a", [1, 5, None]), Series("b", [1, None, 4])]),
            "11 in all; the most is 5 (2026-01-02).",
        ),
        (
            chart("line", "ms", [Series("p50", [120, 80, 90]), Series("p95", [900, None, 4000])]),
            "From 80 ms (2026-01-02, p50) to 4.0 s (2026-01-03, p95).",
        ),
        (
            chart("line", "tokens", [Series("a", [1, 2, None]),
                                     Series("b", [None, 2, 99], is_forecast=True)]),
            "3 tokens in all; the most is 2 tokens (2026-01-02).",
        ),
        (chart("bar", "usd", [Series("a", [None] * 3)]), "There is nothing to show."),
        (
            chart("bar", "usd", [Series("a", [Decimal("1e-9"), None, None])]),
            "<$0.000001 in all; the most is <$0.000001 (2026-01-01).",
        ),
    ],
)  # fmt: skip
def test_the_sentence_says_how_much_and_where_the_peak_is(shown, summary):
    assert summary_of(shown) == shown.caption == summary


def test_what_is_drawn_has_gaps_where_nothing_is_known():
    drawn = json.loads(chart().as_json())
    assert drawn["series"] == [{"name": "Cost", "values": [0.1, None, 2.000000001]}]
    assert (drawn["kind"], drawn["unit"], drawn["labels"]) == ("bar", "usd", DAYS)
    assert "x" not in drawn


def test_the_table_has_every_number_with_its_link():
    shown = chart(
        links=["/a", "/b", "/c"],
        series=[
            Series("Cost", [Decimal(1), None, Decimal(3)]),
            Series("Likely", [1, 2, 3], low=[0, 1, 2], high=[2, 3, 4], links=["/x", None, "/z"],
                   is_forecast=True),
        ],
    )  # fmt: skip
    assert shown.headers == ["Day", "Cost", "Likely (forecast)"]
    assert shown.rows[0].cells[0] == Cell(Decimal(1), "usd", "/a")
    assert shown.rows[2].cells[1] == Cell(3, "usd", "/z", 2, 4)
    page = html(shown)
    assert '<td class="amount" title="$1"><a href="/a">$1.00</a></td>' in page
    assert '<a href="/z">$3.00 ($2.00 to $4.00)</a>' in page
    assert '<td class="amount">–</td>' in page  # noqa: RUF001 - as pages say unknown
    assert page.count("<tr>") == 4
    assert "chart=cost&amp;format=csv" in page
    assert "from=now-7d" in page


def test_a_name_that_is_markup_stays_a_name():
    evil = "</div><script>alert(1)</script>\"'"
    page = html(
        Chart("c", evil, "bar", [evil], [Series(evil, [1])], "count", links=[f"/?q={evil}"])
    )
    assert "<script" not in page
    assert (
        json.loads(chart(series=[Series(evil, [1, 2, 3])]).as_json())["series"][0]["name"] == evil
    )


def test_an_empty_chart_says_so_and_offers_no_file():
    page = html(chart(series=[Series("Cost", [None] * 3)]))
    assert "There is nothing to show." in page
    assert "data-chart" not in page
    assert "format=csv" not in page


def test_the_download_has_every_digit_and_no_formula():
    known = [Decimal("0.000000001"), None, 1.5]
    series = Series("=1+1", known, low=[0, None, 1], high=[1, None, 2])
    rows = read(chart(series=[series], label_name="@SUM").download("csv"))
    assert rows[0] == ["'@SUM", "'=1+1, usd", "'=1+1, low", "'=1+1, high"]
    assert rows[1] == ["2026-01-01", "0.000000001", "0", "1"]
    assert rows[2] == ["2026-01-02", "", "", ""]


def test_columns_of_a_download_keep_apart_what_has_one_name():
    shown = chart(series=[Series("gpt", [1, 2, 3]), Series("gpt", [4, 5, 6])])
    assert shown.columns == ["Day", "gpt, usd", "gpt, usd (2)"]
    assert read(shown.download("csv"))[1] == ["2026-01-01", "1", "4"]


def test_the_address_asks_for_the_file_of_one_chart():
    charts = [chart(), Chart("other", "Other", "bar", ["x"], [Series("n", [7])], "count")]
    assert read(requested(request("chart=other&format=csv"), charts))[1] == ["x", "7"]
    assert requested(request("chart=other&format=json"), charts)["Content-Type"].startswith(
        "application/json"
    )
    for query in ("", "chart=other", "format=csv", "chart=x&format=csv", "chart=cost&format=exe"):
        assert requested(request(query), charts) is None


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "pie"},
        {"unit": "euro"},
        {"kind": "scatter"},
        {"x": [1, 2, 3]},
        {"links": ["/a"]},
        {"series": [Series("a", [1, 2])]},
        {"series": [Series("a", [1, 2, 3], low=[1])]},
    ],
)
def test_a_chart_whose_parts_do_not_fit_is_refused_by_its_name(options):
    with pytest.raises(InvalidValue, match="chart cost"):
        chart(**options)


def test_a_scatter_shows_both_of_its_numbers():
    shown = chart("scatter", "ms", [Series("p50", [1, 2, 3])], x=[0.5, None, 2], x_name="Cost",
                  x_unit="usd")  # fmt: skip
    assert shown.headers == ["Day", "Cost", "p50"]
    assert [cell.value for cell in shown.rows[1].cells] == [None, 2]
    assert shown.columns == ["Day", "Cost", "p50, ms"]
    assert json.loads(shown.as_json())["x"] == [0.5, None, 2]


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ([1, 3], "M0.0 15.3h0L100.0 2.0"),
        ([0, None, 5, 5], "M0.0 22.0h0M66.7 2.0h0L100.0 2.0"),
        ([-1, 1], "M0.0 22.0h0L100.0 2.0"),
        ([0, 0], "M0.0 22.0h0L100.0 22.0"),
    ],
)
def test_a_sparkline_begins_at_zero_and_leaves_gaps(values, path):
    assert f'd="{path}"' in tags.sparkline(values)


def test_a_sparkline_says_in_words_how_it_goes():
    drawn = tags.sparkline([Decimal("0.5"), None, 2], "usd")
    assert "<title>From $0.5000 to $2.00; between $0.5000 and $2.00.</title>" in drawn
    assert tags.sparkline([None, 4]) == tags.sparkline([]) == ""


def test_the_query_of_the_page_goes_into_the_link_of_the_file():
    query = QueryDict("tag=a%26b&chart=old")
    page = render_to_string("analytics/_chart.html", {"chart": chart()}, request(query.urlencode()))
    assert "tag=a%26b&amp;chart=cost&amp;format=csv" in page
