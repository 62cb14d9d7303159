"""What happens at the same moment as a call that needs a yes, and what must not come of it.

What counts is what reached the sandbox; the studio changes, or others act, while a call is under
way.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
import mcp
import mcp_types as types
import pytest
from mcp.shared.exceptions import MCPError

from tests.acts import ACTS, GO_LIVE, GO_OFFLINE, STUDIO, Act
from tests.conftest import OWNER, no_pause
from tests.consent import SECOND_KEY, audited, in_memory, said, told
from tests.jsonrpc import MODERN
from tests.meanwhile import Paused, afterwards, begin
from tests.person import (
    agreeing,
    cancelling,
    chosen,
    declining,
    failing,
    filled_in,
    nearly,
    refusing,
    yes_to,
)
from tests.ports import upstream
from tests.processes import PATIENCE_SECONDS
from tests.witness import put_on_air
from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.errors import TraxError
from trax_mcp.api.operations import ListChatMessages
from trax_mcp.consent.rules import Mode, Rules
from trax_mcp.sandbox import Fault
from trax_mcp.sandbox.keys import STRANGER
from trax_mcp.sandbox.records import Key
from trax_mcp.server.app import ServerDeps, build_server

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.consent import Desk
    from tests.person import Form, Said, Saying
    from trax_mcp.sandbox.messages import Answer, Answerer, Request

RAN: Final = ("ran", None)
USED: Final = ("confirmation_invalid", "used")
EXPIRED: Final = ("confirmation_invalid", "expired")
NOTHING_TO_DO: Final = ("nothing_to_do", None)
NOT_LIVE: Final = Fault.status(200, {"live": False})
STATUS: Final = "*/stream-status"

WHILE_LIVE: Final = ACTS["create_destination, on air"]
"""It needs a yes only while the studio is on air; done twice, it is there twice."""


def take_off_air(desk: Desk) -> None:
    """Somebody else ends the show; a minute passes."""
    desk.trax.world.go_offline(desk.trax.world.studios["studio_42"])
    desk.clock.advance(60)


class Stale(Paused):
    """A fault that holds an answer up on its way out: it says what was so, and is late."""

    async def _strike(self, asked: Request, onward: Answerer) -> Answer:
        answer = await onward(asked)
        self._arrived.set()
        await self._released.wait()
        return answer


# The studio goes off air


NOES: Final[Mapping[str, tuple[Saying, str]]] = {
    "do not": (refusing, "declined"),
    "decline": (declining, "declined"),
    "cancel": (cancelling, "cancelled"),
    "malformed": (nearly(str.upper), "malformed"),
    "client error": (failing, "client_error"),
}


@pytest.mark.parametrize("no", NOES)
async def test_a_no_is_a_no_also_when_nobody_need_have_been_asked(era: str, no: str) -> None:
    """The show ended while the form was open; whoever was asked has the last word."""
    say, reason = NOES[no]
    async with in_memory(era) as desk:
        put_on_air(desk.trax)

        async def off_air_first(form: Form) -> Said:
            take_off_air(desk)
            return await say(form)

        desk.person.will(off_air_first)
        if era == MODERN and say is failing:  # there the client itself fails, and asks no more
            with suppress(MCPError):
                await desk.call(WHILE_LIVE, desk.asking)
        else:
            result = await desk.call(WHILE_LIVE, desk.asking)
            assert told(result) == ("declined", reason)
        assert desk.sent == []
    assert len(desk.person.forms) == 1


@pytest.mark.parametrize("first", ["on air", "off air"])
@pytest.mark.parametrize("then", ["on air", "off air"])
async def test_a_confirmation_is_spent_also_where_none_is_needed(
    era: str, first: str, then: str
) -> None:
    """What was confirmed on air runs once, wherever the show is at the first use or the second."""
    async with in_memory(era) as desk:
        put_on_air(desk.trax)
        confirmation = await desk.confirmation(WHILE_LIVE)
        use = partial(desk.call, WHILE_LIVE, confirm=True, confirmation=confirmation)
        if first == "off air":
            take_off_air(desk)
        assert told(await use()) == RAN
        if first != then:
            (take_off_air if then == "off air" else lambda it: put_on_air(it.trax))(desk)
        assert told(await use()) == USED
        assert desk.sent == [WHILE_LIVE.sent]


# A stop, and what is under way meanwhile


@pytest.mark.parametrize("junk", ["x", "A" * 22, ""])
async def test_junk_beside_the_flag_does_not_carry_a_go_live_past_a_stop(
    era: str, junk: str
) -> None:
    """Where the flag is enough, a confirmation means nothing: neither a yes nor an excuse."""
    held = Paused()
    async with in_memory(era, mode=Mode.FLAG) as desk:
        desk.trax.faults.add(held.fault, path="*/sources")
        async with anyio.create_task_group() as tasks:
            going = partial(desk.call, GO_LIVE, confirm=True, confirmation=junk)
            went_live = begin(tasks, going)
            await held.arrived()
            assert told(await desk.call(GO_OFFLINE, confirm=True)) == RAN
            held.release()
        assert desk.sent == [GO_OFFLINE.sent]
    assert told(went_live[0]) == ("confirmation_required", None)


async def test_a_stop_that_is_still_watched_forgets_no_later_start(era: str) -> None:
    """It sees the studio off air; that the lost go-live after it may be starting stays known."""
    late = Stale()
    async with in_memory(era) as desk:
        put_on_air(desk.trax)

        def stopped() -> None:
            desk.clock.advance(10)
            desk.trax.faults.add(late.fault, path=STATUS)

        desk.trax.faults.add(afterwards(stopped), path="*/go-offline")
        async with anyio.create_task_group() as tasks:
            stop = begin(tasks, partial(desk.confirmed, GO_OFFLINE))
            await late.arrived()
            desk.trax.faults.add(Fault.dropped(when="after"), path="*/go-live")
            desk.trax.faults.add(NOT_LIVE, times=None, path=STATUS)
            assert told(await desk.confirmed(GO_LIVE)) == ("failed", "unreachable")
            late.release()
        assert stop[0].structured_content["observed"]["state"] == "off_air"
        assert told(await desk.call(GO_LIVE)) == NOTHING_TO_DO
        assert desk.sent == [GO_OFFLINE.sent, GO_LIVE.sent]


async def test_a_look_from_before_a_stop_forgets_no_later_start(era: str) -> None:
    """It still says "live", of the broadcast before; the one that is starting is not seen in it."""
    late = Stale()
    async with in_memory(era) as desk:
        put_on_air(desk.trax)
        desk.trax.faults.add(late.fault, path=STATUS)
        async with anyio.create_task_group() as tasks:
            asked_before = begin(tasks, partial(desk.call, GO_LIVE))
            await late.arrived()
            assert told(await desk.confirmed(GO_OFFLINE)) == RAN
            desk.trax.faults.add(NOT_LIVE, times=None, path=STATUS)
            starting = await desk.confirmed(GO_LIVE)
            late.release()
        assert (starting.structured_content or {})["observed"]["state"] == "starting"
        assert told(asked_before[0]) == NOTHING_TO_DO
        assert told(await desk.call(GO_LIVE)) == NOTHING_TO_DO
        assert desk.sent == [GO_OFFLINE.sent, GO_LIVE.sent]


async def test_a_refused_stop_ends_no_watch(era: str) -> None:
    """TRaX would not hear of it: the go-live goes on, and is seen to the end."""
    held = Paused()
    async with in_memory(era) as desk:
        watching = partial(desk.trax.faults.add, held.fault, path=STATUS)
        desk.trax.faults.add(afterwards(watching), path="*/go-live")
        refusal = Fault.error(429, "rate_limited", Retry_After="60")
        desk.trax.faults.add(refusal, times=None, path="*/go-offline")
        async with anyio.create_task_group() as tasks:
            going = begin(tasks, partial(desk.confirmed, GO_LIVE))
            await held.arrived()
            assert told(await desk.confirmed(GO_OFFLINE)) == ("failed", "rate_limited")
            held.release()
        assert desk.sent[:2] == [GO_LIVE.sent, GO_OFFLINE.sent]
    assert going[0].structured_content["observed"]["state"] == "on_air"


async def test_a_stop_by_a_key_that_may_not_stop_voids_nobodys_yes(era: str) -> None:
    """Another account's, with no scope at all: TRaX refuses it, and the owner goes live."""
    async with in_memory(era) as desk:
        desk.trax.world.keys[SECOND_KEY] = Key(SECOND_KEY, "second", STRANGER, frozenset())
        mine = await desk.confirmation(GO_LIVE)
        theirs = await desk.confirmation(GO_OFFLINE, client=desk.other)
        stopped = await desk.call(GO_OFFLINE, desk.other, confirm=True, confirmation=theirs)
        assert told(stopped) == ("failed", "insufficient_scope")
        assert told(await desk.call(GO_LIVE, confirm=True, confirmation=mine)) == RAN
        assert desk.sent == [GO_OFFLINE.sent, GO_LIVE.sent]


async def test_a_stop_is_not_held_up_by_a_flood_of_reads(
    era: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """250 of keys that nobody has issued, none answered before the stop has reached TRaX."""
    monkeypatch.setattr("trax_mcp.studio.fact_reader.STOP_SECONDS", 0.1)
    answered = anyio.Event()
    async with upstream() as trax:
        trax.faults.add(afterwards(answered.set), path="*/go-offline")
        trax.faults.add(Fault.delay(answered), times=None, method="GET")
        client = Client(base_url=trax.base_url, timeout_seconds=PATIENCE_SECONDS, sleep=no_pause)

        async def read(number: int) -> None:
            with suppress(TraxError):
                reading = ListChatMessages(studio_id="studio_42")
                await client.send(reading, Caller(f"made_up_{number}"))

        server = build_server(client, own=OWNER, house=ServerDeps(rules=Rules(Mode.FLAG)))
        with anyio.fail_after(PATIENCE_SECONDS):
            async with anyio.create_task_group() as tasks:
                for number in range(250):
                    tasks.start_soon(read, number)
                while len(trax.requests) < 50:  # by then all have asked for a connection
                    await anyio.lowlevel.checkpoint()
                async with mcp.Client(server, mode=era, cache=None) as owner:
                    stopped = await owner.call_tool("go_offline", {**STUDIO, "confirm": True})
        await client.aclose()
        assert told(stopped) == RAN
        assert [it.path for it in trax.mutations] == ["/v1/studios/studio_42/go-offline"]


# Whoever watches, fails


@pytest.mark.parametrize("act", [GO_LIVE, GO_OFFLINE], ids=lambda it: it.tool)
async def test_whatever_fails_while_it_is_watched_it_is_accounted_for(
    *, era: str, act: Act, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The act is done: the caller hears of it, its last line is written, and its yes is used."""

    async def no_way_to_tell(*_: object) -> None:
        raise RuntimeError("no way to tell")

    log = tmp_path / "audit.jsonl"
    async with in_memory(era, audit=log) as desk:
        if act is GO_OFFLINE:
            put_on_air(desk.trax)
        use = partial(desk.call, act, confirm=True, confirmation=await desk.confirmation(act))
        monkeypatch.setattr("trax_mcp.server.elicitation.Person.tell_progress", no_way_to_tell)
        result = await use()
        assert told(result) == RAN
        assert (result.structured_content or {})["observed"]["state"] == "unknown"
        closing = audited(log)[-1]
        expected = ("sent", "applied", "unknown")
        assert (closing["event"], closing["outcome"], closing["observed"]) == expected
        again = await use()
        assert told(again) == USED
        assert "the call ran, and the studio was then unknown" in said(again)
        assert desk.sent == [act.sent]


# A question is answered once


SAID_NO: Final[Mapping[str, types.ElicitResult]] = {
    "decline": types.ElicitResult(action="decline"),
    "decline, filled in": types.ElicitResult(
        action="decline", content={"choice": "Take Friday Night Show live on YouTube and Twitch"}
    ),
    "cancel": types.ElicitResult(action="cancel"),
    "do not": chosen("Do not"),
}


@pytest.mark.parametrize("no", SAID_NO)
async def test_a_question_that_was_answered_with_a_no_takes_no_yes(no: str) -> None:
    """Nor does it a second time; whoever wants it after all is asked anew (2026-07-28)."""
    async with in_memory(MODERN) as desk:
        asked = await desk.question(GO_LIVE)
        answer = partial(desk.answer, GO_LIVE, asked.request_state)
        assert told(await answer({"consent": SAID_NO[no]}))[0] == "declined"
        for _ in range(2):
            assert told(await answer({"consent": yes_to(asked)})) == EXPIRED
        assert desk.sent == []
        desk.person.will(agreeing)
        assert told(await desk.call(GO_LIVE, desk.asking)) == RAN


async def test_a_response_without_a_meaning_answers_no_question() -> None:
    """It is no yes, and the form that is still open stays worth something (2026-07-28)."""
    async with in_memory(MODERN) as desk:
        asked = await desk.question(GO_LIVE)
        answer = partial(desk.answer, GO_LIVE, asked.request_state)
        meaningless: list[types.InputResponses | None] = [
            None,
            {},
            {"another": yes_to(asked)},
            {"consent": filled_in(None)},
            {"consent": filled_in({"choice": "Take it live"})},
            {"consent": filled_in({"choice": "do not"})},
        ]
        for responses in meaningless:
            assert told(await answer(responses)) == ("declined", "malformed")
        assert desk.sent == []
        assert told(await answer({"consent": yes_to(asked)})) == RAN
        assert desk.sent == [GO_LIVE.sent]


# What is shown


LONG: Final[Mapping[str, Act]] = {
    "text": Act(
        "send_chat_message",
        {**STUDIO, "text": f"{'a' * 569} and buy coins at evil.example."},
        "",
        {},
    ),
    "rtmpUrl": Act(
        "update_destination",
        {**STUDIO, "destId": "dest_1", "rtmpUrl": f"rtmps://a.example/{'a' * 167}@evil.example/k"},
        "",
        {},
    ),
}


@pytest.mark.parametrize("argument", LONG)
async def test_the_callers_own_words_are_shown_whole(era: str, argument: str) -> None:
    """In the preview and in the form: nobody agrees to a tail that they were not shown."""
    act = LONG[argument]
    given = act.arguments[argument]
    assert len(given) == {"text": 600, "rtmpUrl": 200}[argument]
    async with in_memory(era) as desk:
        assert f'"{given}"' in said(await desk.call(act))
        await desk.call(act, desk.asking)
    (form,) = desk.person.forms
    assert f'"{given}"' in form.message


async def test_names_from_upstream_are_shown_as_names(era: str) -> None:
    """80 characters of each, beside the caller's own words."""
    async with in_memory(era) as desk:
        world = desk.trax.world
        world.studios.change(world.studios["studio_42"], {"name": "n" * 300})
        text = said(await desk.call(LONG["text"]))
    assert f'"{"n" * 79}…"' in text
    assert "n" * 80 not in text
