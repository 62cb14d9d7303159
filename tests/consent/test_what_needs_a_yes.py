"""Exactly the calls that viewers see or that cannot be undone need consent.

`operation_table` says by hand when each call is guarded, so that a change of code alone fails.
`test_consent_given` runs the guarded calls with consent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.guarded_calls import GUARD_ALSO, GUARDED_OPERATIONS
from tests.support.operation_table import ALWAYS, CHANGES, GUARDED, NEVER, READ, TABLE, WHILE_LIVE
from tests.support.product.declared_consent import needs_yes
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import frozen_sandbox, put_on_air
from tests.support.valid_calls import CALLS, COMPOSITE_CALLS, EVERY
from tests.world.answers import error_in, has_run, outcome
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.operation_table import Arguments, When
    from tests.support.product.sandbox import Sandbox

READS: Final = [*(entry.tool for entry in TABLE if entry.hints == READ), *COMPOSITE_CALLS]


def _hide_status(sandbox: Sandbox) -> None:
    sandbox.faults.add(
        Fault.error(403, "insufficient_scope"), times=None, method="GET", path="*/stream-status"
    )


def _leave_trace(sandbox: Sandbox) -> None:
    trace = Fault.patched(lambda status: status.update(encoderStreamId="encoder_9"))
    sandbox.faults.add(trace, times=None, method="GET", path="*/stream-status")


STATES: Final[dict[str, Callable[[Sandbox], object]]] = {
    "off air": lambda _sandbox: None,
    "on air": put_on_air,
    "unknown": _hide_status,
    "started on TRaX's own site": _leave_trace,
}
"""The states of a studio. One that may be on air counts as on air."""


def rows_of(tool: str) -> list[tuple[Arguments, When, str]]:
    """Each example in the state that decides about it, and one of them in every state."""
    rows: list[tuple[Arguments, When, str]] = []
    tried = False
    for entry, example in CHANGES:
        if entry.tool == tool and example.when is not None:
            states = ["off air" if example.when == ALWAYS else "on air"]
            if example.when == WHILE_LIVE and not tried:
                states, tried = [*STATES], True
            rows += [(entry.arguments(example), example.when, state) for state in states]
    return rows


@pytest.mark.parametrize("tool", dict.fromkeys(entry.tool for entry, _ in CHANGES))
async def test_without_consent_exactly_the_guarded_calls_do_not_run(tool: str) -> None:
    """A call that does not run changes nothing; one that is never guarded is sent first."""
    for arguments, when, state in rows_of(tool):
        sandbox = frozen_sandbox()
        STATES[state](sandbox)
        needs_consent = when == ALWAYS or (when == WHILE_LIVE and state != "off air")
        async with open_world(MINE, trax=sandbox) as it:
            result = await it[MINE].call(tool, **arguments)
        expected = "confirmation_required" if needs_consent else "ran"
        assert (arguments, state, outcome(result)[0]) == (arguments, state, expected)
        assert len(sandbox.mutations) == (expected == "ran")
        assert when != NEVER or sandbox.requests[0] in sandbox.mutations


def test_what_operations_declare_is_what_the_table_says() -> None:
    """Other tests, and the table in the documentation, read what is declared."""
    assert {it.tool for it in GUARDED_OPERATIONS.values()} == GUARDED | {GUARD_ALSO}
    for entry, example in CHANGES:
        arguments = entry.arguments(example)
        assert (arguments, needs_yes(entry.tool, arguments)) == (arguments, example.when)


async def test_a_read_never_needs_consent() -> None:
    """One request, or several for a composite tool."""
    async with open_world(MINE) as it:
        for tool in READS:
            before = len(it.trax.requests)
            assert has_run(await it[MINE].call(tool, **EVERY[tool])), tool
            assert tool in COMPOSITE_CALLS or len(it.trax.requests) == before + 1
        assert {each.method for each in it.trax.requests} == {"GET"}


async def test_an_operator_can_guard_more_tools() -> None:
    """A tool in TRAX_GUARD_ALSO needs consent for any arguments, and then runs once."""
    tool, arguments = "create_studio", CALLS["create_studio"]
    async with open_world(MINE, TRAX_ASK="confirm_alone", TRAX_GUARD_ALSO=tool) as it:
        await it[MINE].preview(tool, **arguments)
        assert it.sent == []
        assert has_run(await it[MINE].call(tool, **arguments, confirm=True))
        assert len(it.sent) == 1


FILTERS: Final[dict[str, tuple[dict[str, str], list[str], set[str]]]] = {
    "read only": ({"TRAX_READ_ONLY": "1"}, READS, EVERY.keys() - READS),
    "a tag": ({"TRAX_TOOLS": "media"}, ["list_media", "create_media_upload"], set()),
    "a tag, read only": (
        {"TRAX_READ_ONLY": "1", "TRAX_TOOLS": "connections"},
        ["list_connections"],
        {"unlink_connection"},
    ),
    "a tool and a tag": (
        {"TRAX_TOOLS": "get_studio,chat"},
        ["get_studio", "list_chat_messages", "send_chat_message", "wait_for_chat_messages"],
        set(),
    ),
}
"""Filters, the tools that each leaves, and the tools that it hides because they write."""


@pytest.mark.parametrize(("settings", "left", "writers"), FILTERS.values(), ids=FILTERS)
async def test_a_tool_that_is_not_offered_is_neither_listed_nor_run(
    *, settings: dict[str, Any], left: list[str], writers: set[str]
) -> None:
    """The error names TRAX_READ_ONLY or TRAX_TOOLS."""
    async with open_world(MINE, TRAX_ASK="confirm_alone", **settings) as it:
        assert [tool.name for tool in (await it[MINE].client.list_tools()).tools] == left
        for tool in EVERY.keys() - left:
            result = await it[MINE].call(tool, **EVERY[tool], confirm=True)
            code = "read_only" if tool in writers else "not_offered"
            assert (tool, outcome(result)) == (tool, ("failed", code))
            setting = "TRAX_READ_ONLY" if tool in writers else "TRAX_TOOLS"
            assert setting in error_in(result)["message"]
        assert list(it.trax.requests) == []
        assert has_run(await it[MINE].call(left[0], **EVERY[left[0]]))
