"""Certificates of an authority that nobody trusts but the tests that say so."""

from __future__ import annotations

import ssl
from functools import cache
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


@cache
def authority() -> trustme.CA:
    """The authority of this process."""
    return trustme.CA()


def server_tls(
    *names: str, issuer: trustme.CA | None = None, not_after: datetime | None = None
) -> ssl.SSLContext:
    """The TLS of a server whose certificate is good for these names and addresses."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (issuer or authority()).issue_cert(*names, not_after=not_after).configure_cert(tls)
    return tls


def client_tls() -> ssl.SSLContext:
    """The TLS of a client that trusts the authority, and no other."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority().configure_trust(tls)
    return tls


def write_authority(folder: Path) -> Path:
    """Write the certificate of the authority, for programs that trust a file."""
    file = folder / "authority.pem"
    authority().cert_pem.write_to_path(str(file))
    return file


def write_certificate(folder: Path) -> None:
    """Write what a server of this machine needs: key and certificate, apart and in one file."""
    issued = authority().issue_cert("localhost", "127.0.0.1")
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    (certificate,) = issued.cert_chain_pems
    certificate.write_to_path(str(folder / "certificate.pem"))
    issued.private_key_and_cert_chain_pem.write_to_path(str(folder / "both.pem"))
    write_authority(folder)
