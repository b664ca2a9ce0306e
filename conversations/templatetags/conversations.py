"""How pages write money, tokens, durations, times and message text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from django import template
from django.core.paginator import Page
from django.templatetags.static import static
from django.urls import NoReverseMatch
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from conversations import rendering
from conversations.models import Session

register = template.Library()

ICONS = "vendor/bootstrap-icons-1.13.2/selected.svg"
UNKNOWN = "\N{EN DASH}"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
PREFIXES = ("", "k", "M", "G", "T", "P", "E")


def in_dollars(dollars: Decimal | float | None) -> tuple[str, str]:
    """Return US dollars with as many decimals as the sum needs, and with all of them, plain."""
    if dollars is None:
        return UNKNOWN, ""
    exact = dollars if isinstance(dollars, Decimal) else Decimal(str(dollars))
    if not exact.is_finite():
        return UNKNOWN, ""
    size = abs(exact)
    sign = "\N{MINUS SIGN}" if exact < 0 else ""
    if size >= 1 or not size:
        shown = f"{sign}${size:,.2f}"
    elif size >= Decimal("0.001"):
        shown = f"{sign}${size:.4f}"
    elif size >= Decimal("0.0000005"):
        shown = f"{sign}${size:.6f}".rstrip("0")
    else:
        shown = f"{sign}<$0.000001"
    full = f"{exact:f}"
    return shown, full.rstrip("0").rstrip(".") if "." in full else full


@register.filter
def money(dollars: Decimal | float | None) -> SafeString | str:
    """Return US dollars with as many decimals as the sum needs; the title has all of them."""
    shown, full = in_dollars(dollars)
    if not full:
        return shown
    return format_html('<data value="{}" title="${}">{}</data>', full, full, shown)


@register.filter
def cost(dollars: Decimal | float | None, unpriced: int | None) -> SafeString | str:
    """Return a cost, and how many messages are not in it because nobody knows their price."""
    shown = money(dollars)
    if not unpriced:
        return shown
    words = f"{unpriced:,} unpriced"
    if not dollars:
        return format_html('<span class="unpriced-note">{}</span>', words)
    return format_html('{} <span class="unpriced-note">+ {}</span>', shown, words)


def in_tokens(count: float) -> str:
    """Return a number in three digits or so, with the prefix of its size."""
    shown, power = float(count), 0
    while abs(shown) >= 999.5 and power < len(PREFIXES) - 1:
        shown, power = shown / 1000, power + 1
    digits = 0 if power == 0 or abs(shown) >= 99.95 else 1
    return f"{shown:.{digits}f}{PREFIXES[power]}"


@register.filter
def tokens(count: int | None) -> SafeString | str:
    """Return a number of tokens in three digits or so; the title has all of them."""
    if count is None:
        return UNKNOWN
    if not isinstance(count, int | float):  # a script may have written any text
        return str(count)
    return format_html(
        '<data value="{}" title="{} tokens">{}</data>', count, f"{count:,}", in_tokens(count)
    )


@register.filter
def number(count: int | None) -> str:
    """Return a whole number with separators between the thousands."""
    return UNKNOWN if count is None else f"{count:,}"


@register.filter
def duration(milliseconds: int | None) -> str:
    """Return a time span in its two largest units, or milliseconds."""
    if milliseconds is None or milliseconds < 0:
        return UNKNOWN
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    seconds = milliseconds // 1000
    for size, unit, smaller_size, smaller in (
        (86_400, "d", 3_600, "h"),
        (3_600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if seconds >= size:
            rest = seconds % size // smaller_size
            return (
                f"{seconds // size:,} {unit} {rest} {smaller}"
                if rest
                else (f"{seconds // size:,} {unit}")
            )
    return UNKNOWN


@register.filter
def when(moment: datetime | None) -> SafeString | str:
    """Return a <time> element in the site's time zone; its title has the seconds and the zone."""
    if moment is None:
        return UNKNOWN
    try:
        local = localtime(moment)
    except OverflowError:  # the first or the last hours that there are
        local = moment.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.astimezone(UTC).isoformat(timespec="milliseconds"),
        f"{local:%Y-%m-%d %H:%M:%S %Z}",
        f"{local.day} {MONTHS[local.month - 1]} {local.year}, {local:%H:%M}",
    )


@register.filter
def markdown(text: str) -> SafeString:
    """Return message text as sanitised HTML."""
    return rendering.render_markdown(text)


@register.filter
def address(session: Session) -> str:
    """Return the address of a session's page, or "" if its id cannot stand in an address."""
    try:
        return session.get_absolute_url()
    except NoReverseMatch:  # a script may have written any text as an id
        return ""


@register.filter
def short_id(uuid: str) -> str:
    """Return the first eight characters of an id."""
    return uuid[:8]


@register.filter
def as_json(value: Any) -> str:
    """Return a JSON value as text for people."""
    return json.dumps(value, indent=2, ensure_ascii=False)


@register.simple_tag
def page_numbers(page: Page) -> Iterator[int | str]:
    """Yield the page numbers to link: the first, the last, and those around this one."""
    return page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1)


@register.simple_tag
def icon(name: str) -> SafeString:
    """Return a small drawing that says nothing to who cannot see it; words stand beside it."""
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>',
        _icons(),
        name,
    )


@cache
def _icons() -> str:
    return static(ICONS)  # asked for two hundred times on a page


@register.filter
def stars(rating: int | None) -> SafeString | str:
    """Return a rating from 1 to 5 as stars."""
    if rating is None:
        return UNKNOWN
    rating = max(0, min(int(rating), 5))  # a script may have given half a star
    return format_html(
        '<span class="stars"><span aria-hidden="true">{}{}</span>'
        '<span class="visually-hidden">{} of 5 stars</span></span>',
        "★" * rating,
        "☆" * (5 - rating),
        rating,
    )


@register.filter
def split(words: str) -> list[str]:
    """Return the words of a text, for loops over a few names."""
    return words.split()


@register.filter
def get(values: Any, name: str) -> Any:
    """Return the value under a name that the template only knows at run time."""
    return values.get(name)


@register.filter
def join_tags(tags: Any) -> str:
    """Return tags as one types them, with commas between."""
    return ", ".join(map(str, tag_list(tags)))


@register.filter
def tag_list(tags: Any) -> list[Any]:
    """Return tags as a list, whatever a script may have written in their place."""
    return tags if isinstance(tags, list) else []


@register.filter
def at_most(count: int, most: int) -> int:
    """Return a number, or `most` if it is greater."""
    return min(count, most)
