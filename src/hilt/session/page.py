"""The page and the window of a command, as the configuration wants them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from hilt.config.run import UIConfig
from hilt.config.variables import UI_TOKEN
from hilt.webui import Seat, free_port, heading_of, link_to, open_browser

if TYPE_CHECKING:
    from hilt.envs.feature_env import Environment
    from hilt.webui.window import ViewerWindow

Tell = Callable[[str], None]


def settled(ui: UIConfig, tell: Tell) -> UIConfig:
    """`ui` with port and token decided, so that the link stays the same, whichever process serves the page.

    Raises:
        SeatUnavailableError: the address cannot be listened on.
    """
    port = free_port(ui.host, ui.port)
    if port != ui.port and ui.port:
        tell(f"port {ui.port} is taken, by another run perhaps: the page is at another (ui.port)")
    token = ui.token or os.environ.get(UI_TOKEN) or secrets.token_urlsafe(24)
    return ui.model_copy(update={"port": port, "token": token})


def announce(ui: UIConfig, tell: Tell) -> bool:
    """Tell the link to the page of a `settled` configuration; True if a browser opens it by itself."""
    url = link_to(ui.host, ui.port, ui.token or "")
    tell(f"page: {url}")
    return ui.open_browser and open_browser(url)


def serve(ui: UIConfig, env: Environment, on_silence: Literal["policy", "pause"], tell: Tell) -> Seat:
    """The page of a `settled` configuration.

    Raises:
        SeatUnavailableError: the address cannot be listened on, or there is nothing to encrypt with.
    """
    axes = getattr(env.gym.unwrapped, "view_axes", None)
    heading = None if axes is None else heading_of(axes)
    seat = Seat(ui.host, ui.port, ui.token, on_silence=on_silence, heading=heading)
    if seat.fingerprint is not None:
        tell(f"fingerprint of the page's certificate (SHA-256): {seat.fingerprint}")
    return seat


def open_window(env: Environment, tell: Tell) -> ViewerWindow | None:
    """MuJoCo's window on `env`; None, said in a sentence, where there can be none."""
    import mujoco

    from hilt.operators.base import OperatorUnavailableError
    from hilt.webui.window import ViewerWindow

    model = getattr(env.gym.unwrapped, "model", None)
    if not isinstance(model, mujoco.MjModel):
        tell("no viewer window: env.viewer shows MuJoCo environments only")
        return None
    try:
        return ViewerWindow(model)
    except OperatorUnavailableError as error:
        tell(str(error))
        return None
