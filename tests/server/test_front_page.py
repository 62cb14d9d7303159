"""What a person sees who opens the server's address in a browser. MCP clients see no difference."""

from __future__ import annotations

from typing import Final

from tests.support.html_forms import text_of
from tests.world.world import MINE, Over, open_world

BROWSER: Final = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
STREAM: Final = "text/event-stream"


async def test_a_browser_shows_that_the_server_runs_and_its_address() -> None:
    async with open_world(MINE, over=Over.HTTP) as it:
        for path in ("/", "/mcp", "/mcp/"):
            page = await it.http.get(path, headers={"Accept": BROWSER})
            assert page.status_code == 200
            assert page.headers["content-type"] == "text/html; charset=utf-8"
            assert page.headers["content-security-policy"].startswith("default-src 'none'; ")
            address = it.address.removeprefix("http://").removesuffix("/mcp")
            assert text_of(page.text.partition("<body>")[2]) == (
                "trax-mcp is running Give your assistant this address:"
                f" {address}/mcp For how to add it, see docs/clients.md."
            )
        assert it.keys == []


async def test_a_page_under_another_name_shows_nothing() -> None:
    """It may be DNS rebinding."""
    async with open_world(MINE, over=Over.HTTP) as it:
        for path in ("/", "/mcp"):
            headers = {"Accept": BROWSER, "Host": "evil.example"}
            refused = await it.http.get(path, headers=headers)
            assert (refused.status_code, "evil" in refused.text) == (421, False)


async def test_what_no_browser_asks_for_is_answered_as_mcp_has_it() -> None:
    asked: dict[str, dict[str, str]] = {
        "any content": {"Accept": "*/*"},
        "a stream": {"Accept": STREAM},
        "a stream or a page": {"Accept": f"{STREAM}, text/html"},
        "a session": {"Accept": BROWSER, "Mcp-Session-Id": "none"},
        "a version": {"Accept": BROWSER, "MCP-Protocol-Version": "2025-11-25"},
    }
    async with open_world(MINE, over=Over.HTTP) as it:
        for what, headers in asked.items():
            for path in ("/", "/mcp"):
                answer = await it.http.get(path, headers=headers)
                assert answer.status_code >= 400, (what, path)
                assert answer.json()["jsonrpc"] == "2.0", (what, path)
        posted = await it.http.post("/", headers={"Accept": BROWSER})
        assert posted.status_code == 404
