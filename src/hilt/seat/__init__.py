"""The operator's seat: a page from which people watch a run, and take the controls."""

from hilt.seat.errors import SeatUnavailableError
from hilt.seat.place import free_port, link_to, open_browser
from hilt.seat.requests import Decision, Requests
from hilt.seat.server import Seat
from hilt.seat.view import Outcome, Picture, Telemetry, View, heading_of

__all__ = [
    "Decision",
    "Outcome",
    "Picture",
    "Requests",
    "Seat",
    "SeatUnavailableError",
    "Telemetry",
    "View",
    "free_port",
    "heading_of",
    "link_to",
    "open_browser",
]
