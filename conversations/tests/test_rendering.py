"""Message text as HTML: what Markdown becomes, what never gets through, and what it may cost."""

from __future__ import annotations

import re
import time
from decimal import Decimal
from html import unescape

import pytest
from django.utils.safestring import SafeString
from pygments.lexers import get_lexer_by_name

from conversations.rendering import (
    LEXERS,
    LONGEST,
    LONGEST_CODE,
    MOST_CELLS,
    Allowance,
    highlight,
    render_markdown,
)
from conversations.templatetags import conversations as show

DASH = show.UNKNOWN
REL = 'rel="noopener noreferrer nofollow"'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain", "<p>plain</p>\n"),
        ("two\nlines", "<p>two<br>\nlines</p>\n"),
        ("**b** *i* ~~s~~ `c`",
         "<p><strong>b</strong> <em>i</em> <s>s</s> <code>c</code></p>\n"),
        ("<b>raw</b> & co", "<p>&lt;b&gt;raw&lt;/b&gt; &amp; co</p>\n"),
        ("[a](https://a.org)", f'<p><a href="https://a.org" {REL}>a</a></p>\n'),
        ("<a@b.org>", f'<p><a href="mailto:a@b.org" {REL}>a@b.org</a></p>\n'),
        ("![cup](http://a.org/c.png)",
         f'<p><a href="http://a.org/c.png" {REL}>Image: cup</a></p>\n'),
        ("![](http://a.org/c.png)",
         f'<p><a href="http://a.org/c.png" {REL}>Image: http://a.org/c.png</a></p>\n'),
        ("![cup](data:image/png;base64,AAAA)", "<p><em>Image: cup</em></p>\n"),
        ("[a file](src/a.py)", "<p>a file (src/a.py)</p>\n"),
        ("[out](/sign-out/)", "<p>out (/sign-out/)</p>\n"),
        ("[up](//evil.org)", "<p>up (//evil.org)</p>\n"),
        ("[ftp](ftp://a.org)", "<p>ftp (ftp://a.org)</p>\n"),
        ("[js](javascript:alert)", "<p>[js](javascript:alert)</p>\n"),
        ("# one\n\n#### four", "<h3>one</h3>\n<h6>four</h6>\n"),
        ("3. c", '<ol start="3">\n<li>c</li>\n</ol>\n'),
        ("    indented", '<pre class="code" tabindex="0"><code>indented\n</code></pre>\n'),
        ("", ""),
    ],
)  # fmt: skip
def test_markdown_becomes(text, html):
    assert render_markdown(text) == html.rstrip("\n") + ("\n" if html else "")


def test_the_result_is_marked_as_safe():
    assert isinstance(render_markdown("x"), SafeString)


def test_a_table_scrolls_in_its_own_box_and_aligns_by_class():
    html = render_markdown("| a | b |\n|:-:|--:|\n| 1 | 2 |")
    assert html.startswith('<div class="scroll" role="group" aria-label="Table" tabindex="0">')
    assert '<td class="text-center">1</td>' in html
    assert '<td class="text-end">2</td>' in html
    assert "style" not in html


def test_code_is_coloured_by_class_and_keeps_its_text():
    code = 'def tea(cup: str) -> None:\n\tprint("é" + cup)  # <b>\n\n\n'
    html = render_markdown(f"```python\n{code}```")
    assert 'data-language="python"' in html
    assert '<span class="k">def</span>' in html
    assert "style" not in html
    assert unescape(re.sub("<[^>]*>", "", html)).rstrip("\n") == code.rstrip("\n")


@pytest.mark.parametrize("language", sorted(LEXERS))
def test_every_language_has_a_lexer(language):
    assert get_lexer_by_name(language)
    assert highlight("a = 1\n", language, Allowance()) is not None


@pytest.mark.parametrize("info", ["klingon", "", "python<script>", '" onload="', "x" * 5000])
def test_code_in_an_unknown_language_stays_plain(info):
    html = render_markdown(f"```{info}\nx < 1\n```")
    assert "<code>x &lt; 1\n</code>" in html
    assert "<span" not in html
    assert len(html) < 300


def test_large_code_and_long_lines_stay_plain():
    assert highlight("x = 1\n" * (LONGEST_CODE // 6 + 1), "python", Allowance()) is None
    assert highlight("x" * 1001, "python", Allowance()) is None


def test_what_is_not_coloured_in_time_is_still_there():
    code = "a b\n" * 5000
    allowance = Allowance(highlighting_seconds=0.02)
    html = highlight(code, "csharp", allowance)
    assert re.sub("<[^>]*>", "", html) == code
    assert allowance.highlighting_seconds < 0


def test_a_text_beyond_the_limit_is_shown_as_it_is():
    text = "**x** " * (LONGEST // 6 + 1)
    assert render_markdown(text) == f'<pre class="plain" dir="auto">\n{text}</pre>'


def test_texts_of_one_page_share_an_allowance():
    allowance = Allowance(characters=10)
    assert "<strong>" in render_markdown("**12345**", allowance)
    assert "<strong>" not in render_markdown("**12345**", allowance)


HOSTILE = {
    "images that never end": "![",
    "links that never end": "[a](",
    "brackets": "[]",
    "nested brackets": "[[]",
    "emphasis": "*a_ ",
    "stars": "**",
    "code spans": "``a`",
    "quotes": "> ",
    "nested lists": "- ",
    "list items": "- a\n",
    "headings": "# a\n",
    "underlined headings": "a\n=\n",
    "lines": "a\n",
    "tables": "a|b\n-|-\n",
    "separate tables": "|a|b|\n|-|-|\n||\n\n",
    "references": "[a]: b\n",
    "open references": "[a]: b 'c\n",
    "entities": "&#",
    "tags": "<a ",
    "comments": "<!--",
    "addresses": "<http://a",
    "backslashes": "\\",
    "white space": " \t",
    "NUL": "\x00",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_text_takes_much_longer_than_its_length_allows(kind):
    # On a slow and busy machine; what is quadratic takes minutes.
    text = HOSTILE[kind]
    started = time.process_time()
    render_markdown((text * (60_000 // len(text)))[:60_000])
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "text",
    [
        "![" * 9000 + "](x)" * 9000,
        "[" * 9000 + "](x)" * 9000,
        "*" * 30_000 + "a" + "*" * 30_000,
        ">" * 20_000,
        "".join(" " * (2 * depth) + "- a\n" for depth in range(200)),
        "|" + "a|" * 300 + "\n|" + "-|" * 300 + "\n" + "|\n" * 20_000,
    ],
    ids=["images", "links", "stars", "quotes", "lists", "cells"],
)
def test_deep_nesting_and_wide_tables_are_bounded(text):
    started = time.process_time()
    html = render_markdown(text)
    assert time.process_time() - started < 5
    assert html.count("<td") <= MOST_CELLS


# -- figures ----------------------------------------------------------------------------------


def shown(html: str) -> str:
    return unescape(re.sub("<[^>]*>", "", html))


@pytest.mark.parametrize(
    ("dollars", "text"),
    [(None, DASH), (0, "$0.00"), (0.0, "$0.00"), (0.005, "$0.0050"), (0.12, "$0.1200"),
     (0.00012, "$0.00012"), (0.0001, "$0.0001"), (0.000001, "$0.000001"), (1e-9, "<$0.000001"),
     (1, "$1.00"), (12345.678, "$12,345.68"), (Decimal("0.9999"), "$0.9999"),
     (float("inf"), DASH), (float("nan"), DASH)],
)  # fmt: skip
def test_money_has_the_decimals_that_the_sum_needs(dollars, text):
    assert shown(show.money(dollars)) == text


def test_the_exact_sum_is_in_the_title():
    assert 'title="$12345.6781"' in show.money(12345.6781)
    assert 'title="$0.000000001"' in show.money(1e-9)


@pytest.mark.parametrize(
    ("count", "text"),
    [(None, DASH), (0, "0"), (999, "999"), (1000, "1.0k"), (12_345, "12.3k"), (123_456, "123k"),
     (999_499, "999k"), (999_500, "1.0M"), (2_300_000, "2.3M"), (10**18, "1.0E"),
     (2**63 - 1, "9.2E")],
)  # fmt: skip
def test_tokens_are_shown_in_about_three_digits(count, text):
    assert shown(show.tokens(count)) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(None, DASH), (-1, DASH), (0, "0 ms"), (850, "850 ms"), (2345, "2.3 s"), (60_000, "1 min"),
     (61_000, "1 min 1 s"), (3_600_000, "1 h"), (3_780_000, "1 h 3 min"),
     (90_000_000, "1 d 1 h")],
)  # fmt: skip
def test_durations_are_shown_in_two_units(milliseconds, text):
    assert show.duration(milliseconds) == text


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("see https://e.org/a?b=c#d.", "https://e.org/a?b=c#d"),
        ("(https://e.org/a)", "https://e.org/a"),
        ("https://e.org/a_(b), and", "https://e.org/a_(b)"),
        ("**http://e.org**", "http://e.org"),
        ("HTTPS://E.ORG!", "HTTPS://E.ORG"),
    ],
)
def test_a_web_address_in_the_text_is_a_link(text, address):
    html = render_markdown(text)
    assert f'<a href="{address}" rel="noopener noreferrer nofollow">{address}</a>' in html


@pytest.mark.parametrize(
    "text", ["http://", "https:// x", "ftp://e.org", "`https://e.org`", "javascript://e.org"]
)
def test_what_is_no_web_address_is_no_link(text):
    assert "<a" not in render_markdown(text)


def test_a_link_holds_no_link():
    assert render_markdown("[see https://e.org](https://other.org)").count("<a") == 1
    assert render_markdown("<https://e.org>").count("<a") == 1
