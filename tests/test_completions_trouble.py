"""Suggestions in trouble, and whose they are: never an error for TRaX's sake, never another's.

Through a real client in both eras, over sockets and pipes where those matter.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import anyio
import httpx2
import mcp_types as types
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from tests import ROOT
from tests.audience import staging, viewer_of
from tests.conftest import OWNER, client_on
from tests.hand import settled
from tests.jsonrpc import LEGACY, read_answer, request
from tests.looks import ACCOUNTS, PLACES, STUDIOS, asked, narrow
from tests.ports import Held
from tests.processes import PATIENCE_SECONDS, environment
from tests.readings import client_of
from tests.suggestions import CHAT, STATUS, WHOLE_STUDIO, asking, completed, suggested
from trax_mcp.sandbox import READONLY_KEY, SANDBOX_KEY, STRANGER_KEY, Fault
from trax_mcp.server.app import ServerDeps, build_server
from trax_mcp.server.tool_filter import ToolFilter

if TYPE_CHECKING:
    from mcp.server import Server

    from tests.hand import HandClock
    from trax_mcp.api.client import Client as Trax
    from trax_mcp.sandbox import Sandbox

SHOW: Final = "Friday Night Show"

FAULTS: Final = (
    Fault.error(503, "maintenance"),
    Fault.error(401, "invalid_key"),
    Fault.error(403, "insufficient_scope"),
    Fault.error(429, "rate_limited", Retry_After="7"),
    Fault.status(500, "<html>"),
    Fault.dropped(),
    Fault.truncated(),
    Fault.status(200, {"data": [{"id": 7}]}),
    Fault.status(200, {"data": [], "nextCursor": "the same"}),
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda it: it.name)
async def test_while_trax_fails_there_are_none(
    server: Server[Any], *, sandbox: Sandbox, era: str, fault: Fault
) -> None:
    """No error: the person types on; and what failed is not remembered."""
    async with client_of(server, era) as client:
        sandbox.faults.add(fault, times=None)
        for where, argument in (
            ("go_live", "studio"),
            ("set_up_destination", "platform"),
            ("set_up_destination", "connection"),
            (CHAT, "studioId"),
        ):
            assert await suggested(client, where, argument, studio=SHOW) == []
        sandbox.faults.clear()
        assert SHOW in await suggested(client, "go_live", "studio")


async def test_while_trax_is_slow_there_are_none(
    sandbox: Sandbox, clock: HandClock, era: str
) -> None:
    """After five seconds; and the next letter asks again."""
    patient = client_on(sandbox, timeout_seconds=10 * PATIENCE_SECONDS)
    server = build_server(patient, own=OWNER, house=ServerDeps(clock=clock))
    held = Held()
    sandbox.faults.add(held.fault)
    async with client_of(server, era) as client, anyio.create_task_group() as typing:
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


async def test_letters_typed_while_trax_is_asked_wait_for_that_answer(
    server: Server[Any], *, sandbox: Sandbox, era: str
) -> None:
    """However many there are, TRaX is asked once."""
    answer = anyio.Event()
    sandbox.faults.add(Fault.delay(answer), times=None)
    told: dict[str, list[str]] = {}
    async with client_of(server, era) as client, anyio.create_task_group() as typing:

        async def complete(typed: str) -> None:
            told[typed] = await suggested(client, "go_live", "studio", typed)

        for typed in ("", "m", "mo", "mor"):
            typing.start_soon(complete, typed)
        await settled()
        answer.set()
    assert [told[it] for it in ("m", "mo", "mor")] == [["Morning Coffee"]] * 3
    assert asked(sandbox) == {STUDIOS: 1}


@pytest.mark.parametrize(
    ("without", "platforms"),
    [
        (("connections:read",), ["youtube", "twitch", "kick"]),
        (("destinations:read",), ["youtube", "twitch", "facebook"]),
        (("connections:read", "destinations:read"), []),
    ],
)
async def test_what_a_key_may_read_is_suggested_all_the_same(
    trax: Trax, *, sandbox: Sandbox, era: str, without: tuple[str, ...], platforms: list[str]
) -> None:
    """Platforms come from two lists, and one of them is enough."""
    server = build_server(trax, own=narrow(sandbox, *without))
    async with client_of(server, era) as client:
        assert await suggested(client, "answer_chat", "platform", studio=SHOW) == platforms
    assert asked(sandbox) == {STUDIOS: 1, PLACES: 1, ACCOUNTS: 1}


NOWHERE: Final = {
    "no_such": "There is no such prompt.",
    "": "There is no such prompt.",
    "trax://studios": "There is no such resource template.",
    "trax://studios/studio_42": "There is no such resource template.",
    "trax://no/such/{studioId}": "There is no such resource template.",
}


async def refusal(client: Client, where: str) -> tuple[int, str, object]:
    """The error that asking for suggestions gives."""
    with pytest.raises(MCPError) as caught:
        await completed(client, where, "studio")
    return caught.value.error.code, caught.value.error.message, caught.value.error.data


@pytest.mark.parametrize(("where", "message"), NOWHERE.items(), ids=range(len(NOWHERE)))
async def test_what_is_not_there_cannot_be_completed(
    server: Server[Any], *, sandbox: Sandbox, era: str, where: str, message: str
) -> None:
    """-32602 (specification, server/utilities/completion); nothing is repeated, TRaX not asked."""
    async with client_of(server, era) as client:
        assert await refusal(client, where) == (types.INVALID_PARAMS, message, None)
    assert list(sandbox.requests) == []


async def test_what_is_not_offered_cannot_be_completed(trax: Trax, era: str) -> None:
    """A hidden prompt or resource is like any other that is not there."""
    offer = ToolFilter(only=frozenset({"find_studio", "check_readiness", "get_stream_status"}))
    server = build_server(trax, own=OWNER, house=ServerDeps(offer=offer))
    async with client_of(server, era) as client:
        assert SHOW in await suggested(client, "check_readiness", "studio")
        assert await suggested(client, STATUS, "studioId", "coffee") == ["studio_51"]
        for where in ("go_live", WHOLE_STUDIO, CHAT):
            assert (await refusal(client, where))[0] == types.INVALID_PARAMS


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
"""What an operator may offer, the studio that is then suggested, and the platforms."""


@pytest.mark.parametrize(("only", "suggestions"), HIDDEN.items(), ids=range(len(HIDDEN)))
async def test_what_the_operator_does_not_list_is_not_suggested(
    trax: Trax,
    *,
    sandbox: Sandbox,
    era: str,
    only: tuple[str, ...],
    suggestions: tuple[list[str], list[str]],
) -> None:
    """Nor is TRaX asked for it: what no tool tells, no suggestion tells either."""
    studios, platforms = suggestions
    server = build_server(trax, own=OWNER, house=ServerDeps(offer=ToolFilter(only=frozenset(only))))
    async with client_of(server, era) as client:
        assert await suggested(client, CHAT, "studioId", "coffee") == studios
        if "find_studio" in only:
            asking = suggested(client, "answer_chat", "platform", studio=SHOW)
            assert await asking == platforms
    lists = {"list_connections": ACCOUNTS, "list_destinations": PLACES}
    expected = {path for tool, path in lists.items() if tool in only}
    assert set(asked(sandbox)) == expected | ({STUDIOS} if studios else set())


async def test_each_caller_is_suggested_their_own_things_and_nobody_elses(era: str) -> None:
    """In turn, from memory too; each list read with the key of whom it is for."""
    async with (
        staging() as front,
        viewer_of(front, era) as owner,
        viewer_of(front, era, key=STRANGER_KEY) as stranger,
        viewer_of(front, era, key=READONLY_KEY) as reader,
        viewer_of(front, era, key="") as nobody,
    ):
        for _ in range(2):
            for viewer, studio, account in (
                (owner, "studio_42", "Robin's Channel"),
                (stranger, "studio_99", "Stranger's Channel"),
                (reader, "studio_42", "Robin's Channel"),
            ):
                studios = await suggested(viewer.client, CHAT, "studioId")
                accounts = await suggested(viewer.client, "set_up_destination", "connection")
                assert (studios[0], accounts[0]) == (studio, account)
                assert len(studios) == (1 if viewer is stranger else 4)
            assert await suggested(nobody.client, CHAT, "studioId") == []
        assert await suggested(stranger.client, "answer_chat", "platform", studio="studio_42") == [
            "youtube"
        ]
        assert front.keys == [
            key for key in (SANDBOX_KEY, STRANGER_KEY, READONLY_KEY) for _ in range(2)
        ]
        assert {it.path for it in front.trax.requests} == {STUDIOS, ACCOUNTS}


async def test_two_callers_at_the_same_time_are_never_mixed(era: str) -> None:
    """While both lists are being read, and after."""
    async with (
        staging() as front,
        httpx2.AsyncClient(headers={"X-API-Key": SANDBOX_KEY}, trust_env=False) as mine,
        httpx2.AsyncClient(headers={"X-API-Key": STRANGER_KEY}, trust_env=False) as theirs,
        Client(
            streamable_http_client(f"{front.address}/mcp", http_client=mine), mode=era, cache=None
        ) as owner,
        Client(
            streamable_http_client(f"{front.address}/mcp", http_client=theirs),
            mode=era,
            cache=None,
        ) as stranger,
        anyio.create_task_group() as typing,
    ):
        told: list[tuple[Client, list[str]]] = []

        async def complete(client: Client) -> None:
            told.append((client, await suggested(client, CHAT, "studioId", "studio")))

        for client in (owner, stranger) * 8:
            typing.start_soon(complete, client)
    assert {(client is owner, *values) for client, values in told} == {
        (True, "studio_42", "studio_43", "studio_51", "studio_60"),
        (False, "studio_99"),
    }
    assert sorted(front.keys) == sorted([SANDBOX_KEY, STRANGER_KEY])


async def test_the_answer_on_the_wire_is_the_protocols(era: str) -> None:
    """Values, how many there are, and whether those are all."""
    async with staging() as front:
        caller = await front.opened(era, x_api_key=SANDBOX_KEY)
        params = asking("go_live", "studio", "coffee")
        answer = read_answer(await caller.post(request(era, "completion/complete", params)))
    assert answer["result"]["completion"] == {
        "values": ["Morning Coffee"],
        "total": 1,
        "hasMore": False,
    }


@pytest.mark.parametrize("mode", [LEGACY, "auto"])
async def test_over_stdio_the_same_is_suggested(mode: str) -> None:
    """As a client starts the command."""
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "trax_mcp", "--sandbox"],
        env=environment({}),
        cwd=ROOT,
    )
    async with Client(command, mode=mode, cache=None) as client:
        assert client.server_capabilities.completions is not None
        (found,) = await suggested(client, "go_live", "studio", "coff")
        prompt = await client.get_prompt("go_live", {"studio": found})
        assert await suggested(client, CHAT, "studioId", found) == ["studio_51"]
    assert 'the studio "Morning Coffee" live' in str(prompt.messages[0].content)
