"""Pages that look at a run, without a browser."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect


@contextmanager
def opened(url: str) -> Iterator[ClientConnection]:
    """A connection to the seat of `url`, as a page has it."""
    where = urlsplit(url)
    header = {"Authorization": f"Bearer {where.query.removeprefix('token=')}"}
    with connect(f"ws://{where.netloc}/socket", additional_headers=header) as page:
        yield page


@contextmanager
def reading(url: str) -> Iterator[None]:
    """A page that looks, in another process, so that its cost is its own."""
    program = "import sys; from hilt.benchmarks.watching import read_all; read_all(sys.argv[1])"
    reader = subprocess.Popen([sys.executable, "-c", program, url], stdout=subprocess.PIPE)
    try:
        assert reader.stdout is not None
        reader.stdout.readline()
        yield
    finally:
        reader.kill()
        reader.wait()


def read_all(url: str) -> None:
    """Connect, say so on standard output, and read until the end."""
    with opened(url) as page:
        page.recv()
        print("reading", flush=True)
        listen(page)


def listen(page: ClientConnection) -> None:
    """Read until the end."""
    try:
        while True:
            page.recv()
    except ConnectionClosed:
        return
