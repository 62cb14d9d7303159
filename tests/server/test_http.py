"""HTTP: which key is sent to TRaX, and who may use a session. Over real sockets."""

from __future__ import annotations

from itertools import product

import anyio
import pytest

from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY, READONLY_KEY
from tests.support.product.virtual_time import in_virtual_time
from tests.support.raw_connections import GET, LAST_GET, connected
from tests.support.repository import repository_files
from tests.world.answers import data_of, error_in
from tests.world.wire import ERAS, LEGACY, MODERN, HttpWire, error_code, opening, request, tool_call
from tests.world.world import MINE, Over, open_world

NOT_FOUND = 404
PROMPTS = [file.stem for file in repository_files("prompts/*.md")]


@pytest.mark.parametrize("mode", [LEGACY, "auto", MODERN])
async def test_a_client_lists_and_calls_with_its_own_key(mode: str) -> None:
    """With the SDK's client: tools, prompts, a successful call and a forbidden one."""
    async with open_world(READONLY_KEY, over=Over.HTTP, era=mode) as it:
        caller = it[READONLY_KEY]
        assert "go_live" in [tool.name for tool in (await caller.client.list_tools()).tools]
        assert "Friday Night Show" in str(data_of(await caller.call("list_studios")))
        refused = await caller.call("create_studio", name="Mine")
        assert error_in(refused)["code"] == "insufficient_scope"
        assert [one.name for one in (await caller.client.list_prompts()).prompts] == PROMPTS
        prompt = await caller.client.get_prompt("start_stream", {"studio": "Friday Night Show"})
        assert "Friday Night Show" in str(prompt.messages[0].content)
        assert it.keys == [READONLY_KEY] * 2


async def test_the_key_belongs_to_the_request_and_not_to_the_connection(era: str) -> None:
    """A proxy may send several callers' requests on one connection. An empty key is none."""
    async with open_world(over=Over.HTTP) as it:
        for key in (MINE, ANOTHER_ACCOUNT_KEY, MINE, None, ""):
            headers = {} if key is None else {"x_api_key": key}
            caller = HttpWire(it.http, era, **headers)
            await caller.open()
            answer = await caller.call("list_studios")
            assert key or error_code(answer) == "no_key"
        assert it.keys == [MINE, ANOTHER_ACCOUNT_KEY, MINE]


@in_virtual_time
async def test_a_connection_that_a_client_kept_idle_for_a_minute_is_answered() -> None:
    """Clients close theirs sooner, so no request meets the moment in which the server does."""
    async with (
        open_world(over=Over.HTTP, virtual=True) as it,
        connected(it.address) as connection,
    ):
        connection.send(GET)
        assert await connection.status() == 200
        await anyio.sleep(60)
        connection.send(LAST_GET)
        assert b"HTTP/1.1 200" in await connection.response()


async def test_the_operators_key_is_never_used_for_callers() -> None:
    """With `TRAX_API_KEY` set, a caller without a key still has none. A process reads it."""
    async with open_world(over=Over.PROCESS, TRAX_API_KEY=MINE) as it:
        for era in ERAS:
            caller = await it.wire(None, era=era)
            result = await caller.call("list_studios")
            assert error_code(result) == "no_key"
            assert "X-API-Key" in result["content"][0]["text"]
            health = await caller.call("get_health")
            assert health["structuredContent"]["writeEnabled"]
        assert it.received == {"GET /v1/health": len(ERAS)}
        assert MINE not in str([sent.headers for sent in it.trax.requests])


async def test_a_caller_needs_no_key_on_the_sandbox(era: str) -> None:
    """The sandbox's own key is used; a caller's own key still takes precedence."""
    async with open_world(over=Over.HTTP, era=era, TRAX_SANDBOX="1") as it:
        for key, is_owner in ((None, True), (ANOTHER_ACCOUNT_KEY, False)):
            studios = (await (await it.wire(key)).call("list_studios"))["structuredContent"]
            assert ("Friday Night Show" in str(studios)) is is_owner


async def test_authorization_is_never_forwarded() -> None:
    async with open_world(over=Over.HTTP) as it:
        header = "Bearer for-somebody-else"
        await (await it.wire(authorization=header)).call("list_studios")
        without = await it.wire(None, authorization=header)
        assert error_code(await without.call("list_studios")) == "no_key"
        assert it.keys == [MINE]
        assert "for-somebody-else" not in str([sent.headers for sent in it.trax.requests])


@pytest.mark.parametrize(
    ("own", "other"),
    [(MINE, ANOTHER_ACCOUNT_KEY), (MINE, ""), ("", MINE)],
    ids=["other key", "no key", "a key on a session without"],
)
async def test_a_session_belongs_to_the_key_that_opened_it(own: str, other: str) -> None:
    """POST, GET and DELETE with another key or none get 404, and the session stays open."""
    async with open_world(over=Over.HTTP) as it:
        owner = await it.wire(own, era=LEGACY)
        intruder = HttpWire(it.http, LEGACY, x_api_key=other)
        intruder.session = owner.session
        posted = await intruder.post(tool_call(LEGACY, "list_studios"))
        assert (posted.status_code, *(await intruder.statuses())) == (NOT_FOUND,) * 3
        assert not (await owner.call("get_health")).get("isError")
        assert await owner.statuses() == (200, 200)
        assert (await owner.post(tool_call(LEGACY, "get_health"))).status_code == NOT_FOUND
        assert it.keys == [own]


async def test_only_the_endpoint_may_have_a_slash_at_its_end(era: str) -> None:
    """A redirect would lead to http behind a proxy, with the key of some clients."""
    message = next(iter(opening(era)), request(era, "tools/list"))
    async with open_world(over=Over.HTTP) as it:
        headers = HttpWire(it.http, era, x_api_key=MINE).all_headers(message)
        answer = await it.http.post("/mcp/", json=message, headers=headers)
        assert answer.status_code == 200
        for method, path in product(("GET", "POST"), ("/mcp//", "/healthz/", "/readyz/")):
            answer = await it.http.request(method, path, headers=headers)
            assert answer.status_code == NOT_FOUND
