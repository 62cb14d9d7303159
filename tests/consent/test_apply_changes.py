"""Several changes with one yes: nothing without it, each once, and in doubt no further one."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from tests.conftest import text_of
from tests.support.approval_setup import approved_in
from tests.support.consent_clients import audit_lines, in_memory, status_and_reason
from tests.support.guarded_calls import STUDIO, GuardedOperation
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import STUDIO as PLACE
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.product.sandbox import SANDBOX_KEY, SCOPES
from tests.support.product.server import yes_to_stop
from tests.support.product.software_passkey import SoftwarePasskey
from tests.support.product.virtual_time import in_virtual_time
from tests.support.real_transports import over_http, over_stdio
from tests.support.simulated_person import Person, agreeing, choices, refusing
from tests.support.virtual_setup import (
    COLLEAGUE,
    MINE,
    open_virtual_replicas,
    open_virtual_setup,
    status,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import mcp_types as types

    from tests.support.approval_setup import OpenSetup
    from tests.support.virtual_setup import VirtualSetup

YOUTUBE_OFF: Final = {
    "tool": "update_destination",
    "arguments": {"destId": "dest_1", "enabled": False},
}
GUEST_ON: Final = {"tool": "update_source", "arguments": {"sourceId": "source_2", "active": True}}
CAMERA_OFF: Final = {
    "tool": "update_source",
    "arguments": {"sourceId": "source_1", "active": False},
}
GO_LIVE: Final[dict[str, Any]] = {"tool": "go_live", "arguments": {}}
TWITCH_ONLY: Final = [YOUTUBE_OFF, GO_LIVE]
THREE: Final = [YOUTUBE_OFF, GUEST_ON, GO_LIVE]
SENT: Final = [
    f"PATCH {PLACE}/destinations/dest_1",
    f"PATCH {PLACE}/sources/source_2",
    f"POST {PLACE}/go-live",
]
YES: Final = 'Do these 2 things and be live on Twitch: "Friday Night Show"'


def _call(*changes: dict[str, Any]) -> GuardedOperation:
    return GuardedOperation("apply_changes", {**STUDIO, "changes": list(changes)}, "", {})


def _outcomes(result: types.CallToolResult) -> list[str]:
    return [it["outcome"] for it in (result.structured_content or {})["changes"]]


@asynccontextmanager
async def _being_made(
    it: VirtualSetup, changes: list[dict[str, Any]]
) -> AsyncIterator[list[types.CallToolResult]]:
    """They are made with their yes, and the block runs a second after the first was sent."""
    yes = await it.confirmation(MINE, "apply_changes", changes=changes)
    results: list[types.CallToolResult] = []

    async def apply() -> None:
        results.append(await it.use(MINE, "apply_changes", yes, changes=changes))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(apply)
        await anyio.sleep(1)
        yield results


# What a person is asked, and how they answer


async def test_the_preview_shows_each_change_as_those_before_it_leave_things() -> None:
    async with in_memory() as clients:
        shown = await clients.call(_call(YOUTUBE_OFF, GUEST_ON, GO_LIVE))
        text = text_of(shown)
        assert '\n1. Switches off "Main channel" (YouTube).\n' in text
        assert '\n2. Switches on "Guest feed".\n' in text
        assert '\n3. Starts a broadcast of "Friday Night Show" that anyone can watch.\n' in text
        assert 'Goes out on "Late crowd" (Twitch).' in text
        assert 'Goes out on "Main channel"' not in text
        assert 'Can be on screen: "Guest feed" (rtmp).' in text
        assert clients.sent == []


async def test_what_two_changes_have_in_common_is_shown_of_both() -> None:
    address = {"rtmpUrl": "rtmp://live.example/x", "streamKey": "a-long-stream-key"}
    async with in_memory() as clients:
        put_on_air(clients.trax)
        new = [
            {
                "tool": "create_destination",
                "arguments": {"name": name, "platform": "custom", **address},
            }
            for name in ("One", "Two")
        ]
        deletes = [
            {"tool": "delete_source", "arguments": {"sourceId": its_id}}
            for its_id in ("source_1", "source_2")
        ]
        text = text_of(await clients.call(_call(*new, *deletes)))
        assert text.count("- Sets its rtmpUrl to live.example") == 2
        assert text.count("- Sets its streamKey to") == 2
        assert text.count("- Cannot be undone: it can only be added anew.") == 2
        assert text.count("The studio is on air. TRaX") == 1


async def test_a_confirmation_runs_them_once_and_in_order() -> None:
    async with in_memory() as clients:
        call = _call(*THREE)
        yes = await clients.confirmation(call)
        result = await clients.use(call, yes)
        assert not result.is_error, result
        assert _outcomes(result) == ["applied"] * 3
        assert (result.structured_content or {})["observed"]["state"] == "on_air"
        assert text_of(result).startswith("All changes were made.")
        assert 'Switched off for the next show too: "Main channel" (YouTube).' in text_of(result)
        again = await clients.use(call, yes)
        assert status_and_reason(again) == ("confirmation_invalid", "used")
        assert "used already: all 3 changes were made" in text_of(again)
        assert clients.sent == SENT


async def test_a_form_asks_once_in_either_era(era: str) -> None:
    async with in_memory(era) as clients:
        clients.person.answer_with(agreeing)
        result = await clients.call(_call(*TWITCH_ONLY), clients.asking)
        (form,) = clients.person.forms
        assert choices(form)[0] == YES
        assert _outcomes(result) == ["applied"] * 2
        assert clients.sent == [SENT[0], SENT[2]]


async def test_they_run_over_a_real_socket(era: str) -> None:
    async with over_http(era) as (clients, _):
        clients.person.answer_with(agreeing)
        result = await clients.call(_call(*THREE), clients.asking)
        assert _outcomes(result) == ["applied"] * 3
        assert clients.sent == SENT
        assert len(clients.person.forms) == 1


async def test_they_run_in_a_real_process(era: str) -> None:
    async with over_stdio(era) as clients:
        put_on_air(clients.trax)
        clients.person.answer_with(agreeing)
        result = await clients.call(_call(YOUTUBE_OFF, GUEST_ON))
        assert _outcomes(result) == ["applied"] * 2
        assert clients.sent == SENT[:2]
        assert len(clients.person.forms) == 1


async def test_a_flag_is_a_yes_only_where_the_operator_says_so() -> None:
    for mode, sent in (("preview", []), ("flag", SENT)):
        async with in_memory(TRAX_CONFIRM=mode) as clients:
            await clients.call(_call(*THREE), confirm=True)
            assert clients.sent == sent


async def test_where_a_person_must_be_asked_no_confirmation_is_given() -> None:
    async with in_memory(TRAX_CONFIRM="human") as clients:
        asked = await clients.call(_call(*THREE))
        assert status_and_reason(asked) == ("cannot_ask", None)
        assert clients.sent == []


async def test_with_a_passkey_a_form_is_no_yes(open_setup: OpenSetup) -> None:
    person = Person()
    person.answer_with(agreeing)
    async with open_setup(passkey=SoftwarePasskey(), browser=False, form=person) as it:
        asked = await it.asked("apply_changes", changes=THREE)
        assert asked["status"] == "cannot_ask"
        assert person.forms == []
        assert it.sent == []


async def test_a_no_sends_nothing(era: str) -> None:
    async with in_memory(era) as clients:
        clients.person.answer_with(refusing)
        result = await clients.call(_call(*TWITCH_ONLY), clients.asking)
        assert result.is_error
        assert clients.sent == []


async def test_a_click_on_the_page_runs_them(open_setup: OpenSetup) -> None:
    async with open_setup() as it:
        call = it.start("apply_changes", changes=TWITCH_ONLY)
        question = await it.page.next()
        assert question.yes == YES
        it.clock.advance(1)
        await question.press(YES)
        result = await call.result()
        assert approved_in(result) == "page"
        assert _outcomes(result) == ["applied"] * 2
        assert it.sent == [SENT[0], SENT[2]]


async def test_the_page_does_not_say_done_of_a_half(open_setup: OpenSetup) -> None:
    async with open_setup() as it:
        call = it.start(
            "apply_changes",
            changes=[
                CAMERA_OFF,
                {**YOUTUBE_OFF, "arguments": {"destId": "dest_1", "name": "New"}},
                GO_LIVE,
            ],
        )
        question = await it.page.next()
        it.clock.advance(1)
        it.sandbox.add_key(SANDBOX_KEY, scopes=SCOPES - {"stream:golive"})
        await question.press(question.yes)
        await call.result()
        assert await question.phase() == "ended"
        assert question.data["outcome"] == "Made 2 of 3 changes: ask your assistant which."


async def test_changes_that_need_no_yes_by_themselves_need_none_together() -> None:
    async with in_memory() as clients:
        result = await clients.call(_call(YOUTUBE_OFF, GUEST_ON))
        assert _outcomes(result) == ["applied"] * 2
        put_on_air(clients.trax)
        asked = await clients.call(_call(YOUTUBE_OFF, GUEST_ON))
        assert status_and_reason(asked) == ("confirmation_required", None)
        assert clients.sent == SENT[:2]


async def test_a_studio_that_goes_on_air_in_between_needs_a_yes_for_the_rest() -> None:
    async with in_memory() as clients:
        live = Fault.patched(lambda it: it.update(live=True))
        later = partial(clients.trax.faults.add, live, times=None, path="*/stream-status")
        clients.trax.faults.add(Fault.followed_by(later), path="*/destinations/dest_1")
        result = await clients.call(_call(YOUTUBE_OFF, GUEST_ON))
        assert _outcomes(result) == ["applied", "not_sent"]
        assert "the studio may be on air by now, so it needs a yes" in text_of(result)
        assert clients.sent == SENT[:1]


# What comes between


async def test_a_change_in_between_voids_the_yes() -> None:
    async with in_memory() as clients:
        call = _call(*TWITCH_ONLY)
        yes = await clients.confirmation(call)
        clients.trax.change("source_2", active=True)
        assert status_and_reason(await clients.use(call, yes)) == (
            "confirmation_invalid",
            "changed",
        )
        assert clients.sent == []


async def test_a_yes_to_some_changes_is_none_to_others() -> None:
    async with in_memory() as clients:
        yes = await clients.confirmation(_call(*TWITCH_ONLY))
        for other in (_call(*THREE), _call(CAMERA_OFF, GO_LIVE)):
            result = await clients.use(other, yes)
            assert status_and_reason(result) == ("confirmation_invalid", "mismatch")
        assert clients.sent == []


@in_virtual_time
async def test_after_a_stop_no_further_change_is_sent() -> None:
    async with open_virtual_setup(MINE) as it:
        it.slow(2, path="/sources/source_2")
        async with _being_made(it, THREE) as results:
            stop = yes_to_stop(MINE, studio_id="studio_42")
            assert status(await it.use(MINE, "go_offline", stop)) == "ran"
        assert _outcomes(results[0]) == ["applied", "applied", "not_sent"]
        assert "go_live was not sent: a stop came." in text_of(results[0])
        assert it.times_of("/go-live") == []
        assert it.times_of("/go-offline") == [1.0]
        assert not it.is_live


@in_virtual_time
async def test_nothing_goes_out_where_nobody_was_shown_it() -> None:
    """Somebody switches a destination on, on TRaX itself, while the changes are made."""
    async with open_virtual_setup(MINE) as it:
        it.slow(2, path="/destinations/dest_1")
        async with _being_made(it, TWITCH_ONLY) as results:
            it.trax.change("dest_3", enabled=True)
        assert _outcomes(results[0]) == ["applied", "not_sent"]
        assert "it would not go out as it was shown" in text_of(results[0])
        assert it.times_of("/go-live") == []


@in_virtual_time
async def test_nothing_goes_out_where_nobody_can_see_who_would_see_it() -> None:
    """TRaX fails at the last look, which is no reason to tell that others have acted."""
    async with open_virtual_setup(MINE) as it:
        it.slow(2, path="/destinations/dest_1")
        async with _being_made(it, TWITCH_ONLY) as results:
            it.fail("garbled", path=f"GET {PLACE}/destinations")
        assert _outcomes(results[0]) == ["applied", "not_sent"]
        why = "go_live was not sent: the destinations could not be read once more."
        assert why in text_of(results[0])
        assert it.times_of("/go-live") == []


NEW_PAGE: Final = {"name": "New page", "platform": "facebook"}
ADD_IT_AND_GO_LIVE: Final = [
    {"tool": "create_destination", "arguments": {**NEW_PAGE, "connectionId": "conn_1"}},
    GO_LIVE,
]


@in_virtual_time
async def test_it_goes_out_on_a_destination_that_was_added_a_moment_ago() -> None:
    async with open_virtual_setup(MINE) as it:
        result = await it.confirmed(MINE, "apply_changes", changes=ADD_IT_AND_GO_LIVE)
        assert _outcomes(result) == ["applied", "applied"]
        assert it.is_live


@in_virtual_time
async def test_one_of_the_same_name_as_an_added_one_was_not_shown() -> None:
    """It was there, switched off, and somebody switches it on meanwhile."""
    async with open_virtual_setup(MINE) as it:
        it.trax.change("dest_3", **NEW_PAGE, enabled=False)
        it.slow(2, path=f"POST {PLACE}/destinations")
        async with _being_made(it, ADD_IT_AND_GO_LIVE) as results:
            it.trax.change("dest_3", enabled=True)
        assert _outcomes(results[0]) == ["applied", "not_sent"]
        assert it.times_of("/go-live") == []


@in_virtual_time
async def test_after_a_step_that_is_refused_none_is_sent() -> None:
    async with open_virtual_setup(MINE) as it:
        it.fail("conflict", path="/sources/source_2")
        result = await it.confirmed(MINE, "apply_changes", changes=THREE)
        assert _outcomes(result) == ["applied", "not_applied", "not_sent"]
        assert result.is_error
        assert text_of(result).startswith("Made 1 of 3 changes. Look with check_studio")
        assert "\n2. update_source: TRaX refused the call" in text_of(result)
        assert not it.is_live
        assert status(await it.confirmed(MINE, "go_live")) == "ran", "no go-live is under way"


@in_virtual_time
async def test_if_nothing_was_done_the_yes_is_given_back() -> None:
    async with open_virtual_setup(MINE) as it:
        yes = await it.confirmation(MINE, "apply_changes", changes=THREE)
        it.fail("conflict", path="/destinations/dest_1", times=1)
        first = await it.use(MINE, "apply_changes", yes, changes=THREE)
        assert _outcomes(first) == ["not_applied", "not_sent", "not_sent"]
        second = await it.use(MINE, "apply_changes", yes, changes=THREE)
        assert _outcomes(second) == ["applied"] * 3


@in_virtual_time
async def test_after_a_lost_answer_none_is_sent() -> None:
    async with open_virtual_setup(MINE) as it:
        yes = await it.confirmation(MINE, "apply_changes", changes=THREE)
        it.fail("silent", path="/sources/source_2")
        result = await it.use(MINE, "apply_changes", yes, changes=THREE)
        assert _outcomes(result) == ["applied", "unknown", "not_sent"]
        again = await it.use(MINE, "apply_changes", yes, changes=THREE)
        assert (again.structured_content or {})["reason"] == "used"
        assert it.times_of("/go-live") == []


@pytest.mark.parametrize(
    ("answered", "said"),
    [
        ({"ok": False}, "TRaX answered `ok: false` to update_destination."),
        ({"enabled": True}, "`enabled` is true, though false was asked for"),
    ],
)
async def test_after_an_answer_that_is_not_what_was_asked_for_none_is_sent(
    answered: dict[str, bool], said: str
) -> None:
    """Else the show would go out where the person was told that it does not."""
    async with in_memory() as clients:
        clients.trax.faults.add(Fault.patched(lambda it: it.update(answered)), method="PATCH")
        result = await clients.confirmed(_call(*TWITCH_ONLY))
        assert _outcomes(result) == ["unknown", "not_sent"]
        assert result.is_error
        assert said in text_of(result)
        assert clients.sent == SENT[:1]


async def test_a_go_live_that_trax_did_not_take_is_not_called_made() -> None:
    async with in_memory() as clients:
        clients.trax.faults.add(Fault.status(200, {"ok": False}), path="*/go-live")
        result = await clients.confirmed(_call(*TWITCH_ONLY))
        assert _outcomes(result) == ["applied", "unknown"]
        assert text_of(result).startswith("Made 1 of 2 changes.")


@in_virtual_time
async def test_after_the_call_is_cancelled_no_further_change_is_sent() -> None:
    async with open_virtual_setup(MINE) as it:
        yes = await it.confirmation(MINE, "apply_changes", changes=THREE)
        it.slow(2, path="/sources/source_2")
        with anyio.move_on_after(1):
            await it.use(MINE, "apply_changes", yes, changes=THREE)
        await anyio.sleep(20)
        assert it.times_of("/sources/source_2") == [0.0]
        assert it.times_of("/go-live") == []
        again = await it.use(MINE, "apply_changes", yes, changes=THREE)
        assert "2 of 3 changes were made" in text_of(again)


@in_virtual_time
async def test_a_change_that_is_known_to_be_refused_changes_nothing_for_those_before_it() -> None:
    """The first acts in the studio, whatever becomes of the others."""
    async with open_virtual_setup(MINE, COLLEAGUE) as it:
        it.trax.add_key(COLLEAGUE, scopes=SCOPES - {"sources:write"})
        refused = await it.call(COLLEAGUE, "update_source", sourceId="source_2", name="New")
        assert status(refused) == "insufficient_scope"
        await it.confirmed(MINE, "update_studio", autoGoLive=True)
        sent = len(it.arrived)
        asked = await it.call(COLLEAGUE, "apply_changes", changes=[YOUTUBE_OFF, GUEST_ON])
        assert status(asked) == "confirmation_required"
        assert len(it.arrived) == sent


@in_virtual_time
async def test_a_yes_counts_once_over_two_replicas() -> None:
    async with open_virtual_replicas(MINE) as (here, there):
        yes = await here.confirmation(MINE, "apply_changes", changes=THREE)
        results: list[types.CallToolResult] = []

        async def use(it: Any) -> None:  # noqa: ANN401
            results.append(await it.use(MINE, "apply_changes", yes, changes=THREE))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(use, there)
            tasks.start_soon(use, here)
        ran = [it for it in results if not it.is_error]
        assert [_outcomes(it) for it in ran] == [["applied"] * 3]
        assert len(here.times_of("/go-live")) + len(there.times_of("/go-live")) == 1


@in_virtual_time
async def test_a_stop_at_another_replica_ends_the_changes_here() -> None:
    async with open_virtual_replicas(MINE) as (here, there):
        yes = await here.confirmation(MINE, "apply_changes", changes=THREE)
        here.slow(2, path="/destinations/dest_1")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: here.use(MINE, "apply_changes", yes, changes=THREE))
            await anyio.sleep(1)
            stop = yes_to_stop(MINE, studio_id="studio_42")
            assert status(await there.use(MINE, "go_offline", stop)) == "ran"
        assert here.times_of("/go-live") == []
        assert not here.is_live


@in_virtual_time
async def test_a_stop_that_the_engine_missed_counts_while_the_last_look_is_taken() -> None:
    """The engine is back before it could be told of the stop."""
    async with open_virtual_replicas(MINE) as (here, _):
        yes = await here.confirmation(MINE, "apply_changes", changes=TWITCH_ONLY)
        here.slow(2, path="/destinations/dest_1")
        results: list[types.CallToolResult] = []

        async def apply() -> None:
            results.append(await here.use(MINE, "apply_changes", yes, changes=TWITCH_ONLY))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(apply)
            await anyio.sleep(1)
            here.slow(0.9, path=f"GET {PLACE}/destinations")
            await anyio.sleep(1.2)
            here.engine.is_away = True
            stop = yes_to_stop(MINE, studio_id="studio_42")
            assert status(await here.use(MINE, "go_offline", stop)) == "ran"
            await anyio.sleep(0.6)
            here.engine.is_away = False
        assert "go_live was not sent: a stop came." in text_of(results[0])
        assert here.times_of("/go-live") == []


@in_virtual_time
async def test_an_engine_that_is_slow_in_the_middle_is_not_called_a_stop() -> None:
    """Another replica may have had the turn meanwhile."""
    async with open_virtual_replicas(MINE) as (here, _):
        yes = await here.confirmation(MINE, "apply_changes", changes=THREE)
        here.slow(3, path="/destinations/dest_1")
        results: list[types.CallToolResult] = []

        async def apply() -> None:
            results.append(await here.use(MINE, "apply_changes", yes, changes=THREE))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(apply)
            await anyio.sleep(0.5)
            here.engine.late_seconds = 0.8
            await anyio.sleep(9)
            here.engine.late_seconds = 0.0
        assert _outcomes(results[0]) == ["applied", "not_sent", "not_sent"]
        away = "go_live was not sent: the store that replicas share did not answer in time."
        assert away in text_of(results[0])
        assert here.times_of("/go-live") == []


# What is refused, and what is recorded


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ([GO_LIVE], "for a single one, call its tool"),
        ([YOUTUBE_OFF] * 11, "must be a list of 2 to 10 changes"),
        ([{}] * 11, "must be a list of 2 to 10 changes"),
        ("two", "must be a list of 2 to 10 changes"),
        ([GO_LIVE, YOUTUBE_OFF], "must have go_live last"),
        ([YOUTUBE_OFF, {"tool": "go_offline", "arguments": {}}], "change 2 must be an object"),
        (
            [YOUTUBE_OFF, {"tool": "update_source", "arguments": {}}],
            "change 2 (update_source): `sourceId`",
        ),
        (
            [YOUTUBE_OFF, {"tool": "go_live", "arguments": {"studioId": "studio_43"}}],
            "must all be about the studio of `studioId`",
        ),
        (
            [YOUTUBE_OFF, {"tool": "go_live", "arguments": {"confirm": True}}],
            "'confirm' is not an argument of go_live",
        ),
    ],
)
async def test_bad_changes_are_refused_with_the_one_that_is_wrong(
    changes: object, why: str
) -> None:
    async with in_memory() as clients:
        call = GuardedOperation("apply_changes", {**STUDIO, "changes": changes}, "", {})
        result = await clients.call(call)
        assert status_and_reason(result) == ("failed", "invalid_arguments")
        assert why in text_of(result).replace('"', "'")
        assert clients.sent == []


async def test_a_tool_that_is_not_offered_is_none_here_either() -> None:
    async with in_memory(TRAX_TOOLS="apply_changes,update_destination,update_source") as clients:
        result = await clients.call(_call(*TWITCH_ONLY))
        assert status_and_reason(result) == ("failed", "not_offered")


async def test_the_audit_log_has_a_line_for_each_change_and_no_stream_key(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    key = {
        "tool": "update_destination",
        "arguments": {
            "destId": "dest_2",
            "streamKey": "hush-4711",
            "rtmpUrl": "rtmps://a.example/hush",
        },
    }
    async with in_memory(TRAX_AUDIT_LOG=str(path)) as clients:
        result = await clients.confirmed(_call(key, GO_LIVE))
        assert not result.is_error
    lines = audit_lines(path)
    assert [(it["event"], it["operation"]) for it in lines] == [
        ("decided", "apply_changes"),
        ("decided", "apply_changes"),
        ("sending", "update_destination"),
        ("sent", "update_destination"),
        ("sending", "go_live"),
        ("sent", "go_live"),
    ]
    assert lines[0]["arguments"]["changes"][0]["arguments"]["destId"] == "dest_2"
    assert "hush" not in path.read_text(encoding="utf-8")
    assert "hush" not in text_of(result)
