"""Strangers get nothing: real sockets against a real server."""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
from collections.abc import Iterator
from hashlib import sha256
from socket import create_connection
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from hilt.webui import Seat, SeatUnavailableError, free_port
from hilt.webui.app import load_assets
from hilt.webui.auth import Gate
from hilt.webui.hub import MOST_PAGES


@pytest.fixture
def seat() -> Iterator[Seat]:
    with Seat() as seat:
        yield seat


def get(seat: Seat, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of a GET that carries just these headers."""
    where = urlsplit(seat.url)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=5)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return found


def token(seat: Seat) -> str:
    return urlsplit(seat.url).query.removeprefix("token=")


def origin(seat: Seat) -> str:
    return f"http://{urlsplit(seat.url).netloc}"


def cookie(seat: Seat) -> str:
    return get(seat, f"/?token={token(seat)}")[1]["set-cookie"].split(";")[0]


def socket(seat: Seat, **headers: str) -> ClientConnection:
    return connect(f"ws://{urlsplit(seat.url).netloc}/socket", additional_headers=headers)


def page_socket(seat: Seat) -> ClientConnection:
    """As the page itself connects."""
    return socket(seat, Cookie=cookie(seat), Origin=origin(seat))


def test_the_link_gives_the_page_and_a_cookie_that_scripts_cannot_read(seat: Seat) -> None:
    status, headers, body = get(seat, f"/?token={token(seat)}")
    assert status == 200
    assert b"main.js" in body
    assert "HttpOnly" in headers["set-cookie"]
    assert "SameSite=strict" in headers["set-cookie"]
    assert "default-src 'self'" in headers["content-security-policy"]
    assert token(seat).encode() not in body
    assert get(seat, "/main.js", Cookie=cookie(seat))[0] == 200


@pytest.mark.parametrize("path", sorted(load_assets()))
def test_without_the_token_no_part_of_the_page_is_served(seat: Seat, path: str) -> None:
    for headers in (
        {},
        {"Cookie": f"hilt_{urlsplit(seat.url).port}=wrong"},
        {"Authorization": "Bearer wrong"},
    ):
        status, _, body = get(seat, path, **headers)
        assert status == 403
        assert b"link that hilt printed" in body
    assert get(seat, f"{path}?token=wrong")[0] == 403


@pytest.mark.parametrize(
    "path",
    [
        "/../server.py",
        "/%2e%2e/server.py",
        "/..%2fserver.py",
        "/server.py",
        "/assets/main.js",
        "//etc/passwd",
    ],
)
def test_no_path_reaches_a_file(seat: Seat, path: str) -> None:
    assert get(seat, path, Cookie=cookie(seat))[0] == 404


def test_a_name_that_a_stranger_made_to_point_here_is_refused(seat: Seat) -> None:
    for host in ("evil.example", "localhost.evil.example", "[", ""):
        assert get(seat, "/", Cookie=cookie(seat), Host=host)[0] in (400, 403)
    port = urlsplit(seat.url).port
    assert get(seat, "/", Cookie=cookie(seat), Host=f"localhost:{port}")[0] == 200


def test_a_socket_opens_for_the_page_and_for_a_bearer(seat: Seat) -> None:
    with page_socket(seat) as opened:
        assert json.loads(opened.recv(timeout=5))["type"] == "state"
    with socket(seat, Authorization=f"Bearer {token(seat)}") as opened:
        assert json.loads(opened.recv(timeout=5))["type"] == "state"


def test_no_socket_without_token_or_from_another_page(seat: Seat) -> None:
    mine = cookie(seat)
    for headers in (
        {},
        {"Origin": origin(seat)},
        {"Cookie": mine},
        {"Cookie": mine, "Origin": "http://evil.example"},
        {"Cookie": mine, "Origin": "null"},
        {"Cookie": mine, "Origin": origin(seat).replace("http:", "https:")},
        {"Authorization": "Bearer wrong"},
    ):
        with pytest.raises(InvalidStatus) as refusal:
            socket(seat, **headers)
        assert refusal.value.response.status_code == 403


def listen_to_the_end(opened: ClientConnection) -> str:
    """Everything that comes until the server closes, which it must; its reason."""
    try:
        while True:
            opened.recv(timeout=5)
    except ConnectionClosed as end:
        return "" if end.rcvd is None else end.rcvd.reason


HOLD = {"type": "hold", "motion": [0] * 7, "clutch": True, "hand": None}
HAND = {"position": [0, 0, 0], "orientation": [1, 0, 0, 0], "time_s": 0}


@pytest.mark.parametrize(
    "message",
    [
        "",
        "{}",
        "[]",
        "null",
        "\u0000",
        json.dumps({"type": "run", "command": "ls"}),
        json.dumps({**HOLD, "extra": 1}),
        json.dumps({**HOLD, "motion": [0] * 6}),
        json.dumps({**HOLD, "motion": [2, 0, 0, 0, 0, 0, 0]}),
        json.dumps({**HOLD, "motion": [float("nan")] * 7}),
        json.dumps({**HOLD, "hand": {**HAND, "orientation": [0, 0, 0, 0]}}),
        json.dumps({**HOLD, "hand": {**HAND, "position": [0, 0, 1e9]}}),
        json.dumps({"type": "declare", "event": "explode"}),
        json.dumps({"type": "ping", "time_ms": 1, "pad": "x" * 5000}),
        b"\x00\x01",
    ],
)
def test_what_no_page_says_ends_the_connection_and_moves_nothing(seat: Seat, message: str | bytes) -> None:
    with page_socket(seat) as opened:
        opened.send(message)
        listen_to_the_end(opened)
    assert seat.controls.seating.driver is None
    with page_socket(seat) as another:
        assert another.recv(timeout=5)


def test_a_flood_ends_the_connection_and_the_seat_goes_on(seat: Seat) -> None:
    with page_socket(seat) as flooding:
        with contextlib.suppress(ConnectionClosed):
            for _ in range(5000):
                flooding.send(json.dumps({"type": "ping", "time_ms": 1.0}))
        assert listen_to_the_end(flooding) == "too many messages"
    with page_socket(seat) as another:
        assert another.recv(timeout=5)


def test_a_connection_that_asks_for_nothing_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hilt.webui.server.PATIENCE_S", 0.2)
    with Seat() as seat, page_socket(seat) as page:
        where = urlsplit(seat.url)
        with create_connection((where.hostname, where.port), timeout=5) as idle:
            idle.sendall(b"GET / HTTP/1.1\r\n")
            assert idle.recv(100) == b""
        page.send(json.dumps({"type": "ping", "time_ms": 1.0}))
        assert page.recv(timeout=5)


def test_only_so_many_pages_at_once(seat: Seat) -> None:
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(page_socket(seat)) for _ in range(MOST_PAGES)]
        with page_socket(seat) as too_many:
            assert "close one" in listen_to_the_end(too_many)
        assert all(page.recv(timeout=5) for page in opened)


def test_who_only_watches_asks_nothing_of_the_run(seat: Seat) -> None:
    with page_socket(seat) as driver, page_socket(seat) as watcher:
        driver.send(json.dumps({"type": "sit", "what": "toggle"}))
        while seat.controls.seating.driver is None:
            driver.recv(timeout=5)
        for what in ("stop", "pause", "keep"):
            watcher.send(json.dumps({"type": "ask", "what": what}))
        watcher.send(json.dumps({"type": "ping", "time_ms": 5.0}))
        while json.loads(answer := watcher.recv(timeout=5))["type"] != "pong":
            pass
        assert json.loads(answer) == {"type": "pong", "time_ms": 5.0}
    assert not seat.requests.stopped
    assert not seat.requests.paused
    assert seat.requests.take_decision() is None


def test_beyond_loopback_there_is_tls_with_the_certificate_that_was_announced() -> None:
    with Seat("0.0.0.0") as seat:
        where = urlsplit(seat.url)
        assert where.scheme == "https"
        certificate = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", where.port)))
        assert sha256(certificate).hexdigest().upper() == seat.fingerprint.replace(":", "")
        trusted = ssl.create_default_context(cadata=certificate)
        connection = http.client.HTTPSConnection("localhost", where.port, context=trusted, timeout=5)
        connection.request("GET", f"/?token={token(seat)}")
        answer = connection.getresponse()
        assert answer.status == 200
        assert "Secure" in answer.getheader("set-cookie")
        answer.read()
        connection.close()


def test_hosts_of_a_seat_on_the_network() -> None:
    gate = Gate("t", "https", "c", loopback=False, names=frozenset({"robots.example"}))
    assert all(
        gate.knows_host({"host": host})
        for host in ("10.0.0.7:8000", "robots.example", "localhost", "[::1]:8")
    )
    assert not any(gate.knows_host({"host": host}) for host in ("evil.example", "", "x" * 300))


def test_a_port_that_is_taken_is_a_sentence_with_a_way_out(seat: Seat) -> None:
    with pytest.raises(SeatUnavailableError, match="another port"):
        Seat(port=urlsplit(seat.url).port)


def test_a_port_that_is_taken_makes_way_for_another(seat: Seat) -> None:
    taken = urlsplit(seat.url).port
    assert free_port("127.0.0.1", taken) not in (0, taken)
    wanted = free_port("127.0.0.1", 0)
    assert free_port("127.0.0.1", wanted) == wanted


def test_the_page_is_light() -> None:
    assert sum(len(content) for content, _ in load_assets().values()) < 300_000
