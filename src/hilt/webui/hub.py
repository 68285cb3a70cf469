"""All connected pages, and what they are told."""

from __future__ import annotations

import json
from dataclasses import asdict
from math import isfinite
from typing import Any

from starlette.websockets import WebSocket

from hilt.data.scene import Scene
from hilt.operators.controls import Controls
from hilt.webui import pictures, scenes
from hilt.webui.connection import News, Page
from hilt.webui.history import History
from hilt.webui.requests import Requests
from hilt.webui.view import Telemetry, View

MOST_PAGES = 8
TRY_AGAIN_LATER = 1013


class Room:
    """Lives in the server's thread; only `lookers` and `painters` are read from elsewhere."""

    def __init__(
        self, controls: Controls, requests: Requests, history: History, heading: float | None
    ) -> None:
        self.lookers = 0
        """How many pages are looked at."""
        self.painters = 0
        """How many of these draw a scene by themselves."""
        self._controls = controls
        self._requests = requests
        self._history = history
        self._heading = heading
        self._pages: dict[int, Page] = {}
        self._count = self._count_news = 0
        self._telemetry = Telemetry()
        self._accounted = history.version
        self.news: dict[str, News] = {}
        """The newest message of each kind; of pictures and frames, since a page is looked at."""
        self._tell_history()

    async def admit(self, socket: WebSocket) -> None:
        """Serve a page that the gate let in, if there is a place for it."""
        await socket.accept()
        if len(self._pages) >= MOST_PAGES:
            await socket.close(TRY_AGAIN_LATER, f"{MOST_PAGES} pages are open: close one")
            return
        self._count += 1
        page = Page(self._count, socket, self._controls, self._requests, self)
        self._pages[page.number] = page
        self.count_lookers()
        try:
            await page.serve()
        finally:
            del self._pages[page.number]
            self.count_lookers()

    def publish(self, view: View) -> None:
        """Tell every page of `view`."""
        self._telemetry = view.telemetry
        shown = pictures.of(view)
        if self._history.version != self._accounted:
            self._tell_history()
        if view.frame is not None:
            self._tell("frame", scenes.pack(view.telemetry.episode, view.frame))
        if shown and self.lookers:
            self._tell("pictures", pictures.pack(shown))
        self._wake()

    def describe(self, scene: Scene | None) -> None:
        """Tell every page what the frames from now on are of."""
        self.news.pop("frame", None)
        self._tell("scene", scenes.describe(scene))
        self._wake()

    def count_lookers(self) -> None:
        """Some page looks, or draws, that did not before, or the other way round."""
        looking = [page for page in self._pages.values() if page.looking]
        self.lookers, self.painters = len(looking), sum(page.draws for page in looking)

    def _tell(self, kind: str, payload: str | bytes) -> None:
        self._count_news += 1
        self.news[kind] = News(self._count_news, payload)

    def _tell_history(self) -> None:
        self._accounted = self._history.version
        self._tell("history", json.dumps({"type": "history", **self._history.finished()}))

    def _wake(self) -> None:
        for page in self._pages.values():
            page.woken.set()

    # What pages are told (`page.Bulletin`)

    def state(self, page: int) -> dict[str, Any]:
        """Telemetry, who sits at the controls, and what was asked of the run."""
        seating = self._controls.seating
        return {
            **_finite(asdict(self._telemetry)),
            "current": self._history.current(),
            "seat": "free" if seating.driver is None else "yours" if seating.driver == page else "taken",
            "asked": "by you" if seating.asking == page else "by another" if seating.asking else None,
            "control": seating.phase.value,
            "wait_ms": seating.wait_ms,
            "watchers": len(self._pages),
            "pause_reason": self._requests.pause_reason,
            "stopped": self._requests.stopped,
            "drives": self._controls.drives,
            "has_rotation": self._controls.has_rotation,
            "has_gripper": self._controls.has_gripper,
            "sole": self._controls.sole,
            "heading": self._heading,
            "arm": self._requests.watch.on_halt is not None,
            "hold_to_run": self._requests.watch.held,
        }


def _finite(figures: dict[str, Any]) -> dict[str, Any]:
    """JSON has no NaN: a figure that is none is not known."""
    return {
        name: None if isinstance(value, float) and not isfinite(value) else value
        for name, value in figures.items()
    }
