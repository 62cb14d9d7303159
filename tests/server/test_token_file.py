"""`TRAX_MCP_TOKEN_FILE`: two tokens count at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.served_app import serving
from tests.world.wire import MODERN, HttpWire, tool_call

if TYPE_CHECKING:
    from pathlib import Path

    import httpx


OLD, NEW, THIRD = "token-of-may", "token-of-june", "token-of-july"


def write(file: Path, *tokens: str) -> None:
    """Put tokens into a private file."""
    file.touch(0o600)
    file.write_text("\n".join(tokens), encoding="utf-8")


def caller_with(token: str, http: httpx.AsyncClient) -> HttpWire:
    return HttpWire(http, MODERN, authorization=f"Bearer {token}", x_api_key=SANDBOX_KEY)


async def statuses(http: httpx.AsyncClient) -> list[int]:
    """What a call with each token is answered."""
    return [
        (await caller_with(it, http).post(tool_call(MODERN, "list_studios"))).status_code
        for it in (OLD, NEW, THIRD)
    ]


async def test_both_tokens_of_the_file_are_accepted_and_no_other(tmp_path: Path) -> None:
    """So that callers can change from one to the other, each when it suits them."""
    write(tmp_path / "tokens", OLD, NEW)
    async with serving(TRAX_MCP_TOKEN_FILE=str(tmp_path / "tokens")) as front:
        assert await statuses(front.http) == [200, 200, 401]
        for wrong in (OLD[:-1], f"{OLD}{NEW}", f"{OLD} {NEW}", f"{OLD},{NEW}"):
            answer = await caller_with(wrong, front.http).post(tool_call(MODERN, "list_studios"))
            assert answer.status_code == 401, wrong
        assert OLD not in front.sent
