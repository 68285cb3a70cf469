"""Where a page is: its port and its link, known before anything serves it, and the browser that opens it."""

from __future__ import annotations

import errno
import os
import socket
import sys
import threading
import time
import webbrowser
from urllib.parse import urlsplit

from hilt.webui.auth import is_loopback
from hilt.webui.errors import SeatUnavailableError
from hilt.webui.tls import outward_address

MOST_CONNECTIONS = 64
_PATIENCE_S = 60.0
_POLL_S = 0.2


def link_to(host: str, port: int, token: str) -> str:
    """The link to a seat that listens on `host` and `port`."""
    shown = outward_address() if host in ("0.0.0.0", "::", "") else host
    scheme = "http" if is_loopback(host) else "https"
    return f"{scheme}://{f'[{shown}]' if ':' in shown else shown}:{port}/?token={token}"


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes a free one.

    Raises:
        SeatUnavailableError: the address cannot be listened on.
    """
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        return socket.create_server((host, port), family=found[0][0], backlog=MOST_CONNECTIONS)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0]
        raise SeatUnavailableError(
            f"the page cannot listen on {host} port {port} ({reason}): choose another port "
            "(0 takes a free one), an address of this machine, or go on without a page: --no-ui"
        ) from error


def free_port(host: str, wanted: int) -> int:
    """The port `wanted` on `host`, or another where that is taken.

    Raises:
        SeatUnavailableError: the address cannot be listened on.
    """
    try:
        with listen(host, wanted) as listener:
            return int(listener.getsockname()[1])
    except SeatUnavailableError as error:
        if getattr(error.__cause__, "errno", None) != errno.EADDRINUSE:
            raise
    with listen(host, 0) as listener:
        return int(listener.getsockname()[1])


def has_display() -> bool:
    """A window could be opened on this machine."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def open_browser(url: str) -> bool:
    """Open `url`, as soon as it is served, where a person sits before a display; True if that is so.

    Never waits: a thread does.
    """
    if not (has_display() and sys.stderr.isatty()):
        return False
    threading.Thread(target=_open_when_served, args=(url,), name="hilt-browser", daemon=True).start()
    return True


def _open_when_served(url: str) -> None:
    where = urlsplit(url)
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        try:
            socket.create_connection((where.hostname or "", where.port or 0), timeout=1).close()
        except OSError:
            time.sleep(_POLL_S)
            continue
        webbrowser.open(url)
        return
