"""The page and the window of a command, as the configuration wants them."""

from __future__ import annotations

import errno
import sys
import threading
import webbrowser
from collections.abc import Callable

import mujoco

from hilt.config.run import UIConfig
from hilt.crew import Role
from hilt.environment import Environment
from hilt.operators.base import OperatorUnavailableError
from hilt.seat import Seat, SeatUnavailableError, heading_of
from hilt.seat.window import ViewerWindow, has_display


def serve(
    ui: UIConfig, env: Environment, role: Role, tell: Callable[[str], None], *, announced: bool = False
) -> Seat:
    """The page at `ui.port`, or at another port when that is taken. Tells the link, unless it is `announced`.

    Raises:
        SeatUnavailableError: the address cannot be listened on, or there is nothing to encrypt with.
    """
    axes = getattr(env.gym.unwrapped, "view_axes", None)

    def seat_at(port: int) -> Seat:
        return Seat(
            ui.host,
            port,
            ui.token,
            on_silence="policy" if role is Role.HELP else "pause",
            heading=None if axes is None else heading_of(axes),
        )

    try:
        seat = seat_at(ui.port)
    except SeatUnavailableError as error:
        if getattr(error.__cause__, "errno", None) != errno.EADDRINUSE:
            raise
        tell(f"port {ui.port} is taken, by another run perhaps: the page is at another (ui.port)")
        seat, announced = seat_at(0), False
    if not announced:
        tell(f"page: {seat.url}")
    if seat.fingerprint is not None:
        tell(f"fingerprint of the page's certificate (SHA-256): {seat.fingerprint}")
    return seat


def open_browser(url: str) -> bool:
    """Open `url` where a person sits before a display; never waits. True if it was tried."""
    if not (has_display() and sys.stderr.isatty()):
        return False
    threading.Thread(target=webbrowser.open, args=(url,), name="hilt-browser", daemon=True).start()
    return True


def open_window(env: Environment, tell: Callable[[str], None]) -> ViewerWindow | None:
    """MuJoCo's window on `env`; None, said in a sentence, where there can be none."""
    model = getattr(env.gym.unwrapped, "model", None)
    if not isinstance(model, mujoco.MjModel):
        tell("no viewer window: env.viewer shows MuJoCo environments only")
        return None
    try:
        return ViewerWindow(model)
    except OperatorUnavailableError as error:
        tell(str(error))
        return None
