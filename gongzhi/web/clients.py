"""From which address a request comes, as far as that can be known."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def address_of(request: HttpRequest) -> str:
    """The client's address for rate limits; never logged.

    With GONGZHI_TRUSTED_PROXIES=n the n-th address from the right of X-Forwarded-For counts, which
    the outermost proxy of ours wrote; whatever stands left of it anybody can invent. An IPv6 client
    counts by its /64, which is what one household has.
    """
    address = str(request.META.get("REMOTE_ADDR", ""))
    proxies = int(settings.TRUSTED_PROXIES)
    if proxies:
        named = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
        if len(named) >= proxies and _parsed(named[-proxies]) is not None:
            address = named[-proxies]
    known = _parsed(address)
    if known is None:
        return "unknown"
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is not None:
            return str(known.ipv4_mapped)
        return str(ipaddress.ip_network((known, 64), strict=False))
    return str(known)


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
