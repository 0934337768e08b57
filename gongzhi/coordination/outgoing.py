"""Calling addresses that came from outside, without becoming a tool for reaching the inside (SSRF).

The name is resolved once, every address it has is checked, and the connection goes to a checked
address, so that a name that changes its mind in between (rebinding) gains nothing. Redirects are not
followed. Hosts of the government's own network are named in GONGZHI_OUTGOING_ALLOWED.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from gongzhi.errors import Invalid

TIMEOUT_S = 10.0
MOST_BYTES = 1024 * 1024
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Unreachable(OSError):
    """The other side did not answer, or not in a way that can be used; it may be tried again."""


@dataclass(frozen=True, slots=True)
class Address:
    """A checked address: what was named, and to which IP the connection goes."""

    scheme: str
    host: str
    port: int
    path: str
    ip: str


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


def checked(url: str) -> Address:
    """Where a URL leads, if that is a place outside.

    Raises:
        Invalid: not https, a login in it, or an address that is private, loopback, mapped, or written
            as a number.
        Unreachable: the name is unknown.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as problem:
        raise _refused() from problem
    host = (parts.hostname or "").lower().rstrip(".")
    allowed = f"{host}:{port}" in settings.OUTGOING_ALLOWED
    if not host or parts.username is not None or parts.password is not None or not url.isascii():
        raise _refused()
    if parts.scheme != "https" and not (parts.scheme == "http" and allowed):
        raise _refused()
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as problem:
        raise Unreachable(f"{host} is unknown") from problem
    ips = [str(row[4][0]) for row in found]
    if not ips or not (allowed or all(is_outside(ip) for ip in ips)):
        raise _refused()
    return Address(parts.scheme, host, port, path, ips[0])


def is_outside(ip: str) -> bool:
    """Whether an IP address belongs to the public internet, also behind its mapped and tunnelled forms."""
    address = ipaddress.ip_address(ip.split("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            address = inner
    return address.is_global and not address.is_multicast


def call(method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """One request to a checked address.

    Raises:
        Invalid: the address is not permitted (see `checked`).
        Unreachable: no answer, a redirect, a failure of the server, or an answer that is too long.
    """
    to = checked(url)
    connection = _connection(to)
    try:
        connection.request(method, to.path, body or None, {"Host": _authority(to), **headers})
        response = connection.getresponse()
        content = response.read(MOST_BYTES + 1)
    except (OSError, http.client.HTTPException) as problem:
        raise Unreachable(f"{to.host} does not answer") from problem
    finally:
        connection.close()
    if len(content) > MOST_BYTES or response.status >= 500 or 300 <= response.status < 400:
        raise Unreachable(f"{to.host} answered with {response.status}")
    return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, content)


def _connection(to: Address) -> http.client.HTTPConnection:
    if to.scheme == "http":
        return http.client.HTTPConnection(to.ip, to.port, timeout=TIMEOUT_S)
    return _Pinned(to)


class _Pinned(http.client.HTTPSConnection):
    """TLS with the name that was asked for, over a connection to the address that was checked."""

    def __init__(self, to: Address) -> None:
        super().__init__(to.host, to.port, timeout=TIMEOUT_S, context=ssl.create_default_context())
        self._to = to

    def connect(self) -> None:
        plain = socket.create_connection((self._to.ip, self._to.port), TIMEOUT_S)
        self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self._to.host)


def _authority(to: Address) -> str:
    usual = 443 if to.scheme == "https" else 80
    host = f"[{to.host}]" if ":" in to.host else to.host
    return host if to.port == usual else f"{host}:{to.port}"


def _refused() -> Invalid:
    return Invalid(
        fields={"url": _("This address cannot be called: it must be https and lie in the public internet.")}
    )
