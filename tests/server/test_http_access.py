"""Who may enter over HTTP: tokens, misplaced keys, hosts and origins, over a real socket.

A refused request reaches neither the MCP endpoint nor TRaX.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.served_app import serving
from tests.world.wire import INITIALIZE, LEGACY, MODERN, read_answer, request, tool_call

if TYPE_CHECKING:
    import httpx

    from tests.support.served_app import Front

TOKEN = "token-of-this-server"
APP = "https://app.example.com"

HOSTS = {
    "localhost": 200,
    "127.0.0.1:8765": 200,
    "[::1]:8765": 200,
    "mcp.example.com": 200,
    "mcp.example.com:8443": 200,
    "evil.example.com": 421,
    "mcp.example.com.evil.net": 421,
    "127.0.0.1.evil.net": 421,
    "sub.mcp.example.com": 421,
}
ORIGINS = {
    "http://localhost:6274": 200,
    "http://127.0.0.1": 200,
    "http://[::1]:6274": 200,
    APP: 200,
    f"{APP}:8443": 200,
    "http://app.example.com": 403,
    "https://evil.example.com": 403,
    f"{APP}.evil.net": 403,
    "https://appxexample.com": 403,
    "http://localhost.evil.net": 403,
    "null": 403,
}
MISPLACED_KEYS = [
    f"Bearer {SANDBOX_KEY}",
    f"bearer {SANDBOX_KEY}",
    f"BEARER   {SANDBOX_KEY}",
    f"Bearer\t{SANDBOX_KEY}",
    SANDBOX_KEY,
]
WRONG_TOKENS = [
    None,
    "Bearer wrong",
    f"Bearer {TOKEN}x",
    f"Basic {TOKEN}",
    TOKEN,
    "Bearer",
    "",
    "Bearer \xe9",
]
MALFORMED_KEYS = [b"two words", b"sk_live_\xc3\xa9", b"sk_live_\x80", b"x" * 513, b"tab\tbed"]


async def enter(
    front: Front, headers: dict[str, str | bytes], *, era: str = MODERN
) -> httpx.Response:
    """Post a valid first message with these raw headers."""
    message = INITIALIZE if era == LEGACY else request(era, "tools/list")
    sent = {**front.caller(era).all_headers(message), **headers}
    raw = [
        (name.encode(), it if isinstance(it, bytes) else it.encode("latin-1"))
        for name, it in sent.items()
    ]
    return await front.http.post("/mcp", json=message, headers=raw)


@pytest.mark.parametrize("settings", [{}, {"TRAX_MCP_TOKEN": TOKEN}], ids=["no token", "token"])
async def test_a_trax_key_in_authorization_is_refused_naming_the_right_header(
    settings: dict[str, Any],
) -> None:
    """With 400; a 401 would make clients look for OAuth."""
    async with serving(**settings) as front:
        for header in MISPLACED_KEYS:
            answer = await enter(front, {"Authorization": header})
            assert answer.status_code == 400, header
            assert "X-API-Key" in read_answer(answer)["error"]["message"]
            assert "www-authenticate" not in answer.headers
            assert SANDBOX_KEY not in answer.text
    assert front.keys == []


async def test_a_malformed_key_is_refused() -> None:
    """With 400, naming the header without repeating the key."""
    async with serving() as front:
        for key in MALFORMED_KEYS:
            answer = await enter(front, {"X-API-Key": key})
            assert answer.status_code == 400, key
            assert read_answer(answer)["error"]["message"].startswith("X-API-Key: ")
            assert key not in answer.content


async def test_every_request_without_the_servers_token_is_refused() -> None:
    """401 with `WWW-Authenticate` for every method, even with a valid TRaX key."""
    async with serving(TRAX_MCP_TOKEN=TOKEN) as front:
        for wrong in WRONG_TOKENS:
            given = {} if wrong is None else {"Authorization": wrong}
            answer = await enter(front, {**given, "X-API-Key": SANDBOX_KEY})
            assert answer.status_code == 401, wrong
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert TOKEN not in answer.text
        assert await front.caller(LEGACY, x_api_key=SANDBOX_KEY).statuses() == (401, 401)
        for verb in ("OPTIONS", "PUT"):
            assert (await front.http.request(verb, "/mcp")).status_code == 401
    assert front.keys == []


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_a_caller_with_the_servers_token_is_served_and_it_is_not_forwarded(
    scheme: str,
) -> None:
    async with serving(TRAX_MCP_TOKEN=TOKEN) as front:
        caller = await front.opened(
            LEGACY, authorization=f"{scheme} {TOKEN}", x_api_key=SANDBOX_KEY
        )
        result = await caller.call("list_studios")
    assert result["structuredContent"]["data"]
    assert front.keys == [SANDBOX_KEY]
    assert TOKEN not in front.sent


async def test_no_other_spelling_of_the_path_bypasses_the_token() -> None:
    """Slashes, case and percent-encoding."""
    async with serving(TRAX_MCP_TOKEN=TOKEN) as front:
        message = tool_call(MODERN, "list_studios")
        headers = front.caller(MODERN, x_api_key=SANDBOX_KEY).all_headers(message)
        for path in (
            "/mcp/",
            "//mcp",
            "/mcp/x",
            "/mcp%2F",
            "/mcp%0a",
            "/%6dcp",
            "/MCP",
            "/healthz/../mcp",
        ):
            url = f"{front.address}{path}"
            answer = await front.http.post(url, json=message, headers=headers)
            assert answer.status_code in {401, 404}, path
    assert front.keys == []


async def test_only_allowed_hosts_are_served() -> None:
    """Loopback and `TRAX_ALLOWED_HOSTS` with any port; others may be DNS rebinding."""
    async with serving(TRAX_ALLOWED_HOSTS="mcp.example.com, other.example.com") as front:
        answers = {host: await enter(front, {"Host": host}) for host in HOSTS}
    assert {host: answer.status_code for host, answer in answers.items()} == HOSTS


async def test_only_allowed_origins_are_served() -> None:
    """Loopback and `TRAX_ALLOWED_ORIGINS` with any port; other pages cannot read responses."""
    async with serving(TRAX_ALLOWED_ORIGINS=APP) as front:
        answers = {origin: await enter(front, {"Origin": origin}) for origin in ORIGINS}
    assert {origin: answer.status_code for origin, answer in answers.items()} == ORIGINS
    readable = {name for name, it in answers.items() if "access-control-allow-origin" in it.headers}
    assert readable == {APP, f"{APP}:8443"}


async def test_only_loopback_is_allowed_by_default() -> None:
    """Without settings, the server serves this machine only."""
    async with serving() as front:
        named = await enter(front, {"Host": "mcp.example.com"})
        from_page = await enter(front, {"Origin": APP})
    assert (named.status_code, from_page.status_code) == (421, 403)


async def test_a_page_from_an_allowed_origin_can_preflight_and_read_the_session() -> None:
    """The preflight needs no token and allows the headers that MCP needs."""
    wanted = "x-api-key,mcp-session-id,authorization,mcp-protocol-version"
    preflight_headers = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": wanted,
    }
    async with serving(TRAX_ALLOWED_ORIGINS=APP, TRAX_MCP_TOKEN=TOKEN) as front:
        for origin in (APP, f"{APP}:8443"):
            preflight = await front.http.options(
                "/mcp", headers={"Origin": origin, **preflight_headers}
            )
            assert preflight.status_code == 200
            assert preflight.headers["access-control-allow-origin"] == origin
            allowed = preflight.headers["access-control-allow-headers"].lower().replace(" ", "")
            assert set(wanted.split(",")) <= set(allowed.split(","))
            given: dict[str, str | bytes] = {"Origin": origin, "Authorization": f"Bearer {TOKEN}"}
            opened = await enter(front, given, era=LEGACY)
            assert opened.headers["mcp-session-id"]
            assert opened.headers["access-control-allow-origin"] == origin
            assert "mcp-session-id" in opened.headers["access-control-expose-headers"].lower()


async def test_a_preflight_from_another_origin_is_refused() -> None:
    """So the browser sends no request."""
    async with serving(TRAX_ALLOWED_ORIGINS=APP) as front:
        headers = {"Origin": f"{APP}.evil.net", "Access-Control-Request-Method": "POST"}
        preflight = await front.http.options("/mcp", headers=headers)
    assert preflight.status_code == 400
    assert "access-control-allow-origin" not in preflight.headers
