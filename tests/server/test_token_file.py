"""`TRAX_MCP_TOKEN_FILE`: two tokens at a time, and a change of tokens while the server serves."""

from __future__ import annotations

import os
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.event_streams import listen_stream
from tests.support.product.local_servers import upstream
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.served_app import plain_http, serving
from tests.support.server_process import running
from tests.support.subscribers import CHAT
from tests.world.wire import MODERN, HttpWire, tool_call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    import httpx

    from tests.support.server_process import Running

OLD, NEW, THIRD = "token-of-may", "token-of-june", "token-of-july"
DRAIN: Final = {"TRAX_DRAIN_SECONDS": "600"}
needs_sighup = pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGHUP")


def write(file: Path, *tokens: str) -> None:
    """Put tokens into a private file."""
    file.touch(0o600)
    file.write_text("\n".join(tokens))


def caller_with(token: str, http: httpx.AsyncClient) -> HttpWire:
    return HttpWire(http, MODERN, authorization=f"Bearer {token}", x_api_key=SANDBOX_KEY)


async def statuses(http: httpx.AsyncClient) -> list[int]:
    """What a call with each token is answered."""
    return [
        (await caller_with(it, http).post(tool_call(MODERN, "list_studios"))).status_code
        for it in (OLD, NEW, THIRD)
    ]


@asynccontextmanager
async def served_with(
    file: Path, *, program: Sequence[str] = ("-m", "trax_mcp")
) -> AsyncIterator[tuple[Running, httpx.AsyncClient]]:
    """A server process that reads its tokens from a file."""
    async with upstream() as trax:
        settings = {"TRAX_BASE_URL": trax.base_url, "TRAX_MCP_TOKEN_FILE": str(file), **DRAIN}
        async with (
            running("http", "--port", "0", settings=settings, program=program) as server,
            plain_http(await server.address()) as http,
        ):
            yield server, http


async def test_both_tokens_of_the_file_are_accepted_and_no_other(tmp_path: Path) -> None:
    """So that callers can change from one to the other, each when it suits them."""
    write(tmp_path / "tokens", OLD, NEW)
    async with serving(TRAX_MCP_TOKEN_FILE=str(tmp_path / "tokens")) as front:
        assert await statuses(front.http) == [200, 200, 401]
        for wrong in (OLD[:-1], f"{OLD}{NEW}", f"{OLD} {NEW}", f"{OLD},{NEW}"):
            answer = await caller_with(wrong, front.http).post(tool_call(MODERN, "list_studios"))
            assert answer.status_code == 401, wrong
        assert OLD not in front.sent


@needs_sighup
async def test_sighup_reads_the_file_again_and_nothing_ends(tmp_path: Path) -> None:
    """No drain begins, and an open stream goes on, also where its token counts no more."""
    file = tmp_path / "tokens"
    write(file, OLD)
    async with served_with(file) as (server, http):
        assert await statuses(http) == [200, 401, 401]
        async with listen_stream(caller_with(OLD, http), CHAT) as stream:
            for tokens, count, expected in (
                ((OLD, NEW), "two tokens", [200, 200, 401]),
                ((NEW,), "one token", [401, 200, 401]),
            ):
                write(file, *tokens)
                server.process.send_signal(signal.SIGHUP)
                await server.stderr.match(f"TRAX_MCP_TOKEN_FILE was read again, .* {count}")
                assert await statuses(http) == expected
            assert (await http.get("/readyz")).json() == {"status": "ready"}
            assert not stream.ended
        assert await server.stop(signal.SIGINT) == 0
    assert [it for it in (OLD, NEW) if it in server.stderr.text] == []


@needs_sighup
async def test_sighup_reads_the_file_again_where_nohup_had_it_ignored(tmp_path: Path) -> None:
    """Else a token that was taken out would count on, and nothing would say so."""
    file = tmp_path / "tokens"
    write(file, OLD)
    program = (
        "import runpy, signal;"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN);"
        "runpy.run_module('trax_mcp', run_name='__main__', alter_sys=True)"
    )
    async with served_with(file, program=("-c", program)) as (server, http):
        write(file, NEW)
        server.process.send_signal(signal.SIGHUP)
        await server.stderr.match("TRAX_MCP_TOKEN_FILE was read again, .* one token")
        assert await statuses(http) == [401, 200, 401]


@needs_sighup
@pytest.mark.parametrize("damage", ["empty", "open to others", "gone", "wrong"])
async def test_a_file_that_is_no_good_changes_nothing(tmp_path: Path, damage: str) -> None:
    """The log says why, without a token. Nobody gets in who could not before."""
    file = tmp_path / "tokens"
    write(file, OLD)
    async with served_with(file) as (server, http):
        match damage:
            case "empty":
                write(file)
            case "open to others":
                write(file, NEW)
                file.chmod(0o644)
            case "gone":
                file.unlink()
            case _:
                write(file, NEW, f"sk_live_{THIRD}")
        server.process.send_signal(signal.SIGHUP)
        await server.stderr.match("ERROR .*TRAX_MCP_TOKEN_FILE .* The tokens from before count on.")
        assert await statuses(http) == [200, 401, 401]
        assert (await http.get("/mcp")).status_code == 401
    assert [it for it in (OLD, NEW, THIRD) if it in server.stderr.text] == []
