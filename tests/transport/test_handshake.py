"""Who is let in, who is not, and what they are told."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hilt.data.transition import Feature, Schema
from hilt.transport import LearnerClient, Limits, TransitionServer, handshake
from hilt.transport.handshake import check_bind
from tests.transport.transport_tools import SPEC, Connect, Learn, Learner, episode, ids
from tests.waiting import until


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    loopback = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(loopback, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_path, key_path = folder / f"{name}.pem", folder / f"{name}.key"
    cert_path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return cert_path, key_path


def assert_refused(learner: Learner, actor: LearnerClient, *words: str) -> None:
    actor.send(episode(1, 1)[0])
    until(lambda: all(word in actor.waiting_for for word in words), f"{words} in the explanation")
    assert "trying again" in actor.waiting_for
    assert not actor.connected
    assert actor.pending == 1
    assert not learner.transitions


def assert_taken(learner: Learner, actor: LearnerClient) -> None:
    for transition in episode(1, 3):
        actor.send(transition)
    assert actor.drain(30) == 0
    assert ids(learner.transitions) == ids(episode(1, 3))


@pytest.mark.parametrize(("token", "word"), [("guess", "not the learner's"), (None, "no token")])
def test_a_wrong_token_is_refused(learn: Learn, connect: Connect, token: str | None, word: str) -> None:
    learner = learn(token="secret")
    assert_refused(learner, connect(learner.address, token=token), "refused", word)
    assert learner.server.refusals > 0


def test_the_right_token_is_taken(learn: Learn, connect: Connect) -> None:
    learner = learn(token="secret")
    assert_taken(learner, connect(learner.address, token="secret"))


@pytest.mark.parametrize("token", ["", "blank at the end ", "two\nlines", "schlüssel"])
def test_a_token_that_cannot_be_sent_is_an_error(connect: Connect, token: str) -> None:
    with pytest.raises(ValueError, match="token"):
        connect("127.0.0.1:1", token=token)


@pytest.mark.parametrize("actor_id", ["", "x" * 65, "bell\a"])
def test_an_actor_id_that_cannot_be_shown_is_an_error(connect: Connect, actor_id: str) -> None:
    with pytest.raises(ValueError, match="actor id"):
        connect("127.0.0.1:1", actor_id=actor_id)


def test_another_protocol_is_refused_until_it_fits(
    learn: Learn, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = learn()
    monkeypatch.setattr(handshake, "PROTOCOL", 7)
    actor = connect(learner.address)
    monkeypatch.setattr(handshake, "PROTOCOL", 8)
    assert_refused(learner, actor, "the learner speaks protocol 8, the actor 7", "install the same hilt")
    monkeypatch.setattr(handshake, "PROTOCOL", 7)
    assert actor.drain(30) == 0


def test_another_schema_is_refused_with_the_difference(learn: Learn, connect: Connect) -> None:
    learner = learn(Schema({"observation.state": Feature((3,))}, Feature((7,))))
    words = ("observation.images.front", "uint8[3, 8, 8]", "none", "float32[7]", "float32[4]")
    assert_refused(learner, connect(learner.address), *words)


def test_one_actor_too_many_is_refused_until_there_is_room(learn: Learn, connect: Connect) -> None:
    learner = learn(limits=Limits(max_actors=1))
    first = connect(learner.address, actor_id="first")
    until(lambda: first.connected, "connection")
    second = connect(learner.address, actor_id="second")
    assert_refused(learner, second, "the learner has 1 actors already")
    first.close()
    assert second.drain(30) == 0


def test_tls_and_token(learn: Learn, connect: Connect, tmp_path: Path) -> None:
    learner = learn(bind="0.0.0.0:0", token="secret", tls=certificate(tmp_path, "learner"))
    address = f"127.0.0.1:{learner.server.port}"
    ca = tmp_path / "learner.pem"
    assert_taken(learner, connect(address, token="secret", tls_ca=ca))


def test_without_the_right_certificate_there_is_no_connection(
    learn: Learn, connect: Connect, tmp_path: Path
) -> None:
    learner = learn(tls=certificate(tmp_path, "learner"))
    stranger, _ = certificate(tmp_path, "stranger")
    assert_refused(learner, connect(learner.address, tls_ca=stranger), "no TLS session")
    in_the_clear = connect(learner.address, actor_id="clear")
    in_the_clear.send(episode(1, 1)[0])
    until(lambda: "trying again" in in_the_clear.waiting_for, "the actor says so")
    assert not learner.transitions
    plain = learn()
    assert_refused(plain, connect(plain.address, tls_ca=stranger), "no TLS session")


def test_a_certificate_that_is_not_there_is_an_error(connect: Connect, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="none.pem"):
        connect("127.0.0.1:1", tls_ca=tmp_path / "none.pem")


def test_something_else_on_the_port(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            peer, _ = listener.accept()
            peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            peer.close()

        threading.Thread(target=answer, daemon=True).start()
        actor = connect(f"127.0.0.1:{listener.getsockname()[1]}")
        until(lambda: "trying again" in actor.waiting_for, "the actor says so")


@pytest.mark.parametrize("bind", ["127.0.0.1:50051", "localhost:0", "[::1]:50051", "127.8.8.8:1"])
def test_loopback_needs_neither_token_nor_tls(bind: str) -> None:
    check_bind(bind, token=False, tls=False, allow_insecure=False)


@pytest.mark.parametrize("bind", ["0.0.0.0:50051", "[::]:50051", "192.168.1.5:1", "robot.example:1"])
def test_an_open_port_needs_both_or_a_waiver(bind: str) -> None:
    check_bind(bind, token=True, tls=True, allow_insecure=False)
    check_bind(bind, token=False, tls=False, allow_insecure=True)
    for given in ({"token": True, "tls": False}, {"token": False, "tls": True}):
        with pytest.raises(ValueError, match="a TLS certificate" if given["token"] else "a token"):
            check_bind(bind, **given, allow_insecure=False)


@pytest.mark.parametrize("bind", ["", "50051", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536"])
def test_an_address_that_is_none(bind: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        check_bind(bind, token=True, tls=True, allow_insecure=False)


def test_an_open_port_is_refused_by_the_server_itself() -> None:
    with pytest.raises(ValueError, match="can be reached from other machines: give a token and a TLS"):
        TransitionServer("0.0.0.0:0", SPEC, lambda *_: None)


def test_two_learners_on_one_port(learn: Learn) -> None:
    first = learn()
    with pytest.raises(OSError, match="another learner"):
        learn(bind=first.address)
