"""All connected pages, and what they are told."""

from __future__ import annotations

from dataclasses import asdict
from math import isfinite
from typing import Any

from starlette.websockets import WebSocket

from hilt.operators.controls import Controls
from hilt.webui import pictures
from hilt.webui.connection import Page
from hilt.webui.history import History
from hilt.webui.requests import Requests
from hilt.webui.view import Telemetry, View

MOST_PAGES = 8
TRY_AGAIN_LATER = 1013


class Room:
    """Lives in the server's thread; only `lookers` is read from elsewhere."""

    def __init__(
        self, controls: Controls, requests: Requests, history: History, heading: float | None
    ) -> None:
        self.lookers = 0
        self._controls = controls
        self._requests = requests
        self._history = history
        self._heading = heading
        self._pages: dict[int, Page] = {}
        self._count = 0
        self._telemetry = Telemetry()
        self._packed = b""
        self._shown = 0

    async def admit(self, socket: WebSocket) -> None:
        """Serve a page that the gate let in, if there is a place for it."""
        await socket.accept()
        if len(self._pages) >= MOST_PAGES:
            await socket.close(TRY_AGAIN_LATER, f"{MOST_PAGES} pages are open: close one")
            return
        self._count += 1
        page = Page(self._count, socket, self._controls, self._requests, self)
        self._pages[page.number] = page
        self._count_lookers()
        try:
            await page.serve()
        finally:
            del self._pages[page.number]
            self._count_lookers()

    def publish(self, view: View) -> None:
        """Tell every page of `view`."""
        self._telemetry = view.telemetry
        shown = pictures.of(view)
        self._count_lookers()
        if shown and self.lookers:
            self._packed = pictures.pack(shown)
            self._shown += 1
        for page in self._pages.values():
            page.news.set()

    def _count_lookers(self) -> None:
        self.lookers = sum(page.looking for page in self._pages.values())

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

    def history(self) -> tuple[int, dict[str, Any]]:
        return self._history.version, self._history.finished()

    def pictures(self) -> tuple[int, bytes]:
        """Number of the newest pictures, and these, packed; 0 before the first."""
        return self._shown, self._packed


def _finite(figures: dict[str, Any]) -> dict[str, Any]:
    """JSON has no NaN: a figure that is none is not known."""
    return {
        name: None if isinstance(value, float) and not isfinite(value) else value
        for name, value in figures.items()
    }
