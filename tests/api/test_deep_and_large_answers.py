"""Answers that are nested deep, or have very many ids: they break nothing, and hold up nobody."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.conftest import call
from tests.support.guarded_calls import STUDIO
from tests.support.product.faults import Fault
from tests.world.answers import data_of, error_in, text_of

if TYPE_CHECKING:
    from mcp.server import Server

    from tests.support.product.sandbox import Sandbox

MOST: Final = 4 << 20
CHAT_TOOLS: Final = ("list_chat_messages", "wait_for_chat_messages")
READS: Final = ("get_stream_status", "list_destinations", *CHAT_TOOLS)


def nested(levels: int, inner: bytes = b"") -> bytes:
    """Lists in each other."""
    return b"[" * levels + inner + b"]" * levels


def listing(items: bytes) -> bytes:
    """The answer with the id as a number, so that it is looked for in all of it."""
    return b'{"id": 1, "live": false, "data": [%b]}' % items


@pytest.mark.parametrize("levels", [120, 400, 900, 5_000, 100_000])
@pytest.mark.parametrize("tool", READS)
async def test_an_answer_that_is_nested_too_deep_cannot_be_read(
    server: Server[Any], sandbox: Sandbox, tool: str, levels: int
) -> None:
    """However deep. Else it would be an error of this server."""
    deep = b'{"id": "1", "platform": "youtube", "text": "Hi", "badges": %b}' % nested(levels)
    sandbox.faults.add(Fault.status(200, listing(deep)), times=None)
    result = await call(server, tool, STUDIO)
    assert "isn't a JSON object" in text_of(result)
    assert error_in(result)["outcome"] == "not_applied"


async def test_an_answer_that_is_nested_less_deep_is_read(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """An id in it is text, wherever it stands."""
    body = listing(b'{"id": 2, "deep": %b}' % nested(90, b'{"id": 3, "partIds": [4, true, "a"]}'))
    sandbox.faults.add(Fault.status(200, body))
    answer = data_of(await call(server, "list_destinations", STUDIO))
    (item,) = answer["data"]
    deep = item["deep"]
    while isinstance(deep, list):
        (deep,) = deep
    assert (answer["id"], item["id"], deep) == (
        "1",
        "2",
        {"id": "3", "partIds": ["4", True, "a"]},
    )


ITEMS: Final = (b"[]", b"{}", b'{"id":1}', b'{"id":["a",1]}', b'{"id":1,"enabled":"x","name":[]}')


@pytest.mark.timing
@pytest.mark.parametrize("item", ITEMS)
async def test_an_answer_of_4_mib_holds_up_nobody(
    server: Server[Any], sandbox: Sandbox, item: bytes
) -> None:
    """No other call waits for that, above all no stop. The first 10,000 items are read."""
    items = (MOST - len(listing(b""))) // (len(item) + 1)
    body = listing(b",".join([item] * items))
    sandbox.faults.add(Fault.status(200, body), path="*/destinations", times=None)
    before = time.process_time()
    result = await call(server, "check_studio", STUDIO)
    assert time.process_time() - before < 1.2
    assert "only the first 10,000 were read" in str(data_of(result))
