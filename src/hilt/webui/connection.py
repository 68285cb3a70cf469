"""One connected page: what it says is checked and passed on, what it is told is never older than need be."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.websockets import WebSocket, WebSocketDisconnect

from hilt.operators.controls import Controls
from hilt.webui import messages
from hilt.webui.requests import Decision, Requests

MESSAGES_PER_SECOND = 150.0
"""A page sends at most 90 a second (a headset's rate); more, for long, is a flood."""
BURST = 300.0
REFRESH_S = 0.25
"""How often a page is told of the state when nothing happens [s]."""

VIOLATION = 1008


class FloodError(Exception):
    """More messages than a page sends."""


@dataclass(frozen=True, slots=True)
class News:
    """The newest message of one kind, the same for every page."""

    version: int
    payload: str | bytes
    """Bytes are for pages that are looked at."""


class Bulletin(Protocol):
    """What there is to tell."""

    def state(self, page: int) -> dict[str, Any]: ...

    @property
    def news(self) -> Mapping[str, News]: ...

    def count_lookers(self) -> None: ...


@dataclass(slots=True)
class Allowance:
    """A bucket of messages that fills at a constant rate."""

    left: float = BURST
    at: float = field(default_factory=time.monotonic)

    def spend(self) -> None:
        """Raises FloodError when the bucket is empty."""
        now = time.monotonic()
        self.left = min(BURST, self.left + (now - self.at) * MESSAGES_PER_SECOND)
        self.at = now
        if self.left < 1:
            raise FloodError
        self.left -= 1


class Page:
    """Serves one WebSocket until it ends, for whichever reason."""

    def __init__(
        self, number: int, socket: WebSocket, controls: Controls, requests: Requests, bulletin: Bulletin
    ) -> None:
        self.number = number
        self.looking = True
        self.draws = True
        """It can draw a scene by itself, as far as it has said."""
        self.woken = asyncio.Event()
        self._socket = socket
        self._controls = controls
        self._requests = requests
        self._bulletin = bulletin
        self._allowance = Allowance()

    async def serve(self) -> None:
        """Listen and tell, until the page goes or breaks the rules."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen())
                tasks.create_task(self._tell())
        except* WebSocketDisconnect:
            pass
        except* FloodError:
            await self._socket.close(VIOLATION, "too many messages")
        except* ValueError:
            await self._socket.close(VIOLATION, "not a message of this page")
        finally:
            self._requests.watch.release()
            self._controls.lose(self.number)

    async def _listen(self) -> None:
        while True:
            packet = await self._socket.receive()
            if packet["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(packet.get("code", 1000))
            self._allowance.spend()
            text = packet.get("text")
            if text is None:
                raise ValueError("binary")
            await self._obey(messages.parse(text))

    async def _obey(self, message: messages.Message) -> None:
        match message:
            case messages.Hold():
                self._acted(self._controls.hear(self.number, message.held()))
            case messages.Declare(event=event):
                self._acted(self._controls.declare(self.number, event))
            case messages.Sit(what=what):
                self._sit(what)
            case messages.Answer(yes=yes):
                self._controls.answer(self.number, yes)
            case messages.Ask(what=what):
                self._ask(what)
            case messages.Look(looking=looking, draws=draws):
                self.looking, self.draws = looking, draws
                self._bulletin.count_lookers()
                if not looking:
                    self._requests.watch.release()
                    self._controls.lose(self.number)
            case messages.Guard(what=what):
                getattr(self._requests.watch, what)()
            case messages.Ping(time_ms=time_ms):
                await self._send({"type": "pong", "time_ms": time_ms})
        if not isinstance(message, messages.Hold | messages.Guard | messages.Ping):
            self.woken.set()

    def _acted(self, accepted: bool) -> None:
        if accepted:
            self._requests.taken_over()

    def _sit(self, what: str) -> None:
        if what == "toggle":
            self._acted(self._controls.toggle(self.number))
        elif what == "request":
            self._controls.ask(self.number)
        else:
            self._controls.leave(self.number)

    def _ask(self, what: str) -> None:
        """Only who sits at the controls asks anything of the run."""
        if not self._controls.take_seat(self.number):
            return
        if what == "pause":
            self._requests.pause()
        elif what == "resume":
            self._controls.drop_pending()
            self._requests.resume()
        elif what == "stop":
            self._requests.stop()
        else:
            self._requests.decide(Decision(what))

    async def _tell(self) -> None:
        """Send what is new, newest first; a slow connection simply gets less."""
        told: dict[str, int] = {}
        while True:
            await self._send({"type": "state", **self._bulletin.state(self.number)})
            for kind, news in list(self._bulletin.news.items()):
                if news.version == told.get(kind):
                    continue
                if isinstance(news.payload, str):
                    await self._socket.send_text(news.payload)
                elif self.looking:
                    await self._socket.send_bytes(news.payload)
                else:
                    continue
                told[kind] = news.version
            await self._wait()

    async def _wait(self) -> None:
        try:
            await asyncio.wait_for(self.woken.wait(), REFRESH_S)
        except TimeoutError:
            return
        self.woken.clear()

    async def _send(self, message: dict[str, Any]) -> None:
        await self._socket.send_text(json.dumps(message, separators=(",", ":")))
