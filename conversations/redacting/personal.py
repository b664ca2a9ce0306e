"""Personal data of a form that can be checked: addresses, telephone, card and account numbers.

An expression proposes; a library that knows check digits, numbering plans and top-level domains
decides. `.png` is no domain, and one in ten numbers of sixteen digits would pass for a card.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import ip_address

import validators
from phonenumbers import Leniency, PhoneNumberMatcher

from .found import Finder, Found

EMAIL = re.compile(r"(?<![\w.+-])\w[\w.+'-]{0,63}@(?:[\w-]{1,63}\.)+[^\W\d_][\w-]{1,62}")
SSH_USER = "git"  # git@github.com:… is an address of code
# What may not be in front is looked at after the first digit: the search is three times as fast.
IPV4 = re.compile(r"\d(?<![\w.-]\d)\d{0,2}(?:\.\d{1,3}){3}(?![\w-]|\.\d)")
VERSION = re.compile(r"(?:version|release|section|[=~<>!]=|[~^@§])[\s:=\"']*$", re.IGNORECASE)
IPV6 = re.compile(r"[23](?<![\w:.]\d)[\da-f]{3}(?::[\da-f]{0,4}){2,7}(?![\w:])", re.IGNORECASE)
CARD = re.compile(r"\d(?<![\w.]\d)(?<!\d[ ,-]\d)(?:[ -]?\d){12,18}(?![\w]|[.,-]\d)")
CARD_BRANDS = (
    validators.visa, validators.mastercard, validators.amex, validators.discover,
    validators.unionpay, validators.jcb, validators.diners, validators.mir,
)  # fmt: skip
IBAN = re.compile(
    r"[A-Z](?<![A-Za-z0-9][A-Z])[A-Z]\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)"
)
PHONE = re.compile(
    r"(?!\d{4}-\d\d-\d\d\b)"
    r"[+(\d](?<![\w.,/:+-][+(\d])\(?\d?(?:[ \u00a0().\-/]{0,3}\d){6,18}(?!\w|[.,:]\d)"
)
DOTTED = re.compile(r"\d{2,4}(\.\d{2,4}){2,4}")  # 415.555.2671; one dot is a fraction's
# Where a number without + is known by its grouping: with a zero in front, and without.
WITH_ZERO, WITHOUT = ("GB", "DE", "FR", "NL", "AU"), ("US",)


def emails(text: str) -> Iterator[Found]:
    if "@" not in text:
        return
    for match in EMAIL.finditer(text):
        user, _, domain = match[0].casefold().partition("@")
        if user != SSH_USER and _is_domain(domain):
            yield Found(*match.span(), "e-mail address", match[0].casefold())


@lru_cache(4096)
def _is_domain(domain: str) -> bool:
    try:
        return bool(validators.domain(domain, consider_tld=True))
    except UnicodeError:
        return False


def ip_addresses(text: str) -> Iterator[Found]:
    """Yield addresses of the Internet; those of home and office networks tell nothing."""
    for pattern in (IPV4, IPV6):
        for match in pattern.finditer(text):
            if _is_public(match[0]) and not VERSION.search(
                text, max(0, match.start() - 20), match.start()
            ):
                yield Found(*match.span(), "IP address", match[0].casefold())


def _is_public(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return found.is_global and not found.is_multicast


def cards(text: str) -> Iterator[Found]:
    for match in CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if any(is_valid(digits) for is_valid in CARD_BRANDS):
            yield Found(*match.span(), "credit card number", digits)


def ibans(text: str) -> Iterator[Found]:
    for match in IBAN.finditer(text):
        words = match[0].split(" ")
        while words:  # the word behind may be none of it
            if validators.iban("".join(words)):
                end = match.start() + len(" ".join(words))
                yield Found(match.start(), end, "IBAN", "".join(words))
                break
            words.pop()


def phones(text: str) -> Iterator[Found]:
    """Yield international numbers, and national ones in groups: not mere digits."""
    for match in PHONE.finditer(text):
        written = match[0]
        if "+" in written:
            found = PhoneNumberMatcher(written, None, leniency=Leniency.VALID)
            yield from _phones(found, match.start())
        elif _is_grouped(written):
            for region in WITH_ZERO if written.lstrip("(")[0] == "0" else WITHOUT:
                found = PhoneNumberMatcher(written, region, leniency=Leniency.STRICT_GROUPING)
                yield from _phones(found, match.start())


def _is_grouped(digits: str) -> bool:
    """Say if digits are written as telephone numbers are, not as one number or a list."""
    groups = re.findall(r"\d+", digits)
    return 1 < len(groups) < 7 and ("." not in digits or bool(DOTTED.fullmatch(digits)))


def _phones(matches: PhoneNumberMatcher, offset: int) -> Iterator[Found]:
    for match in matches:
        number = f"{match.number.country_code} {match.number.national_number}"
        yield Found(offset + match.start, offset + match.end, "phone number", number)


FINDERS: tuple[Finder, ...] = (emails, ibans, cards, ip_addresses, phones)
