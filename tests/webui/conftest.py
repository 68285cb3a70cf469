"""Runs and commands that serve a page, and a real browser that looks at it."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.waiting import until
from tests.webui.pages import OpenPage, Serving
from tests.webui.seat_processes import Serve, Served
from tests.webui.world import MakeWorld, World

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PATIENCE_MS = 120_000
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-unsafe-swiftshader",
]


@pytest.fixture
def world() -> Iterator[MakeWorld]:
    """Makes worlds, and ends them."""
    with contextlib.ExitStack() as stack:

        def make_world(**options: Any) -> World:
            made = World(**options)
            stack.callback(made.close)
            return made

        yield make_world


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One real Chromium, without a window, for all tests."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens the page of a seat; any error in its scripts fails the test."""
    errors: list[str] = []
    with contextlib.ExitStack() as stack:

        def open_one(seat: Serving, script: str = "", **options: Any) -> Page:
            context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
            stack.callback(context.close)
            context.set_default_timeout(PATIENCE_MS)
            page = context.new_page()
            page.on("pageerror", lambda error: errors.append(str(error)))
            if script:
                page.add_init_script(script)
            page.goto(seat.url)
            until(lambda: page.evaluate("document.querySelector('#badge, #name').textContent"))
            return page

        yield open_one
    assert errors == []


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts commands, and ends them."""
    with contextlib.ExitStack() as stack:

        def start(verb: str, config: Mapping[str, Any], *arguments: str) -> Served:
            path = tmp_path / "config.json"
            path.write_text(json.dumps(config))
            served = Served(tmp_path, verb, f"--config_path={path}", *arguments)
            stack.callback(served.close)
            return served

        yield start
