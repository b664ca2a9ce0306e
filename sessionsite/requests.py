"""What each request is known by: an id in its log lines and its answer, and where it came from."""

from __future__ import annotations

import logging
import secrets
from contextvars import ContextVar
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

NO_REQUEST = "-"
_current: ContextVar[str] = ContextVar("request id", default=NO_REQUEST)


def current_id() -> str:
    """Return the id of the request that is being answered, or "-" outside of one."""
    return _current.get()


class RequestIdMiddleware:
    """Give each request an id of our own making: one from outside could forge log lines."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        request.id = secrets.token_hex(8)
        before = _current.set(request.id)
        try:
            response = self.get_response(request)
        finally:
            _current.reset(before)
        response["X-Request-ID"] = request.id
        return response


class RequestIdFilter(logging.Filter):
    """Put the id of its request into a log record, which a formatter may then show."""

    def filter(self, record: logging.LogRecord) -> bool:
        # Django logs refusals when all middleware is done already, and tells of which request.
        of_record = getattr(getattr(record, "request", None), "id", None)
        record.request_id = of_record or current_id()
        return True


def client_address(request: HttpRequest) -> str | None:
    """Return the address that a request comes from, or None if there is none (a Unix socket).

    For IPv6 it is the network's: whoever has one address there has 2^64 of them to guess from.
    """
    address = _parsed(request.META.get("REMOTE_ADDR", ""))
    if settings.HTTPS:
        # The proxy, which HTTPS=1 trusts, adds the last entry; those before are anybody's words.
        last = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2]
        address = _parsed(last) or address
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address), 64), strict=False).network_address)
    return str(address) if address else None


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
