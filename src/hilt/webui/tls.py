"""A certificate made on the spot, for a seat that other computers can reach."""

from __future__ import annotations

import datetime
import importlib.util
import ipaddress
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hilt.webui.errors import SeatUnavailableError

if TYPE_CHECKING:
    from cryptography import x509

_LIFETIME = datetime.timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Certificate and private key in PEM, and the fingerprint by which a person can compare it."""

    certificate: bytes
    key: bytes
    fingerprint: str
    """SHA-256, as browsers show it: AB:CD:..."""


def make_certificate(names: list[str]) -> Certificate:
    """A self-signed certificate for `names`, each a host name or an address.

    Raises:
        SeatUnavailableError: the extra `[tls]` is not installed.
    """
    _require_cryptography()
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hilt")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    fingerprint = certificate.fingerprint(hashes.SHA256()).hex(":").upper()
    return Certificate(certificate.public_bytes(serialization.Encoding.PEM), private, fingerprint)


def _require_cryptography() -> None:
    if importlib.util.find_spec("cryptography") is None:
        raise SeatUnavailableError(
            "a page for other computers is encrypted, and that needs one more package: "
            "pip install 'hilt[tls]', or keep the page on this computer (ui.host 127.0.0.1)"
        )


def _name(name: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def outward_address() -> str:
    """The address by which other computers reach this one, as far as it can tell; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
