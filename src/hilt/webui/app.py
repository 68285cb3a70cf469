"""The web application: one page, its parts, and the socket. No path of a request ever names a file."""

from __future__ import annotations

from importlib import resources

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from hilt.webui.auth import Gate
from hilt.webui.connection import VIOLATION
from hilt.webui.hub import Room

_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
NO_ENTRY = "This page needs its link: open the link that hilt printed when it started.\n"
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "xr-spatial-tracking=(self), gamepad=(self), camera=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def load_assets(folder: str = ".") -> dict[str, tuple[bytes, str]]:
    """URL path -> (content, media type) of everything that a page is made of, in a folder of `assets`."""
    files = [
        file
        for file in (resources.files("hilt.webui") / "assets" / folder).iterdir()
        if file.name[file.name.rfind(".") :] in _TYPES
    ]
    assets = {
        f"/{file.name}": (file.read_bytes(), _TYPES[file.name[file.name.rfind(".") :]]) for file in files
    }
    assets["/"] = assets.pop("/index.html")
    return assets


class Door:
    """Gives a page's parts to those whom `gate` admits: `/?token=...` gives the page and its cookie."""

    def __init__(self, gate: Gate, assets: dict[str, tuple[bytes, str]]) -> None:
        self.assets, self._gate = assets, gate

    async def asset(self, request: Request) -> Response:
        """The part that the path of `request` names."""
        gate = self._gate
        by_link = request.url.path == "/" and gate.knows_token(request.query_params.get("token"))
        if not (
            gate.knows_host(request.headers) and (by_link or gate.admits(request.headers, request.cookies))
        ):
            return PlainTextResponse(NO_ENTRY, 403, _HEADERS)
        content, media_type = self.assets[request.url.path]
        response = Response(content, headers=_headers(request), media_type=media_type)
        if by_link:
            response.set_cookie(
                gate.cookie, gate.token, httponly=True, samesite="strict", secure=gate.scheme == "https"
            )
        return response


def make_app(gate: Gate, room: Room) -> Starlette:
    """The page and the socket of a run; all but the link needs the cookie, or the token as a header."""
    door = Door(gate, load_assets())

    async def socket(websocket: WebSocket) -> None:
        if gate.admits_socket(websocket.headers, websocket.cookies):
            await room.admit(websocket)
        else:
            await websocket.close(VIOLATION)

    routes = [Route(path, door.asset, methods=["GET"]) for path in door.assets]
    return Starlette(routes=[*routes, WebSocketRoute("/socket", socket)])


def _headers(request: Request) -> dict[str, str]:
    host = request.headers.get("host", "")
    policy = f"default-src 'self'; img-src 'self' blob:; connect-src 'self' ws://{host} wss://{host}"
    return {
        **_HEADERS,
        "Content-Security-Policy": f"{policy}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    }
