"""Cameras of a real arm: an MJPEG server on loopback, a file, a class of the user's; and what ends them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import av
import numpy as np
import pytest

from hilt.envs.panda.real.cameras import CameraError, CameraOptions, Cameras, middle
from tests.envs.mjpeg import address_of, serve_mjpeg


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    with serve_mjpeg() as server:
        yield server


@pytest.fixture
def camera(server: ThreadingHTTPServer) -> Iterator[Cameras]:
    cameras = Cameras({"front": CameraOptions(source=address_of(server), size=(30, 40))})
    yield cameras
    cameras.close()


def test_the_newest_picture_of_an_mjpeg_address(camera: Cameras, server: ThreadingHTTPServer) -> None:
    camera.read()
    time.sleep(1.0)
    pictures, age = camera.read()
    assert pictures["front"].shape == (30, 40, 3)
    assert camera.sizes == {"front": (30, 40)}
    behind = server.newest - float(pictures["front"].mean())
    assert behind < 15  # half a second; a queue of old pictures would grow without end
    assert age < 0.5


def test_a_camera_that_stops_grows_old(camera: Cameras, server: ThreadingHTTPServer) -> None:
    camera.read()
    server.paused.set()
    time.sleep(0.8)
    assert camera.read()[1] > 0.5
    server.paused.clear()
    until = time.monotonic() + 30
    while camera.read()[1] > 0.3:
        assert time.monotonic() < until


def test_a_file_plays_at_its_own_speed(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height = 64, 48
        for number in range(30):
            frame = np.full((48, 64, 3), number * 8, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    cameras = Cameras({"film": CameraOptions(source=str(path), size=(48, 48))})
    first = cameras.read()[0]["film"]
    assert first.mean() < 100
    time.sleep(1.0)
    assert cameras.read()[0]["film"].mean() > first.mean() + 20
    cameras.close()


class Own:
    """A camera of the user's."""

    def __init__(self, value: int) -> None:
        self.value = value

    def read(self) -> np.ndarray:
        time.sleep(0.02)
        return np.full((20, 40, 3), self.value, np.uint8)

    def close(self) -> None:
        pass


def test_a_class_of_the_users() -> None:
    cameras = Cameras(
        {"own": CameraOptions(source="tests.envs.test_real_cameras:Own", size=(20, 20), options={"value": 7})}
    )
    assert (cameras.read()[0]["own"] == 7).all()
    cameras.close()


def test_a_camera_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hilt.envs.panda.real.cameras.FIRST_PICTURE_S", 1.0)
    cameras = Cameras({"wrist": CameraOptions(source="/dev/video99")})
    with pytest.raises(CameraError, match=r"camera wrist \(/dev/video99\): no picture: .*No such file"):
        cameras.read()
    cameras.close()


def test_what_is_cut_out_keeps_its_shape() -> None:
    assert middle((480, 640), (128, 128)) == (0, 80, 480, 480)
    assert middle((480, 640), (60, 120)) == (80, 0, 320, 640)
