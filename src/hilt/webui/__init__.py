"""The operator's seat: a page from which people watch a run, and take the controls."""

from hilt.webui.errors import SeatUnavailableError
from hilt.webui.requests import Decision, Requests
from hilt.webui.server import Seat
from hilt.webui.url import free_port, link_to, open_browser
from hilt.webui.view import Outcome, Picture, Telemetry, View, heading_of
from hilt.webui.watch import Watch

__all__ = [
    "Decision",
    "Outcome",
    "Picture",
    "Requests",
    "Seat",
    "SeatUnavailableError",
    "Telemetry",
    "View",
    "Watch",
    "free_port",
    "heading_of",
    "link_to",
    "open_browser",
]
