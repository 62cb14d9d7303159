"""With consent a call is sent once: however the yes is given, and whoever gives up after it.

What counts is what reached the sandbox, and what was written down.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import mcp_types as types
import pytest

from tests.acts import ACTS, DELETE_DESTINATION, DELETE_SOURCE, GO_LIVE, GO_OFFLINE
from tests.consent import audited, in_memory, said, told
from tests.jsonrpc import MODERN
from tests.meanwhile import Paused, acted, afterwards, all_at_once, gives_up, settle
from tests.person import agreeing, yes_to
from tests.witness import put_on_air

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path
    from typing import Any

    from tests.acts import Act
    from tests.consent import Desk

    Call = Callable[[], Coroutine[Any, Any, types.CallToolResult | types.InputRequiredResult]]

USED = ("confirmation_invalid", "used")

every_act = pytest.mark.parametrize("name", ACTS)
by_either = pytest.mark.parametrize("agreed", ["a confirmation", "a form"])


async def ready(desk: Desk, act: Act, agreed: str) -> Call:
    """The call that carries a yes, or whose client will say it, still to be made."""
    if act.on_air:
        put_on_air(desk.trax)
    if agreed == "a form":
        desk.person.will(agreeing)
        return partial(desk.call, act, desk.asking)
    confirmation = await desk.confirmation(act)
    return partial(desk.call, act, confirm=True, confirmation=confirmation)


@every_act
@by_either
async def test_with_consent_it_is_sent_once(era: str, name: str, agreed: str) -> None:
    """And TRaX's answer comes back."""
    act = ACTS[name]
    async with in_memory(era) as desk:
        call = await ready(desk, act, agreed)
        assert told(await call()) == ("ran", None)
        assert desk.sent == [act.sent]


@every_act
async def test_a_confirmation_is_good_for_once(era: str, name: str) -> None:
    """The second use is told what came of the first, and is given no other confirmation."""
    act = ACTS[name]
    async with in_memory(era) as desk:
        call = await ready(desk, act, "a confirmation")
        await call()
        again = await call()
        assert desk.sent == [act.sent]
    assert told(again) == USED
    assert isinstance(again, types.CallToolResult)
    assert "was used already: the call ran" in said(again)
    assert not {"confirmation", "preview"} & set(again.structured_content or {})


@every_act
async def test_an_answer_is_good_for_once(name: str) -> None:
    """Where the answer is a call of its own, it can be made twice (2026-07-28)."""
    act = ACTS[name]
    async with in_memory(MODERN) as desk:
        if act.on_air:
            put_on_air(desk.trax)
        asked = await desk.question(act)
        answering = partial(desk.answer, act, asked.request_state, {"consent": yes_to(asked)})
        assert [told(await answering()), told(await answering())] == [("ran", None), USED]
        assert desk.sent == [act.sent]


@every_act
async def test_of_eight_uses_of_a_confirmation_at_once_one_is_sent(era: str, name: str) -> None:
    """All walk while the first is being sent, and none can come in between."""
    act = ACTS[name]
    async with in_memory(era) as desk:
        results = await all_at_once(desk, act, [await ready(desk, act, "a confirmation")] * 8)
        assert desk.sent == [act.sent]
    assert results == [("ran", None), *[USED] * 7]


@every_act
async def test_of_eight_answers_at_once_one_is_sent(name: str) -> None:
    """The same for the answer to one question (2026-07-28)."""
    act = ACTS[name]
    async with in_memory(MODERN) as desk:
        if act.on_air:
            put_on_air(desk.trax)
        asked = await desk.question(act)
        answering = partial(desk.answer, act, asked.request_state, {"consent": yes_to(asked)})
        results = await all_at_once(desk, act, [answering] * 8)
        assert desk.sent == [act.sent]
    assert results == [("ran", None), *[USED] * 7]


@pytest.mark.parametrize(
    ("act", "late"),
    [
        (GO_LIVE, ("nothing_to_do", None)),
        (DELETE_DESTINATION, ("failed", "not_found")),
        (DELETE_SOURCE, ("failed", "not_found")),
    ],
    ids=lambda it: getattr(it, "tool", None),
)
async def test_of_two_people_who_say_yes_at_once_one_is_sent(
    era: str, act: Act, late: tuple[str, str]
) -> None:
    """Each has a yes of their own; whoever comes second looks again, and finds it done."""
    async with in_memory(era) as desk:
        calls = [
            partial(
                desk.call,
                act,
                it,
                confirm=True,
                confirmation=await desk.confirmation(act, client=it),
            )
            for it in (desk.plain, desk.other)
        ]
        results = await all_at_once(desk, act, calls)
        assert desk.sent == [act.sent]
    assert results == sorted([("ran", None), late], reverse=True)


@every_act
@by_either
async def test_a_client_that_gives_up_after_the_yes_undoes_nothing(
    *, era: str, name: str, agreed: str, tmp_path: Path
) -> None:
    """The act goes to its end, and the last line that is written about it knows the outcome."""
    act, held = ACTS[name], Paused()
    async with in_memory(era, audit=tmp_path / "audit") as desk:
        call = await ready(desk, act, agreed)
        desk.trax.faults.add(held.fault, method=act.sent.partition(" ")[0])
        await gives_up(call, held, seen=settle)
        await acted(desk.house)
        assert desk.sent == [act.sent]
        (sent,) = desk.trax.mutations
    before, after = audited(tmp_path / "audit")[-2:]
    assert [before["event"], after["event"]] == ["sending", "sent"]
    assert (after["operation"], after["outcome"]) == (act.tool, "applied")
    assert after["requestId"] == sent.request_id


@pytest.mark.parametrize(("act", "seen"), [(GO_LIVE, "on_air"), (GO_OFFLINE, "off_air")])
async def test_a_client_that_gives_up_while_it_is_watched_changes_nothing(
    *, era: str, act: Act, seen: str, tmp_path: Path
) -> None:
    """What came of it is still looked at, and written down."""
    held = Paused()
    async with in_memory(era, audit=tmp_path / "audit") as desk:
        call = await ready(desk, act, "a confirmation")
        watching = partial(desk.trax.faults.add, held.fault, path="*/stream-status")
        desk.trax.faults.add(afterwards(watching), method="POST")
        await gives_up(call, held, seen=settle)
        await acted(desk.house)
        assert desk.sent == [act.sent]
    last = audited(tmp_path / "audit")[-1]
    assert (last["event"], last["outcome"], last["observed"]) == ("sent", "applied", seen)


async def test_a_client_that_gives_up_before_the_yes_is_spent_keeps_it(era: str) -> None:
    """Nothing was sent and nothing taken: the same yes still works."""
    held = Paused()
    async with in_memory(era) as desk:
        call = await ready(desk, GO_LIVE, "a confirmation")
        desk.trax.faults.add(held.fault, method="GET")
        await gives_up(call, held, seen=settle)
        assert desk.sent == []
        assert told(await call()) == ("ran", None)
        assert desk.sent == [GO_LIVE.sent]
