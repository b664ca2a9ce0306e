"""Charts in a real browser: drawn, reached by the keyboard, taken along as a picture."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from conversations.tests.factories import make_session

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

HERE = "/styleguide/charts/"
RANGE = f"{HERE}?from=2026-01-01&to=2026-01-31"
PNG = b"\x89PNG\r\n\x1a\n"
KINDS = {
    "bar",
    "stacked",
    "line",
    "area",
    "heatmap",
    "distribution",
    "scatter",
    "intervals",
}
COLOURS = """
    (id) => [...document.querySelectorAll(`#${id} svg path`)]
        .map((path) => path.getAttribute("fill")).filter((fill) => fill && fill != "none")
"""
SAID = "() => document.getElementById('announcement').textContent"


@pytest.fixture
def charts(visit, reader):
    def go(path: str = RANGE, **options):
        visitor = visit(reader, **options)
        visitor.go(path)
        if options.get("java_script_enabled", True):
            visitor.page.locator("#chart-errors[data-drawn]").wait_for()
        return visitor

    return go


def press(visitor, chart: str, *keys: str) -> str:
    drawing = visitor.page.locator(f"#chart-{chart}-drawing")
    drawing.focus()
    for key in keys:
        drawing.press(key)
    return visitor.page.evaluate(SAID)


def test_every_kind_is_drawn_and_its_table_is_folded(charts):
    page = charts().page
    drawn = page.locator("figure[data-drawn]")
    assert {figure.get_attribute("data-kind") for figure in drawn.all()} == KINDS
    for figure in drawn.all():
        assert figure.locator("svg path").count() > 3
        assert not figure.locator("table").is_visible()
    page.locator("#chart-cost .numbers > summary").click()
    table = page.locator("#chart-cost table")
    assert table.locator("tbody tr").count() == 31
    assert table.locator("tbody td a").count() == 31


def test_without_javascript_the_table_stands_open(charts):
    visitor = charts(java_script_enabled=False)
    page = visitor.page
    assert page.locator("#chart-cost table").is_visible()
    assert not page.locator("#chart-cost-drawing").is_visible()
    assert not page.locator("#chart-cost-png").is_visible()
    page.locator("#chart-cost tbody td a").first.click()
    page.wait_for_url("**/sessions/?since=2026-01-01&until=2026-01-01")
    assert visitor.troubles == []


def test_without_javascript_the_range_is_changed_by_its_form(charts):
    page = charts(java_script_enabled=False).page
    page.locator("#range-from").fill("2026-01-05")
    page.locator("#range-to").fill("2026-01-07")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**from=2026-01-05&to=2026-01-07**")
    assert page.locator("#chart-cost tbody tr").count() == 3
    page.get_by_role("link", name="The period before").click()
    page.wait_for_url("**from=2026-01-02&to=2026-01-04**")


def test_colours_follow_light_and_dark(charts):
    visitor = charts(color_scheme="light")
    light = visitor.page.evaluate(COLOURS, "chart-cost")
    assert "rgb(51,80,207)" in {colour.replace(" ", "") for colour in light} or "#3350cf" in light
    visitor.page.emulate_media(color_scheme="dark")
    assert visitor.comes_true(
        f"([id, light]) => ({COLOURS})(id).join() != light.join()", ["chart-cost", light]
    )
    visitor.check()


def test_arrow_keys_move_through_the_points_and_say_them(charts):
    visitor = charts()
    assert press(visitor, "cost", "ArrowRight").startswith("2026-01-01: $")
    assert press(visitor, "cost", "ArrowRight", "ArrowRight").startswith("2026-01-03: $")
    assert visitor.page.locator("#chart-cost .tip").inner_text().startswith("2026-01-03")
    assert press(visitor, "cost", "End").startswith("2026-01-31: $")
    assert press(visitor, "cost", "ArrowRight").startswith("2026-01-31: $")
    assert press(visitor, "cost", "Home", "ArrowLeft").startswith("2026-01-01: $")
    assert press(visitor, "by-model", "End", "ArrowDown").startswith("2026-01-31: gpt-5.1, $")
    assert press(visitor, "latency", *["ArrowRight"] * 6) == "2026-01-06: p50, not known"
    assert press(visitor, "hours", "ArrowRight", "End", "ArrowDown").startswith("23: Tuesday, ")
    assert press(visitor, "worth", "ArrowRight", "ArrowRight") == (
        "gpt-5.1: USD per million output tokens $10.00, 58.0/s"
    )
    assert press(visitor, "errors", "ArrowRight", "ArrowDown") == (
        "gpt-5.1: 4.4 % (2.6 % to 7.8 %)"
    )
    visitor.check()


def test_enter_and_a_click_open_the_sessions_behind_a_point(charts):
    make_session("Green", started_at=datetime(2026, 1, 2, 12, tzinfo=UTC))
    visitor = charts()
    page = visitor.page
    press(visitor, "cost", "ArrowRight", "ArrowRight")
    page.locator("#chart-cost-drawing").press("Enter")
    page.wait_for_url("**/sessions/?since=2026-01-02&until=2026-01-02")
    assert page.locator("a.title").all_inner_texts() == ["Green"]
    page.go_back()
    page.locator("#chart-cost[data-drawn]").wait_for()
    box = page.locator("#chart-cost-drawing").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.55, box["y"] + box["height"] * 0.8)
    page.wait_for_url("**/sessions/?since=2026-01-1*&until=2026-01-1*")
    visitor.check()


def test_what_the_mouse_points_at_is_told_as_the_table_tells_it(charts):
    visitor = charts()
    page = visitor.page
    for chart in ("by-model", "forecast", "hours", "spread", "errors"):
        drawing = page.locator(f"#chart-{chart}-drawing")
        drawing.scroll_into_view_if_needed()
        box = drawing.bounding_box()
        for part in (0.3, 0.42, 0.55, 0.71, 0.85):
            for height in (0.3, 0.6):
                page.mouse.move(box["x"] + box["width"] * part, box["y"] + box["height"] * height)
    tip = page.locator("#chart-by-model .tip")
    page.locator("#chart-by-model-drawing").hover()
    tip.wait_for()
    day, *lines = tip.inner_text().split("\n")
    row = page.locator("#chart-by-model tbody tr", has_text=day)
    assert [line for line in lines if "$" in line] == row.locator("td").all_text_contents()
    visitor.check()


def test_a_series_is_switched_off_and_on(charts):
    visitor = charts()
    key = visitor.page.locator("#chart-by-model .chart-keys button", has_text="gpt-5.1")
    paths = visitor.page.locator("#chart-by-model svg path")
    before = paths.count()
    key.press("Enter")
    assert key.get_attribute("aria-pressed") == "false"
    assert paths.count() < before
    key.click()
    assert key.get_attribute("aria-pressed") == "true"
    assert paths.count() == before
    visitor.check()


@pytest.mark.parametrize("chart", ["by-model", "hours", "errors"])
def test_a_chart_is_taken_along_as_a_picture(charts, chart, tmp_path):
    visitor = charts(color_scheme="dark")
    with visitor.page.expect_download() as started:
        visitor.page.locator(f"#chart-{chart}-png").click()
    assert started.value.suggested_filename == f"{chart}.png"
    started.value.save_as(tmp_path / "chart.png")
    picture = (tmp_path / "chart.png").read_bytes()
    assert picture.startswith(PNG)
    assert len(picture) > 10_000
    visitor.check()


def test_the_numbers_are_taken_along_as_a_file(charts):
    visitor = charts()
    with visitor.page.expect_download() as started:
        visitor.page.locator("#chart-cost-csv").click()
    lines = started.value.path().read_text().splitlines()
    assert lines[0] == 'Day,"Cost, usd"'
    assert len(lines) == 32


def test_another_range_swaps_the_charts_and_keeps_what_was_opened(charts):
    visitor = charts()
    page = visitor.page
    page.evaluate("window.stayed = true")
    page.locator("#chart-cost .numbers > summary").click()
    page.locator("#chart-latency .chart-keys button", has_text="p99").click()
    page.locator("#range-previous").click()
    page.wait_for_url("**from=2025-12-01&to=2025-12-31**")
    page.locator("#chart-errors[data-drawn]").wait_for()
    assert page.evaluate("window.stayed")
    assert page.locator("#chart-cost tbody tr").first.inner_text().startswith("2025-12-01")
    assert page.locator("#chart-cost table").is_visible()
    hidden = page.locator("#chart-latency .chart-keys button", has_text="p99")
    assert hidden.get_attribute("aria-pressed") == "false"
    assert page.evaluate("document.activeElement.id") == "range-previous"
    assert page.locator("#chart-cost svg").count() == 1
    page.locator("#range-grain").select_option("week")
    page.wait_for_url("**grain=week**")
    page.locator("#chart-cost tbody th", has_text="2025-W49").wait_for()
    visitor.check()


def test_charts_are_open_to_everybody(charts):
    visitor = charts()
    for summary in visitor.page.locator(".numbers > summary").all():
        summary.click()
    press(visitor, "cost", "ArrowRight")
    visitor.check_all()
    visitor.go(f"{HERE}?from=soon&project=99&role=user")
    visitor.check_all()


def test_charts_on_paper_are_dark_on_white(charts):
    visitor = charts(color_scheme="dark")
    page = visitor.page
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    fills = page.evaluate(COLOURS, "chart-cost")
    assert "rgb(51,80,207)" in {fill.replace(" ", "") for fill in fills} or "#3350cf" in fills
    assert page.locator("#chart-cost svg").get_attribute("viewBox")
    assert not page.locator("#chart-cost-png").is_visible()
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(COLOURS, "chart-cost") != fills
    visitor.check()
