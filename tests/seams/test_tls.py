"""TRaX and its storage over real TLS. No server with a wrong certificate gets a key or a file."""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pytest
import trustme

from tests.conftest import call
from tests.support.certificates import server_tls, write_authority
from tests.support.media_samples import MP4
from tests.support.product.local_servers import upstream
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.server import Product
from tests.support.single_faults import READ
from tests.support.upload_storage import open_storage, respond_with
from tests.support.uploads import failure, open_uploads, send_to, upload

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from pathlib import Path

NOT_TRUSTED: Final = "TRaX couldn't be reached: its certificate isn't trusted ("
NOT_SENT: Final = "), so nothing was sent. "
EXPIRED: Final = datetime(2020, 1, 1, tzinfo=UTC)
REFUSED: Final[dict[str, Callable[[], ssl.SSLContext]]] = {
    "of another authority": lambda: server_tls("localhost", issuer=trustme.CA()),
    "of another name": lambda: server_tls("trax.example"),
    "expired": lambda: server_tls("localhost", not_after=EXPIRED),
}
"""Certificates that show no more than that somebody answers."""

TOLD: Final = {
    "of another authority": (
        "unable to get local issuer certificate",
        "If it's from your own network, set SSL_CERT_FILE to your CA's file.",
    ),
    "of another name": (
        "Hostname mismatch, certificate is not valid for 'localhost'",
        "Check TRAX_BASE_URL and this computer's clock.",
    ),
    "expired": (
        "certificate has expired",
        "Check TRAX_BASE_URL and this computer's clock.",
    ),
}
"""Why it is not trusted, and what to do."""

wrong_certificates = pytest.mark.parametrize("tls", REFUSED.values(), ids=REFUSED)


@pytest.fixture(autouse=True)
def trusted_authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the authority of the tests as an operator does."""
    monkeypatch.setenv("SSL_CERT_FILE", str(write_authority(tmp_path)))


async def test_trax_is_reached_over_tls_with_an_authority_of_the_operators_own() -> None:
    """In `SSL_CERT_FILE`, as a company has it."""
    async with (
        upstream(server_tls("localhost")) as trax,
        aclosing(Product(trax, settings={"TRAX_BASE_URL": trax.base_url})) as product,
    ):
        assert trax.base_url.startswith("https://")
        result = await call(product.server(), *READ)
    assert not result.is_error, result.structured_content
    assert {it.key_name for it in trax.requests} == {SANDBOX_KEY.rpartition("_")[2]}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_wrong_certificate_of_trax_gets_no_key(name: str) -> None:
    """The handshake ends before anything is sent, and the failure says what to do."""
    async with (
        upstream(REFUSED[name]()) as trax,
        aclosing(Product(trax, settings={"TRAX_BASE_URL": trax.base_url})) as product,
    ):
        result = await call(product.server(), *READ)
    assert result.is_error
    error = (result.structured_content or {})["error"]
    assert (error["code"], error["outcome"]) == ("unreachable", "not_applied")
    why, remedy = TOLD[name]
    told = f"{NOT_TRUSTED}{why}{NOT_SENT}{remedy} Then start trax-mcp again."
    assert (error["message"], error["retryable"]) == (told, False)
    assert list(trax.requests) == []


async def test_a_file_is_sent_to_a_storage_over_tls(tmp_path: Path) -> None:
    """By the same authorities as TRaX."""
    answer = respond_with("200 OK", "Content-Length: 0")
    async with (
        upstream() as trax,
        open_storage(answer, tls=server_tls("localhost")) as storage,
        open_uploads(tmp_path, trax=trax, TRAX_BASE_URL=trax.base_url) as it,
    ):
        send_to(it, storage.url, ready=True)
        result = await upload(it)
    assert not result.is_error, result.structured_content
    assert storage.content == MP4


@wrong_certificates
async def test_a_wrong_certificate_of_the_storage_gets_no_file(
    tls: Callable[[], ssl.SSLContext], tmp_path: Path
) -> None:
    """And not the address either, with which everybody could write there."""
    async with (
        upstream() as trax,
        open_storage(respond_with("200 OK"), tls=tls()) as storage,
        open_uploads(tmp_path, trax=trax, TRAX_BASE_URL=trax.base_url) as it,
    ):
        send_to(it, storage.url)
        error = await failure(it)
    assert error["outcome"] == "not_applied"
    assert ": its certificate isn't trusted, so the file wasn't uploaded" in error["message"]
    assert storage.heads == []
