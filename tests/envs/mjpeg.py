"""A camera on loopback: an MJPEG server whose pictures can be stopped."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from PIL import Image


class Mjpeg(BaseHTTPRequestHandler):
    """Pictures of 60 x 80 whose brightness is their number; `server.paused` stops them, the line stays up."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for number in range(10_000):
            while self.server.paused.is_set():
                time.sleep(0.01)
            buffer = io.BytesIO()
            Image.fromarray(np.full((60, 80, 3), number % 200, np.uint8)).save(buffer, "JPEG")
            data = buffer.getvalue()
            try:
                self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\n")
                self.wfile.write(f"Content-Length: {len(data)}\r\n\r\n".encode() + data + b"\r\n")
            except OSError:
                return
            self.server.newest = number % 200
            time.sleep(0.03)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def serve_mjpeg() -> Iterator[ThreadingHTTPServer]:
    """`server.newest` is the number of the picture that was sent last; `address_of` names it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Mjpeg) as serving:
        serving.paused, serving.newest, serving.daemon_threads = threading.Event(), 0, True
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield serving
        serving.shutdown()


def address_of(server: ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}/stream"
