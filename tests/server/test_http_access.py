"""Who may enter over HTTP: tokens, misplaced keys, hosts and origins, over a real socket.

A refused request reaches neither the MCP endpoint nor TRaX.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.world.wire import INITIALIZE, LEGACY, MODERN, HttpWire, read_answer, request, tool_call
from tests.world.world import MINE, Over, World, open_world

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

TOKEN: Final = "token-of-this-server"
APP: Final = "https://app.example.com"

HOSTS: Final = {
    **dict.fromkeys(("localhost", "127.0.0.1:8765", "[::1]:8765"), 200),
    **dict.fromkeys(("mcp.example.com", "mcp.example.com:8443"), 200),
    **dict.fromkeys(("evil.example.com", "mcp.example.com.evil.net"), 421),
    **dict.fromkeys(("127.0.0.1.evil.net", "sub.mcp.example.com"), 421),
}
ORIGINS: Final = {
    **dict.fromkeys(("http://localhost:6274", "http://127.0.0.1", "http://[::1]:6274"), 200),
    **dict.fromkeys((APP, f"{APP}:8443"), 200),
    **dict.fromkeys(("http://app.example.com", "https://evil.example.com", f"{APP}.evil.net"), 403),
    **dict.fromkeys(("https://appxexample.com", "http://localhost.evil.net", "null"), 403),
}
BEARER_KEYS: Final = (f"Bearer {MINE}", f"bearer {MINE}", f"BEARER   {MINE}")
MISSPELT_KEYS: Final = (f"Bearer\t{MINE}", MINE, f"Basic {MINE}", f"Bearer x {MINE}")
WRONG_TOKENS: Final = (
    *("Bearer wrong", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer", "", "Bearer \xe9"),
)
MALFORMED_KEYS: Final = (
    *(b"two words", b"sk_live_\xc3\xa9", b"sk_live_\x80", b"x" * 513, b"tab\tbed"),
)
SPELLINGS: Final = (
    *("/mcp/", "//mcp", "/mcp/x", "/mcp%2F", "/mcp%0a", "/%6dcp", "/MCP", "/healthz/../mcp"),
)
"""Of the path of the endpoint."""


async def enter(it: World, *, era: str = MODERN, **headers: str | bytes) -> httpx.Response:
    """Post a valid first message with these raw headers."""
    message = INITIALIZE if era == LEGACY else request(era, "tools/list")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {**HttpWire(it.http, era).all_headers(message), **named}
    raw = [
        (name.encode(), one if isinstance(one, bytes) else one.encode("latin-1"))
        for name, one in sent.items()
    ]
    return await it.http.post("/mcp", json=message, headers=raw)


# Keys and tokens


async def test_a_trax_key_may_come_as_a_bearer_where_the_server_has_no_tokens() -> None:
    """It is the same caller as with X-API-Key. What is no key counts for nothing, as ever."""
    async with open_world(over=Over.HTTP) as it:
        for header in BEARER_KEYS:
            caller = await it.wire(None, era=LEGACY, authorization=header)
            assert (await caller.call("list_studios"))["structuredContent"]["data"]
            named = HttpWire(it.http, LEGACY, x_api_key=MINE)
            named.session = caller.session
            assert "structuredContent" in await named.call("list_studios")
        assert it.keys == [MINE] * 6


async def test_a_trax_key_in_two_headers_or_without_a_scheme_is_refused() -> None:
    """With 400: which of two counts would be a guess."""
    both = [{"authorization": BEARER_KEYS[0], "x_api_key": key} for key in (MINE, "another")]
    async with open_world(over=Over.HTTP) as it:
        for headers in (*both, *({"authorization": header} for header in MISSPELT_KEYS)):
            answer = await enter(it, **headers)
            assert answer.status_code == 400, headers
            assert read_answer(answer)["error"]["message"] == (
                "Send the TRaX key once, as X-API-Key or as Authorization: Bearer. Nothing was"
                " done."
            )
            assert MINE not in answer.text
        malformed = await enter(it, authorization=f"{BEARER_KEYS[0]}\xe9")
        assert read_answer(malformed)["error"]["message"].startswith("Authorization: A TRaX key is")
        assert it.keys == []


async def test_a_trax_key_is_a_wrong_token_of_a_server_that_has_its_own() -> None:
    """With 401, and the right header is named."""
    async with open_world(over=Over.HTTP, TRAX_MCP_TOKEN=TOKEN) as it:
        for header in (*BEARER_KEYS, *MISSPELT_KEYS):
            for more in ({}, {"x_api_key": MINE}):
                answer = await enter(it, authorization=header, **more)
                assert answer.status_code == 401, header
                assert answer.headers["www-authenticate"] == "Bearer"
                assert "Send it as X-API-Key" in read_answer(answer)["error"]["message"]
                assert MINE not in answer.text
        assert it.keys == []


async def test_a_malformed_key_is_refused() -> None:
    """With 400, naming the header without repeating the key."""
    async with open_world(over=Over.HTTP) as it:
        for key in MALFORMED_KEYS:
            answer = await enter(it, x_api_key=key)
            assert answer.status_code == 400, key
            assert read_answer(answer)["error"]["message"].startswith("X-API-Key: ")
            assert key not in answer.content


async def test_every_request_without_the_servers_token_is_refused() -> None:
    """401 with `WWW-Authenticate` for every method and path, even with a valid TRaX key."""
    async with open_world(over=Over.HTTP, TRAX_MCP_TOKEN=TOKEN) as it:
        for given in ({}, *({"authorization": wrong} for wrong in WRONG_TOKENS)):
            answer = await enter(it, **given, x_api_key=MINE)
            assert answer.status_code == 401, given
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert TOKEN not in answer.text
        without = HttpWire(it.http, LEGACY, x_api_key=MINE)
        assert await without.statuses() == (401, 401)
        for verb in ("OPTIONS", "PUT"):
            assert (await it.http.request(verb, "/mcp")).status_code == 401
        message = tool_call(MODERN, "list_studios")
        headers = HttpWire(it.http, MODERN, x_api_key=MINE).all_headers(message)
        for path in SPELLINGS:
            answer = await it.http.post(f"{it.address}{path}", json=message, headers=headers)
            assert answer.status_code in {401, 404}, path
        assert it.keys == []


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_a_caller_with_the_servers_token_is_served_and_it_is_not_forwarded(
    scheme: str,
) -> None:
    async with open_world(over=Over.HTTP, TRAX_MCP_TOKEN=TOKEN) as it:
        caller = await it.wire(era=LEGACY, authorization=f"{scheme} {TOKEN}")
        assert (await caller.call("list_studios"))["structuredContent"]["data"]
        assert it.keys == [MINE]
        assert TOKEN not in str([sent.headers for sent in it.trax.requests])


async def test_both_tokens_of_the_file_are_accepted_and_no_other(tmp_path: Path) -> None:
    """So that callers can change from one to the other, each when it suits them."""
    old, new = "token-of-may", "token-of-june"
    file = tmp_path / "tokens"
    file.touch(0o600)
    file.write_text(f"{old}\n{new}", encoding="utf-8")
    async with open_world(over=Over.HTTP, TRAX_MCP_TOKEN_FILE=str(file)) as it:
        for token in (old, new):
            assert (await enter(it, authorization=f"Bearer {token}")).status_code == 200
        for wrong in ("third", old[:-1], f"{old}{new}", f"{old} {new}", f"{old},{new}"):
            answer = await enter(it, authorization=f"Bearer {wrong}")
            assert answer.status_code == 401, wrong


# Hosts and origins


async def test_only_allowed_hosts_are_served() -> None:
    """Loopback and `TRAX_ALLOWED_HOSTS` with any port; others may be DNS rebinding."""
    async with open_world(over=Over.HTTP, TRAX_ALLOWED_HOSTS="mcp.example.com, other.ex") as it:
        assert {host: (await enter(it, host=host)).status_code for host in HOSTS} == HOSTS


async def test_only_allowed_origins_are_served() -> None:
    """Loopback and `TRAX_ALLOWED_ORIGINS` with any port; other pages cannot read responses."""
    async with open_world(over=Over.HTTP, TRAX_ALLOWED_ORIGINS=APP) as it:
        answers = {origin: await enter(it, origin=origin) for origin in ORIGINS}
    assert {origin: answer.status_code for origin, answer in answers.items()} == ORIGINS
    readable = {name for name, it in answers.items() if "access-control-allow-origin" in it.headers}
    assert readable == {APP, f"{APP}:8443"}


async def test_only_loopback_is_allowed_by_default() -> None:
    """Without settings, the server serves this machine only."""
    async with open_world(over=Over.HTTP) as it:
        assert (await enter(it, host="mcp.example.com")).status_code == 421
        assert (await enter(it, origin=APP)).status_code == 403


async def test_a_page_from_an_allowed_origin_can_preflight_and_read_the_session() -> None:
    """The preflight needs no token and allows the headers that MCP needs."""
    wanted = "x-api-key,mcp-session-id,authorization,mcp-protocol-version"
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": wanted}
    async with open_world(over=Over.HTTP, TRAX_ALLOWED_ORIGINS=APP, TRAX_MCP_TOKEN=TOKEN) as it:
        for origin in (APP, f"{APP}:8443"):
            preflight = await it.http.options("/mcp", headers={"Origin": origin, **asked})
            assert preflight.status_code == 200
            assert preflight.headers["access-control-allow-origin"] == origin
            allowed = preflight.headers["access-control-allow-headers"].lower().replace(" ", "")
            assert set(wanted.split(",")) <= set(allowed.split(","))
            opened = await enter(it, era=LEGACY, origin=origin, authorization=f"Bearer {TOKEN}")
            assert opened.headers["mcp-session-id"]
            assert opened.headers["access-control-allow-origin"] == origin
            assert "mcp-session-id" in opened.headers["access-control-expose-headers"].lower()
        elsewhere = await it.http.options("/mcp", headers={"Origin": f"{APP}.evil.net", **asked})
        assert elsewhere.status_code == 400
        assert "access-control-allow-origin" not in elsewhere.headers
