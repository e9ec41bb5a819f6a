"""Encrypts what a recorder sends to other hosts.

Its certificate is its own and lives no longer than it does; what vouches for it is the secret of recorders and readers
(wire.py), so there is nothing to hand out and nothing that expires. On one machine there is nothing to encrypt.
"""

import hashlib
import os
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from socket import socket

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

# Nobody looks at the dates of a certificate that ends with its process, and hosts need not agree on the time.
ALWAYS = timedelta(days=3650)


def leaves_the_machine(host: str) -> bool:
    return not ip_address(host).is_loopback


def for_recorder() -> tuple[ssl.SSLContext, bytes]:
    """A context with a new certificate, and the fingerprint of that."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    _load(context, certificate.public_bytes(serialization.Encoding.PEM) + _plain(key))
    return context, hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).digest()


def for_reader(host: str) -> ssl.SSLContext | None:
    """How to reach a recorder at `host`. Whose certificate it is shows in its greeting."""
    if not leaves_the_machine(host):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def wrapped(connection: socket, host: str) -> socket:
    context = for_reader(host)
    return context.wrap_socket(connection) if context else connection


def fingerprint_of(peer: ssl.SSLObject | socket | None) -> bytes:
    """Of the certificate at the other end; empty without encryption."""
    if not isinstance(peer, ssl.SSLObject | ssl.SSLSocket):
        return b""
    return hashlib.sha256(peer.getpeercert(binary_form=True)).digest()


def _certificate(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "recorder")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - ALWAYS).not_valid_after(now + ALWAYS)
    return builder.sign(key, hashes.SHA256())


def _plain(key: ec.EllipticCurvePrivateKey) -> bytes:
    pkcs8, unencrypted = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, pkcs8, unencrypted)


def _load(context: ssl.SSLContext, pem: bytes) -> None:
    """The standard library takes keys from files alone; this one is in memory and has no name on any disk."""
    file = os.memfd_create("recorder")
    try:
        os.write(file, pem)
        context.load_cert_chain(f"/proc/self/fd/{file}")
    finally:
        os.close(file)
