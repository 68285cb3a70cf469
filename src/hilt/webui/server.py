"""`Seat`: the operator's seat, served from a thread of the process that runs the environment."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Literal

import h11
import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from hilt.data.scene import Scene
from hilt.operators.controls import Controls
from hilt.webui.app import make_app
from hilt.webui.auth import Gate, is_loopback
from hilt.webui.connection import REFRESH_S
from hilt.webui.history import History
from hilt.webui.hub import Room
from hilt.webui.messages import LONGEST_MESSAGE
from hilt.webui.requests import Requests
from hilt.webui.tls import Certificate, make_certificate, outward_address
from hilt.webui.url import MOST_CONNECTIONS, link_to, listen
from hilt.webui.view import Telemetry, View

OVER = "over"
"""The phase of a run that has ended."""
PATIENCE_S = 10.0
"""How long a connection may take to ask for something [s]."""


class Seat:
    """Serves the page, shows what the run tells, and keeps what people want of it.

    Args:
        host: address to listen on. Anything but loopback is served with TLS, by a certificate made on the
            spot whose fingerprint is `fingerprint`.
        port: 0 takes a free one.
        token: the secret in the link; None makes one.
        on_silence: what happens after a driver was lost and the robot has held still for a second: "policy"
            lets the policy go on, "pause" pauses the run until a person is at the controls.
        heading: where "away from me" points in the view, as an angle about z from the robot's x [rad]: keys
            and sticks then move the gripper as the person sees it. None: along the robot's axes.
        pictures_per_second: the most that pages are shown; each costs this process some milliseconds.
        names: further host names by which this machine is reached.

    Raises:
        SeatUnavailableError: the address cannot be listened on, or there is nothing to encrypt with.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | None = None,
        *,
        on_silence: Literal["policy", "pause"] = "policy",
        heading: float | None = None,
        pictures_per_second: float = 20.0,
        names: Iterable[str] = (),
    ) -> None:
        self.requests = Requests()
        self.controls = Controls(on_lost=self._lost)
        self._on_silence = on_silence
        self._history = History()
        self._room = Room(self.controls, self.requests, self._history, heading)
        self._scene: Scene | None = None
        self._due = 0.0
        self._interval = (
            0.9 / pictures_per_second
        )  # less than the period: a step that is a little early counts
        shown = outward_address() if host in ("0.0.0.0", "::", "") else host
        certificate = None if is_loopback(host) else make_certificate(_names(shown, names))
        listener = listen(host, port)
        port = listener.getsockname()[1]
        self.fingerprint = None if certificate is None else certificate.fingerprint
        """SHA-256 of the certificate; None on loopback."""
        scheme = "http" if certificate is None else "https"
        token = token or secrets.token_urlsafe(24)
        gate = Gate(token, scheme, f"hilt_{port}", is_loopback(host), frozenset(map(str.lower, names)))
        self.url = link_to(host, port, token)
        """The link to give to the person, token included."""
        self._server = uvicorn.Server(configure(make_app(gate, self._room), certificate))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(listener,), name="hilt-seat", daemon=True)
        self._thread.start()

    @property
    def watched(self) -> bool:
        """A person looks at a page."""
        return self._room.lookers > 0

    @property
    def needs_view(self) -> bool:
        """A page is looked at that shows the scene only if it gets a picture of it."""
        return self.watched and (self._scene is None or self._room.painters < self._room.lookers)

    @property
    def watching(self) -> bool:
        """A person looks at a page, and pictures shown now would reach them: worth rendering the view."""
        return self.watched and self.due

    @property
    def due(self) -> bool:
        """Pages are to be told something new: `show` is worth its figures."""
        return time.monotonic() >= self._due

    def count(self, episode: int, step: int, intervened: bool) -> None:
        """A control step for the timeline, at next to no cost: for those that are not shown."""
        self._history.count(episode, step, intervened)

    def describe(self, scene: Scene | None) -> None:
        """What the frames of the views from now on are of; None: there will be none."""
        if scene != self._scene:
            self._scene = scene
            self._call(lambda: self._room.describe(scene))

    def show(self, view: View) -> None:
        """Tell the pages of one control step. Never waits; pictures too soon after the last are not sent."""
        self._history.add(view.telemetry)
        now = time.monotonic()
        if not (now >= self._due or view.telemetry.outcome):
            return
        self._due = now + self._interval
        kept = _kept(view) if self._room.lookers else View(view.telemetry, frame=view.frame)
        self._call(lambda: self._room.publish(kept))

    def farewell(self, text: str) -> None:
        """The last word to the pages, before `close`: what came of it, in place of a lost connection."""
        last = View(Telemetry(phase=OVER, message=text))
        self._call(lambda: self._room.publish(last))
        time.sleep(2 * REFRESH_S)  # for as long as a page may take to be told

    def close(self) -> None:
        """Stop serving; open pages are told."""
        self._server.should_exit = True
        self._thread.join(timeout=5)

    def __enter__(self) -> Seat:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _lost(self) -> None:
        if self._on_silence == "pause":
            self.requests.pause("Paused: the page at the controls is gone", until_taken_over=True)

    def _call(self, function: Callable[[], None]) -> None:
        """Have the server's thread call it; a server that is closing has nobody to tell."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function)

    def _run(self, listener: socket.socket) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._server.serve([listener]))


def _kept(view: View) -> View:
    """`view` with pictures of its own: the environment may draw into the same arrays again."""
    pictures = {name: picture.copy() for name, picture in view.pictures.items()}
    return View(view.telemetry, pictures, None if view.view is None else view.view.copy(), view.frame)


def configure(app: Starlette, certificate: Certificate | None) -> uvicorn.Config:
    """A quiet server with limits, with TLS where there is a `certificate`."""
    config = uvicorn.Config(
        app,
        http=_ImpatientProtocol,
        log_config=None,
        log_level="critical",
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        ws_max_size=LONGEST_MESSAGE,
        ws_per_message_deflate=False,
        ws_ping_interval=10.0,
        ws_ping_timeout=10.0,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=1,
    )
    if certificate is not None:
        _load(config, certificate)
    return config


class _ImpatientProtocol(H11Protocol):
    """HTTP, for which connections that ask for nothing do not take up the places of others."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.loop.call_later(PATIENCE_S, self._give_up)

    def _give_up(self) -> None:
        became_a_socket = self not in self.connections
        if self.conn.their_state is h11.IDLE and not became_a_socket:
            self.transport.close()


def _load(config: uvicorn.Config, certificate: Certificate) -> None:
    """Certificates can be loaded from files only: these exist for as long as that takes."""
    with tempfile.TemporaryDirectory(prefix="hilt-") as folder:
        paths = {"ssl_certfile": certificate.certificate, "ssl_keyfile": certificate.key}
        for name, content in paths.items():
            file = Path(folder) / name
            file.touch(mode=0o600)
            file.write_bytes(content)
            setattr(config, name, str(file))
        config.load()


def _names(shown: str, names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([shown, socket.gethostname(), "localhost", "127.0.0.1", *names]))
