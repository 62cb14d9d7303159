"""Failures outside of the fault table, and what no failure may contain: keys and unquoted text.

Faults of TRaX and of the connection are in `test_faults_reads` and the modules beside it.
"""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, quote_plus

import pytest

from tests.conftest import call
from tests.support.product.faults import Fault
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.single_faults import READ, WRITE, failure_in
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp.server import Server

    from tests.support.product.sandbox import Sandbox
    from tests.support.product.server import Product

    Open = Callable[..., Product]

STREAM_KEY: Final = 'live key/4711&<"do not print">+é'


def failure(code: str, message: str, **details: object) -> dict[str, object]:
    """An expected failure: by default not retryable and not applied, with our request id."""
    defaults = {"retryable": False, "outcome": "not_applied", "requestId": "ours"}
    return {"code": code, "message": message, **defaults, **details}


@pytest.mark.parametrize(
    ("required", "reported"), [("billing:all", "billing:all"), ("x" * 99, "chat:send")]
)
async def test_an_invalid_required_scope_is_replaced_by_the_contracts(
    server: Server[Any], sandbox: Sandbox, *, required: str, reported: str
) -> None:
    """A valid scope of the response is used; otherwise the scope of the contract."""
    error = {"code": "insufficient_scope", "message": "No.", "requiredScope": required}
    sandbox.faults.add(Fault.status(403, {"error": error}))
    assert failure_in(await call(server, *WRITE), sandbox)["requiredScope"] == reported


async def test_without_a_key_nothing_is_sent_and_the_failure_says_how_to_get_one(
    sandbox: Sandbox, open_product: Open
) -> None:
    """Both reads and writes, whoever called before; the two public operations work."""
    product = open_product()
    server = product.server(None)
    await call(product.server(), *READ)
    for tool, arguments in (READ, WRITE):
        expected = failure(
            "no_key",
            "There is no TRaX key, so nothing was sent. Create one on TRaX's Developer / API Keys"
            " screen, then run `trax-mcp install`, which asks for it (over HTTP: send it as"
            " X-API-Key).",
        )
        del expected["requestId"]
        assert failure_in(await call(server, tool, arguments), sandbox) == expected
    for tool in ("get_health", "get_openapi"):
        assert not (await call(server, tool)).is_error
    assert [it.key_name for it in sandbox.requests] == ["full", None, None]


# Secrets


async def refusal_of(sandbox: Sandbox, text: str, *, stream_key: str) -> str:
    """The message if TRaX refuses a new destination with this text."""
    sandbox.faults.add(Fault.error(400, "invalid_request", text), method="POST")
    arguments = {
        "studioId": "studio_42",
        "name": "N",
        "platform": "kick",
        "rtmpUrl": "rtmps://live.example/app",
        "streamKey": stream_key,
    }
    async with open_world(MINE, trax=sandbox, TRAX_ASK="confirm_alone") as it:
        result = await it[MINE].call("create_destination", **arguments, confirm=True)
    assert stream_key not in str(result) or len(stream_key) < 9
    return str(failure_in(result, sandbox)["message"])


@pytest.mark.parametrize(
    "encoded",
    [
        STREAM_KEY,
        json.dumps(STREAM_KEY)[1:-1],
        json.dumps(STREAM_KEY, ensure_ascii=False)[1:-1],
        json.dumps(STREAM_KEY)[1:-1].translate({ord(it): f"\\u{ord(it):04x}" for it in "&<>"}),
        quote(STREAM_KEY, safe=""),
        quote(STREAM_KEY),
        quote_plus(STREAM_KEY),
        escape(STREAM_KEY),
    ],
    ids=["plain", "JSON in ASCII", "JSON", "JSON in HTML", "URL", "path", "form", "HTML"],
)
async def test_a_secret_that_trax_repeats_is_redacted(sandbox: Sandbox, encoded: str) -> None:
    """An error text can quote the request that it refuses."""
    text = f"Key {SANDBOX_KEY} may not use {encoded}: rejected"
    message = await refusal_of(sandbox, text, stream_key=STREAM_KEY)
    assert ' may not use [secret]: rejected"' in message
    assert SANDBOX_KEY not in message


@pytest.mark.parametrize("short_secret", ["sk_live_", "e"])
async def test_redacting_a_short_secret_leaves_no_part_of_a_long_one(
    sandbox: Sandbox, short_secret: str
) -> None:
    """Redacting one secret leaves no part of another, and the text does not grow."""
    text = f"Not for {SANDBOX_KEY}! " + "e" * 9999
    message = await refusal_of(sandbox, text, stream_key=short_secret)
    assert SANDBOX_KEY.removeprefix("sk_live_") not in message
    assert len(message) < 400


@pytest.mark.parametrize("key", ["sk_live_abc.def+ghi/jkl=", "eyJhbGci.eyJzdWIi.sig", "plain"])
async def test_no_form_of_key_is_repeated_from_an_error_message(
    sandbox: Sandbox, open_product: Open, key: str
) -> None:
    """TRaX might quote the key that it refuses."""
    sandbox.faults.add(Fault.error(401, "invalid_key", message=f"No such key: {key}."))
    result = await call(open_product().server(key), "list_studios")
    assert key not in result.model_dump_json()
