"""HTTP: which key is sent to TRaX, and who may use a session. Over real sockets."""

from __future__ import annotations

from itertools import product

import pytest
from mcp import Client

from tests import ROOT
from tests.support.product.local_servers import upstream
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY, READONLY_KEY
from tests.support.served_app import error_code, plain_http, sdk_connection, serving
from tests.support.server_process import running
from tests.world.wire import ERAS, LEGACY, MODERN, HttpWire, opening, request, tool_call

NOT_FOUND = 404
PROMPTS = sorted(file.stem for file in (ROOT / "prompts").glob("*.md"))


@pytest.mark.parametrize("mode", [LEGACY, "auto", MODERN])
async def test_a_client_lists_and_calls_with_its_own_key(mode: str) -> None:
    """With the SDK's client: tools, prompts, a successful call and a forbidden one."""
    async with (
        serving() as front,
        sdk_connection(front.address, {"X-API-Key": READONLY_KEY}) as connection,
        Client(connection, mode=mode, cache=None) as client,
    ):
        tools = (await client.list_tools()).tools
        studios = await client.call_tool("list_studios", {})
        refused = await client.call_tool("create_studio", {"name": "Mine"})
        prompts = (await client.list_prompts()).prompts
        prompt = await client.get_prompt("go_live", {"studio": "Friday Night Show"})
    assert "go_live" in [tool.name for tool in tools]
    assert "Friday Night Show" in str(studios.structured_content)
    assert error_code({"structuredContent": refused.structured_content}) == "insufficient_scope"
    assert [it.name for it in prompts] == PROMPTS
    assert "Friday Night Show" in str(prompt.messages[0].content)
    assert front.keys == [READONLY_KEY] * 2


async def test_the_key_belongs_to_the_request_and_not_to_the_connection(era: str) -> None:
    """A proxy may send several callers' requests on one connection."""
    async with serving() as front:
        for key in (SANDBOX_KEY, ANOTHER_ACCOUNT_KEY, SANDBOX_KEY):
            await (await front.opened(era, x_api_key=key)).call("list_studios")
        without = await (await front.opened(era)).call("list_studios")
    assert error_code(without) == "no_key"
    assert front.keys == [SANDBOX_KEY, ANOTHER_ACCOUNT_KEY, SANDBOX_KEY]


async def test_the_operators_key_is_never_used_for_callers() -> None:
    """With `TRAX_API_KEY` set, a caller without a key still has none."""
    async with upstream() as trax:
        settings = {"TRAX_API_KEY": SANDBOX_KEY, "TRAX_BASE_URL": trax.base_url}
        async with (
            running("http", "--port", "0", settings=settings) as server,
            plain_http(await server.address()) as http,
        ):
            for caller in [HttpWire(http, era) for era in ERAS]:
                await caller.open()
                result = await caller.call("list_studios")
                assert error_code(result) == "no_key"
                assert "X-API-Key" in result["content"][0]["text"]
                health = await caller.call("get_health")
                assert health["structuredContent"]["writeEnabled"]
    assert [it.path for it in trax.requests] == ["/v1/health"] * len(ERAS)
    assert SANDBOX_KEY not in str([it.headers for it in trax.requests])


async def test_a_caller_needs_no_key_on_the_sandbox() -> None:
    """The sandbox's own key is used; a caller's own key still takes precedence."""
    async with serving(TRAX_SANDBOX="1") as front:
        for era in ERAS:
            keyless = await front.opened(era)
            own = await front.opened(era, x_api_key=ANOTHER_ACCOUNT_KEY)
            studios = await keyless.call("list_studios")
            assert "Friday Night Show" in str(studios["structuredContent"])
            other_studios = await own.call("list_studios")
            assert "Friday Night Show" not in str(other_studios["structuredContent"])


async def test_authorization_is_never_forwarded() -> None:
    async with serving() as front:
        header = "Bearer for-somebody-else"
        with_key = await front.opened(MODERN, x_api_key=SANDBOX_KEY, authorization=header)
        await with_key.call("list_studios")
        without = await front.opened(MODERN, authorization=header)
        assert error_code(await without.call("list_studios")) == "no_key"
    assert front.keys == [SANDBOX_KEY]
    assert "for-somebody-else" not in front.sent


async def test_an_empty_key_counts_as_no_key() -> None:
    """Clients send an empty header for an empty setting."""
    async with serving() as front:
        caller = await front.opened(MODERN, x_api_key="")
        assert error_code(await caller.call("list_studios")) == "no_key"
    assert front.keys == []


@pytest.mark.parametrize(
    ("own", "other"),
    [
        ({"x_api_key": SANDBOX_KEY}, {"x_api_key": ANOTHER_ACCOUNT_KEY}),
        ({"x_api_key": SANDBOX_KEY}, {}),
        ({}, {"x_api_key": SANDBOX_KEY}),
    ],
    ids=["other key", "no key", "a key on a session without"],
)
async def test_a_session_belongs_to_the_key_that_opened_it(
    own: dict[str, str], other: dict[str, str]
) -> None:
    """POST, GET and DELETE with another key or none get 404, and the session stays open."""
    async with serving() as front:
        owner = await front.opened(LEGACY, **own)
        intruder = front.caller(LEGACY, **other)
        intruder.session = owner.session
        posted = await intruder.post(tool_call(LEGACY, "list_studios"))
        assert (posted.status_code, *(await intruder.statuses())) == (NOT_FOUND,) * 3
        assert not (await owner.call("get_health")).get("isError")
        assert await owner.statuses() == (200, 200)
        after = await owner.post(tool_call(LEGACY, "get_health"))
    assert after.status_code == NOT_FOUND
    assert front.keys == [own.get("x_api_key", "")]


async def test_the_endpoint_with_a_slash_is_the_endpoint(era: str) -> None:
    """A redirect would lead to http behind a proxy, with the key of some clients."""
    async with serving() as front:
        caller = front.caller(era, x_api_key=SANDBOX_KEY)
        message = next(iter(opening(era)), request(era, "tools/list"))
        answer = await front.http.post("/mcp/", json=message, headers=caller.all_headers(message))
    assert answer.status_code == 200


async def test_no_address_with_a_slash_too_many_leads_elsewhere() -> None:
    """A redirect would lead to http behind a proxy, with the key of some clients."""
    async with serving() as front:
        for method, path in product(("GET", "POST"), ("/mcp//", "/healthz/", "/readyz/")):
            answer = await front.http.request(method, path, headers={"X-API-Key": SANDBOX_KEY})
            assert answer.status_code == NOT_FOUND
