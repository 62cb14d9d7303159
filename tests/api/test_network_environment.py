"""Problems of the environment: proxies, certificates, compressed responses, invalid redirects.

The key is never sent unencrypted to a proxy, and no httpx error gets through unhandled.
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import OWNER, call
from tests.support.product.faults import Fault
from tests.support.raw_upstream import answering
from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.server.app import build_server

if TYPE_CHECKING:
    from tests.support.product.sandbox import Sandbox

pytestmark = pytest.mark.slow

TEXT: dict[str, Any] = {"studioId": "studio_42", "text": "Hello"}
BOMB = gzip.compress(gzip.compress(bytes(64 * 1024 * 1024)))


async def error_of(trax: Client, tool: str = "list_studios") -> dict[str, Any]:
    """The error of a failed call."""
    arguments = TEXT if tool == "send_chat_message" else {}
    result = await call(build_server(trax, own=OWNER), tool, arguments)
    await trax.aclose()
    assert result.is_error
    assert result.structured_content is not None
    error: dict[str, Any] = result.structured_content["error"]
    return error


@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY"])
async def test_an_unencrypted_request_is_never_sent_to_a_proxy(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The proxy could read the key, so loopback is reached directly or not at all."""
    async with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as proxy:
        monkeypatch.setenv(name, proxy.url)
        error = await error_of(Client(base_url="http://127.0.0.1:1", timeout_seconds=5))
    assert (error["code"], proxy.requests) == ("unreachable", 0)


@pytest.mark.parametrize(
    ("name", "value"), [("SSL_CERT_FILE", "/nowhere/ca.pem"), ("NO_PROXY", "localhost,::1/128")]
)
async def test_an_invalid_environment_error_names_the_variables_to_check(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """Instead of "Internal error"."""
    monkeypatch.setenv(name, value)
    error = await error_of(Client(base_url="https://127.0.0.1:1", timeout_seconds=5))
    assert error["code"] == "unreachable"
    assert error["outcome"] == "not_applied"
    assert {"TRAX_BASE_URL", "SSL_CERT_FILE"} <= set(error["message"].replace(",", "").split())


async def test_a_compressed_response_is_not_decompressed() -> None:
    """It was not requested, and a few bytes could expand to any size."""
    head = f"HTTP/1.1 201 Created\r\nContent-Encoding: gzip, gzip\r\nContent-Length: {len(BOMB)}"
    async with answering(f"{head}\r\n\r\n".encode() + BOMB) as trax:
        error = await error_of(Client(base_url=trax.url, timeout_seconds=5), "send_chat_message")
    assert (error["code"], error["outcome"]) == ("bad_answer", "applied")
    assert "its answer is compressed" in error["message"]


@pytest.mark.parametrize("location", ["mailto:x", "foo:bar", "https:login", "//", "http://[x"])
async def test_an_invalid_redirect_is_an_error_with_unknown_outcome(location: str) -> None:
    """It is not followed; a mutation that was sent may have been applied."""
    response = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    async with answering(response.encode()) as trax:
        error = await error_of(Client(base_url=trax.url, timeout_seconds=5), "send_chat_message")
        assert trax.requests == 1
    assert error["outcome"] == "unknown"


@pytest.mark.parametrize("key", ["sk_live_abc.def+ghi/jkl=", "eyJhbGci.eyJzdWIi.sig", "plain"])
async def test_no_form_of_key_is_repeated_from_an_error_message(
    sandbox: Sandbox, trax: Client, key: str
) -> None:
    """TRaX might quote the key that it refuses."""
    sandbox.faults.add(Fault.error(401, "invalid_key", message=f"No such key: {key}."))
    result = await call(build_server(trax, own=Caller(key)), "list_studios")
    assert key not in result.model_dump_json()
