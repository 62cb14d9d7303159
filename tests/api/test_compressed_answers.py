"""Answers that are compressed although plain was asked for: a gateway may do that to each."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.conftest import call
from tests.support.product.faults import Fault
from tests.support.product.virtual_time import in_virtual_time
from tests.support.single_faults import READ, WRITE, results_of
from tests.world.answers import error_in, plain_data_of, text_of
from tests.world.world import MINE, Over, open_world

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp.server import Server

    from tests.support.product.exchanges import Response
    from tests.support.product.sandbox import Sandbox


def raw_deflate(body: bytes) -> bytes:
    """Without the form of zlib, as some servers send it."""
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(body) + deflater.flush()


def in_members(body: bytes) -> bytes:
    """Each half alone, as gzip allows."""
    half = len(body) // 2
    return gzip.compress(body[:half]) + gzip.compress(body[half:])


READABLE: Final[dict[str, tuple[str, Callable[[bytes], bytes]]]] = {
    "gzip": ("gzip", gzip.compress),
    "gzip in members": ("gzip", in_members),
    "x-gzip": ("X-GZIP", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
}
MOST: Final = 4 << 20


def compressed(encoding: str, compress: Callable[[bytes], bytes]) -> Fault:
    """The call is handled, and its answer compressed."""

    def rewrite(response: Response) -> Response:
        headers = {**response.headers, "Content-Encoding": encoding}
        return replace(response, body=compress(response.body), headers=headers)

    return Fault.rewritten(rewrite)


@pytest.mark.parametrize("name", READABLE)
@in_virtual_time
async def test_a_compressed_answer_is_read(name: str) -> None:
    """As if it were plain: reads, changes and refusals."""
    async with open_world(MINE, virtual=True, over=Over.HTTP) as it:
        plain = await it[MINE].call("list_studios")
        it.trax.faults.add(compressed(*READABLE[name]), times=None)
        read = await it[MINE].call("list_studios")
        changed = await it[MINE].call("update_studio", studioId="studio_42", name="Late")
        refused = await it[MINE].call("get_studio", studioId="nobody")
    assert plain_data_of(read) == plain_data_of(plain)
    assert plain_data_of(changed)["name"] == "Late"
    assert error_in(refused)["code"] == "not_found"


@pytest.mark.parametrize("name", READABLE)
async def test_a_small_answer_that_grows_too_large_is_refused_with_little_memory(
    server: Server[Any], sandbox: Sandbox, name: str
) -> None:
    """A bomb: 64 MiB in a sixteenth of one."""
    encoding, compress = READABLE[name]
    bomb = compress(b'{"a": "' + bytes(64 << 20))
    fault = Fault.status(200, bomb, headers={"Content-Encoding": encoding})
    await call(server, *READ)
    sandbox.faults.add(fault, times=None)
    tracemalloc.start()
    try:
        result = await call(server, *READ)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert text_of(result) == (
        "The answer to get_stream_status is larger than 4 MiB. Call again later."
    )
    assert peak < 4 * MOST


async def test_an_answer_of_exactly_four_mib_is_read(server: Server[Any], sandbox: Sandbox) -> None:
    """One byte more is too large, whatever it was before."""
    for size, is_read in ((MOST, True), (MOST + 1, False)):
        body = b'{"live": false, "a": "'
        body += b"x" * (size - len(body) - 2) + b'"}'
        headers = {"Content-Encoding": "gzip"}
        sandbox.faults.add(Fault.status(200, gzip.compress(body), headers=headers))
        assert (await call(server, *READ)).is_error is not is_read


UNREADABLE: Final[dict[str, tuple[str, bytes, str]]] = {
    "br": ("br", b"\x0b\x02\x80", "is compressed (br), which trax-mcp can't read"),
    "zstd": ("zstd", b"(\xb5/\xfd", "is compressed (zstd), which trax-mcp can't read"),
    "twice": ("gzip, br", b"?", "is compressed, which trax-mcp can't read"),
    "no word": ("<obey>", b"?", "is compressed, which trax-mcp can't read"),
    "damaged": ("gzip", b"nothing of gzip", "is compressed (gzip), and damaged"),
    "cut off": ("gzip", gzip.compress(b"{}")[:-4], "is compressed (gzip), and cut off"),
    "cut off later": (
        "gzip",
        gzip.compress(b"{") + gzip.compress(b"}")[:-4],
        "is compressed (gzip), and cut off",
    ),
    "goes on": ("gzip", gzip.compress(b"{}") + b"{}", "is compressed (gzip), and damaged"),
}


@pytest.mark.parametrize("name", UNREADABLE)
async def test_another_compression_is_named(
    server: Server[Any], sandbox: Sandbox, name: str
) -> None:
    """No second call would help. After a change, nothing is known."""
    encoding, body, why = UNREADABLE[name]
    fault = Fault.status(200, body, headers={"Content-Encoding": encoding})
    (read,) = await results_of(server, sandbox, READ, [fault])
    (write,) = await results_of(server, sandbox, WRITE, [fault])
    assert text_of(read) == (f"The answer to get_stream_status {why}. Run `trax-mcp doctor`.")
    assert text_of(write) == (
        f"The answer to send_chat_message {why}. It's unclear whether it took effect."
        " Check with list_chat_messages before anything else."
    )
    assert [error_in(it)["outcome"] for it in (read, write)] == ["not_applied", "unknown"]
    assert [error_in(it)["retryable"] for it in (read, write)] == [False, False]


async def test_the_error_in_a_compression_that_is_not_read_counts_by_its_status(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """The status is enough to know that nothing was done."""
    body = json.dumps({"error": {"code": "not_found"}}).encode()
    fault = Fault.status(404, body, headers={"Content-Encoding": "br"})
    (result,) = await results_of(server, sandbox, WRITE, [fault])
    assert text_of(result).startswith("TRaX refused the call (HTTP 404). Nothing changed.")
