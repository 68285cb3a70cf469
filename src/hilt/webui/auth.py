"""Who may come in: the token, the host that was asked for, and the page that asks."""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """`host` (a name or an address) is this machine, seen from nowhere else."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True)
class Gate:
    """Admits requests that carry `token`, in the cookie called `cookie` or as a bearer's header.

    A Host must be an address, this machine's name, or one of `names`: the name of a stranger that was made
    to point here (DNS rebinding) is none of them. An Origin must be the page that this server sent.
    """

    token: str
    scheme: str
    cookie: str
    loopback: bool
    names: frozenset[str] = frozenset()

    def knows_token(self, token: str | None) -> bool:
        return token is not None and secrets.compare_digest(token.encode(), self.token.encode())

    def admits(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> bool:
        """The request comes from a person who has the link."""
        by_cookie = self.knows_token(cookies.get(self.cookie))
        return self.knows_host(headers) and (by_cookie or self._has_bearer(headers))

    def admits_socket(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> bool:
        """The same, and who comes with a cookie is a page of this server: browsers add cookies unasked."""
        return self.admits(headers, cookies) and ("origin" in headers or self._has_bearer(headers))

    def knows_host(self, headers: Mapping[str, str]) -> bool:
        """The Host is one by which this server is meant, and the Origin, if any, is its own page."""
        host = headers.get("host", "")
        origin = headers.get("origin")
        if origin is not None and origin.lower() != f"{self.scheme}://{host}".lower():
            return False
        return self._is_ours(_host_name(host))

    def _has_bearer(self, headers: Mapping[str, str]) -> bool:
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self.knows_token(bearer.strip())

    def _is_ours(self, name: str) -> bool:
        if is_loopback(name):
            return True
        if self.loopback:
            return False
        machine = socket.gethostname().lower()
        return _is_address(name) or name in {machine, f"{machine}.local", *self.names}


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _host_name(host: str) -> str:
    """The name in a Host header, without its port; "" for what is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
