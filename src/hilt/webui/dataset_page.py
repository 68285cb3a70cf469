"""The page of `hilt data view`, and what it asks for. No path of a request ever names a file."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from hilt.data.lerobot import DatasetError
from hilt.errors import UserError
from hilt.webui.album import Album
from hilt.webui.app import NO_ENTRY, Door, load_assets
from hilt.webui.auth import Gate
from hilt.webui.server import configure
from hilt.webui.url import link_to, listen

_LONGEST_REQUEST = 2**20
Answer = Callable[[Request], Awaitable[Response]]


class DatasetPage:
    """Serves an album on loopback until Ctrl-C.

    Raises:
        SeatUnavailableError: the port cannot be listened on.
    """

    def __init__(self, album: Album, port: int = 0) -> None:
        self._listener: socket.socket = listen("127.0.0.1", port)
        port = self._listener.getsockname()[1]
        gate = Gate(secrets.token_urlsafe(24), "http", f"hilt_{port}", loopback=True)
        self.url = link_to("127.0.0.1", port, gate.token)
        self.server = uvicorn.Server(configure(make_dataset_app(gate, album), None))

    def run(self) -> None:
        """Serve in this thread."""
        self.server.run(sockets=[self._listener])


def make_dataset_app(gate: Gate, album: Album) -> Starlette:
    """The page at `/?token=...`; its questions need the cookie that it gives."""
    shared = {path: asset for path, asset in load_assets().items() if path in ("/style.css", "/icon.svg")}
    door = Door(gate, {**shared, **load_assets("dataset")})

    def guarded(answer: Callable[[Request, Any], Any]) -> Answer:
        async def respond(request: Request) -> Response:
            if not gate.admits(request.headers, request.cookies):
                return PlainTextResponse(NO_ENTRY, 403)
            try:
                said = await _body(request)
                found = await run_in_threadpool(answer, request, said)
            except (UserError, OSError) as error:
                return JSONResponse({"error": str(error)}, 400)
            return found if isinstance(found, Response) else JSONResponse(found)

        return respond

    def picture(request: Request, said: Any) -> Response:
        where = request.path_params
        return Response(
            album.picture(where["index"], where["camera"], where["step"]), media_type="image/jpeg"
        )

    def save(request: Request, said: Any) -> dict[str, Any]:
        if not isinstance(said, dict) or not isinstance(said.get("parts"), list):
            raise DatasetError("a request to save lists the parts of episodes that are kept")
        name = said.get("name")
        return album.save(said["parts"], None if name is None else str(name))

    routes = [
        Route("/dataset", guarded(lambda request, said: album.describe())),
        Route("/episode/{index:int}", guarded(lambda request, said: album.episode(_index(request)))),
        Route("/judged/{index:int}", guarded(lambda request, said: album.judged(_index(request)))),
        Route("/picture/{index:int}/{camera}/{step:int}", guarded(picture)),
        Route("/save", guarded(save), methods=["POST"]),
    ]
    return Starlette(routes=[*(Route(path, door.asset) for path in door.assets), *routes])


def _index(request: Request) -> int:
    return int(request.path_params["index"])


async def _body(request: Request) -> Any:
    """What a POST says, as JSON. Raises DatasetError for what is none, or too long."""
    if request.method != "POST":
        return None
    said = b""
    async for piece in request.stream():
        said += piece
        if len(said) > _LONGEST_REQUEST:
            raise DatasetError("the request is too long")
    try:
        return json.loads(said)
    except ValueError:
        raise DatasetError("the request is no JSON") from None
