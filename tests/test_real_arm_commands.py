"""`hilt cameras` and `hilt doctor --robot`, with a camera on loopback and an emulated arm."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from matplotlib.image import imread

from hilt.commands.main import main
from tests.envs.mjpeg import address_of, serve_mjpeg


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    with serve_mjpeg() as server:
        yield server


def config(folder: Path, ip: str, **cameras: str) -> list[str]:
    file = folder / "arm.json"
    sources = {name: {"source": source, "size": [30, 30]} for name, source in cameras.items()}
    robot = {"ip": ip, "realtime": "ignore", "cameras": sources}
    file.write_text(json.dumps({"env": {"type": "franka", "robot": robot}}))
    return ["--config_path", str(file)]


def test_cameras_are_timed_and_shown(
    server: ThreadingHTTPServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hilt.envs.panda.real.cameras.FIRST_PICTURE_S", 5.0)
    words = config(tmp_path, "nowhere", front=address_of(server), wrist="/dev/video99")
    assert main(["cameras", *words, f"--output={tmp_path / 'seen'}"]) == 2
    said = capsys.readouterr().out
    assert "80x60 -> 30x30" in said
    assert "/dev/video99" in said
    assert imread(tmp_path / "seen/front.png").shape[:2] == (60, 80)
    assert imread(tmp_path / "seen/front_crop.png").shape[:2] == (30, 30)


def test_without_an_arm_the_doctor_says_the_way_out(
    server: ThreadingHTTPServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("franka", reason="franka-rs is not installed: pip install 'hilt[franka]'")
    words = config(tmp_path, "127.0.0.1", front=address_of(server))
    assert main(["doctor", "--robot", *words]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "out of reach" in said
    assert "camera front" in said
    assert main(["doctor", "--robot"]) == 2
    assert '"env.type": "franka"' in capsys.readouterr().err


def test_the_doctor_examines_an_arm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.envs.emulated import Emulated, require_emulation

    require_emulation()
    emulated = Emulated()
    emulated.connect().close()
    assert main(["doctor", "--robot", *config(tmp_path, emulated.address)]) == 0
    emulated.kill()
    said = " ".join(capsys.readouterr().out.split())
    assert "FCI protocol 10" in said
    assert "open by 8.0 cm" in said
    assert "of the cycles kept" in said
