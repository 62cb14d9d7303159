"""Completions when TRaX fails or is slow, and with several callers.

Through a real client; over sockets where callers matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import anyio
import mcp_types as types
import pytest
from mcp.shared.exceptions import MCPError

from tests.conftest import OWNER, client_on
from tests.support.completion_requests import (
    CHAT,
    STATUS,
    WHOLE_STUDIO,
    completed,
    completion_params,
    suggested,
)
from tests.support.fact_reads import ACCOUNTS, PLACES, STUDIOS, asked, narrow
from tests.support.jsonrpc import read_answer, request
from tests.support.product.faults import Fault
from tests.support.product.local_servers import Held
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY, READONLY_KEY
from tests.support.product.shared_clock import settled
from tests.support.resource_reads import client_of
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.subscribers import manual_clock_server, subscriber_of
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.server.app import ServerDeps, build_server
from trax_mcp.server.tool_filter import ToolFilter

if TYPE_CHECKING:
    from mcp import Client
    from mcp.server import Server

    from tests.support.product.sandbox import Sandbox
    from tests.support.product.shared_clock import HandClock
    from trax_mcp.api.client import Client as Trax

SHOW: Final = "Friday Night Show"

FAULTS: Final = (
    Fault.error(401, "invalid_key"),
    Fault.error(429, "rate_limited", Retry_After="7"),
    Fault.status(500, "<html>"),
    Fault.dropped(),
    Fault.status(200, {"data": [{"id": 7}]}),
    Fault.status(200, {"data": [], "nextCursor": "the same"}),
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda it: it.name)
async def test_a_failing_trax_gives_no_suggestions(
    server: Server[Any], *, sandbox: Sandbox, fault: Fault
) -> None:
    """No protocol error; the failure is not cached."""
    async with client_of(server) as client:
        sandbox.faults.add(fault, times=None)
        for reference, argument in (
            ("go_live", "studio"),
            ("set_up_destination", "platform"),
            ("set_up_destination", "connection"),
            (CHAT, "studioId"),
        ):
            assert await suggested(client, reference, argument, studio=SHOW) == []
        sandbox.faults.clear()
        assert SHOW in await suggested(client, "go_live", "studio")


async def test_a_slow_trax_gives_no_suggestions_after_five_seconds(
    sandbox: Sandbox, clock: HandClock
) -> None:
    """The next request reads again."""
    trax = client_on(sandbox, timeout_seconds=10 * PATIENCE_SECONDS)
    server = build_server(trax, own=OWNER, deps=ServerDeps(clock=clock))
    held = Held()
    sandbox.faults.add(held.fault)
    async with client_of(server) as client, anyio.create_task_group() as typing:
        answers: list[types.Completion] = []

        async def complete() -> None:
            answers.append(await completed(client, "go_live", "studio"))

        typing.start_soon(complete)
        await held.arrived()
        clock.advance(4.9)
        await settled()
        assert answers == []
        clock.advance(0.1)
        with anyio.fail_after(PATIENCE_SECONDS):
            while not answers:
                await anyio.lowlevel.checkpoint()
        assert answers == [types.Completion(values=[], total=0, has_more=False)]
        assert SHOW in await suggested(client, "go_live", "studio")


@pytest.mark.parametrize(
    ("without", "platforms"),
    [
        (("connections:read",), ["youtube", "twitch", "kick"]),
        (("destinations:read",), ["youtube", "twitch", "facebook"]),
        (("connections:read", "destinations:read"), []),
    ],
)
async def test_platforms_come_from_the_lists_that_the_key_may_read(
    trax: Trax, *, sandbox: Sandbox, without: tuple[str, ...], platforms: list[str]
) -> None:
    """One of the two lists is enough."""
    server = build_server(trax, own=narrow(sandbox, *without))
    async with client_of(server) as client:
        assert await suggested(client, "answer_chat", "platform", studio=SHOW) == platforms
    assert asked(sandbox) == {STUDIOS: 1, PLACES: 1, ACCOUNTS: 1}


UNKNOWN_REFERENCES: Final = {
    "no_such": "There is no such prompt.",
    "": "There is no such prompt.",
    "trax://studios": "There is no such resource template.",
    "trax://studios/studio_42": "There is no such resource template.",
    "trax://no/such/{studioId}": "There is no such resource template.",
}


async def refusal(client: Client, reference: str) -> tuple[int, str, object]:
    """The error of a completion request."""
    with pytest.raises(MCPError) as caught:
        await completed(client, reference, "studio")
    return caught.value.error.code, caught.value.error.message, caught.value.error.data


async def test_completing_an_unknown_prompt_or_template_is_an_error(
    server: Server[Any], sandbox: Sandbox, era: str
) -> None:
    """-32602 (specification, server/utilities/completion), without a request to TRaX."""
    async with client_of(server, era) as client:
        for reference, message in UNKNOWN_REFERENCES.items():
            assert await refusal(client, reference) == (types.INVALID_PARAMS, message, None)
    assert list(sandbox.requests) == []


async def test_completing_a_hidden_prompt_or_resource_is_an_error(trax: Trax, era: str) -> None:
    """Like an unknown one."""
    tool_filter = ToolFilter(only=frozenset({"find_studio", "check_studio", "get_stream_status"}))
    server = build_server(trax, own=OWNER, deps=ServerDeps(tool_filter=tool_filter))
    async with client_of(server, era) as client:
        assert SHOW in await suggested(client, "check_readiness", "studio")
        assert await suggested(client, STATUS, "studioId", "coffee") == ["studio_51"]
        for reference in ("go_live", WHOLE_STUDIO, CHAT):
            assert (await refusal(client, reference))[0] == types.INVALID_PARAMS


HIDDEN: Final[dict[tuple[str, ...], tuple[list[str], list[str]]]] = {
    ("chat", "get_stream_status"): ([], []),
    ("chat", "list_studios"): (["studio_51"], []),
    ("chat", "find_studio"): (["studio_51"], []),
    ("chat", "find_studio", "list_connections"): (
        ["studio_51"],
        ["youtube", "twitch", "facebook"],
    ),
    ("chat", "find_studio", "list_destinations"): (["studio_51"], ["youtube", "twitch", "kick"]),
}
"""The offered tools -> the studio suggested, and the platforms."""


@pytest.mark.parametrize(("only", "suggestions"), HIDDEN.items(), ids=range(len(HIDDEN)))
async def test_completions_show_only_what_the_offered_tools_show(
    trax: Trax,
    *,
    sandbox: Sandbox,
    only: tuple[str, ...],
    suggestions: tuple[list[str], list[str]],
) -> None:
    """TRaX gets no request for the rest."""
    studios, platforms = suggestions
    server = build_server(
        trax, own=OWNER, deps=ServerDeps(tool_filter=ToolFilter(only=frozenset(only)))
    )
    async with client_of(server) as client:
        assert await suggested(client, CHAT, "studioId", "coffee") == studios
        if "find_studio" in only:
            assert await suggested(client, "answer_chat", "platform", studio=SHOW) == platforms
    lists = {"list_connections": ACCOUNTS, "list_destinations": PLACES}
    expected = {path for tool, path in lists.items() if tool in only}
    assert set(asked(sandbox)) == expected | ({STUDIOS} if studios else set())


async def test_each_caller_is_suggested_only_their_own_things() -> None:
    """In turn and from the cache; each list is read with its caller's key."""
    async with (
        manual_clock_server() as front,
        subscriber_of(front) as owner,
        subscriber_of(front, key=ANOTHER_ACCOUNT_KEY) as other,
        subscriber_of(front, key=READONLY_KEY) as reader,
        subscriber_of(front, key="") as keyless,
    ):
        for _ in range(2):
            for viewer, studio, account in (
                (owner, "studio_42", "Robin's Channel"),
                (other, "studio_99", "Stranger's Channel"),
                (reader, "studio_42", "Robin's Channel"),
            ):
                studios = await suggested(viewer.client, CHAT, "studioId")
                accounts = await suggested(viewer.client, "set_up_destination", "connection")
                assert (studios[0], accounts[0]) == (studio, account)
                assert len(studios) == (1 if viewer is other else 4)
            assert await suggested(keyless.client, CHAT, "studioId") == []
        assert await suggested(other.client, "answer_chat", "platform", studio="studio_42") == [
            "youtube"
        ]
        assert front.keys == [
            key for key in (SANDBOX_KEY, ANOTHER_ACCOUNT_KEY, READONLY_KEY) for _ in range(2)
        ]
        assert {it.path for it in front.trax.requests} == {STUDIOS, ACCOUNTS}


async def test_the_raw_completion_response_matches_the_protocol(era: str) -> None:
    """Values, total and whether there are more."""
    async with manual_clock_server() as front:
        caller = await front.opened(era, x_api_key=SANDBOX_KEY)
        params = completion_params("go_live", "studio", "coffee")
        answer = read_answer(await caller.post(request(era, "completion/complete", params)))
    assert answer["result"]["completion"] == {
        "values": ["Morning Coffee"],
        "total": 1,
        "hasMore": False,
    }
