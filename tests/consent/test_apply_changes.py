"""Several changes with one yes: what a person is asked, how they answer, and what is refused."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.consent.several_changes import (
    CAMERA_OFF,
    GO_LIVE,
    GUEST_ON,
    SENT,
    THREE,
    TWITCH_ONLY,
    YOUTUBE_OFF,
    applying,
    outcomes,
)
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.product.sandbox import SCOPES
from tests.support.simulated_person import Person, agreeing, choices
from tests.world.answers import approved_in, audit_lines, data_of, outcome, state_in, text_of
from tests.world.world import MINE, Over, open_world

if TYPE_CHECKING:
    from pathlib import Path

YES: Final = "Turn off YouTube and go live on Twitch"
USED: Final = ("confirmation_invalid", "used")


async def test_the_preview_shows_each_change_as_those_before_it_leave_things() -> None:
    async with open_world(MINE) as it:
        text = text_of(await it[MINE].call(THREE))
        assert it.sent == []
    assert 'Turns on: "Guest feed"\n' in text
    assert 'Streams to: "Late crowd" (Twitch)\n' in text
    assert 'Turns off: "Main channel" (YouTube)\n' in text
    assert 'May be on screen: "Guest feed", "Host camera", "Intro clip"\n' in text


async def test_what_two_changes_have_in_common_is_shown_of_both() -> None:
    address = {"rtmpUrl": "rtmp://live.example/x", "streamKey": "a-long-stream-key"}
    new = [
        {"tool": "create_destination", "arguments": {"name": name, "platform": "custom", **address}}
        for name in ("One", "Two")
    ]
    deletes = [
        {"tool": "delete_source", "arguments": {"sourceId": source}}
        for source in ("source_1", "source_2")
    ]
    async with open_world(MINE) as it:
        put_on_air(it.trax)
        text = text_of(await it[MINE].call(applying(*new, *deletes)))
    assert text.count("Server: live.example") == 2
    assert text.count("Stream key: 17 characters") == 2
    assert text.count("- Deletions are final.") == 1
    assert text.count("You're on air") == 1


async def test_a_confirmation_runs_them_once_and_in_order() -> None:
    async with open_world(MINE) as it:
        yes = await it[MINE].confirmation(THREE)
        result = await it[MINE].use(THREE, yes)
        assert not result.is_error, result
        assert outcomes(result) == ["applied"] * 3
        assert state_in(result) == "on_air"
        assert text_of(result).startswith("All changes were made.")
        assert text_of(result).count("stays off for later shows") == 1
        again = await it[MINE].use(THREE, yes)
        assert outcome(again) == USED
        assert "already used: all 3 changes were made" in text_of(again)
        assert it.sent == SENT


async def test_a_form_asks_once_in_either_era_over_http(era: str) -> None:
    person = Person(agreeing)
    async with open_world(MINE, era=era, over=Over.HTTP, person=person) as it:
        result = await it[MINE].call(TWITCH_ONLY)
        (form,) = person.forms
        assert choices(form)[0] == YES
        assert outcomes(result) == ["applied"] * 2
        assert it.sent == [SENT[0], SENT[2]]


async def test_a_click_on_the_page_runs_them() -> None:
    async with open_world(MINE, page=True, TRAX_ASK="page,preview") as it:
        call = it[MINE].start(TWITCH_ONLY)
        question = await it.open_page.next()
        assert question.yes == YES
        it.hand_clock.advance(1)
        await question.press(YES)
        result = await call.result()
        assert approved_in(result) == "page"
        assert outcomes(result) == ["applied"] * 2
        assert it.sent == [SENT[0], SENT[2]]


async def test_the_page_does_not_say_done_of_a_half() -> None:
    renamed = {**YOUTUBE_OFF, "arguments": {"destId": "dest_1", "name": "New"}}
    async with open_world(MINE, page=True, TRAX_ASK="page,preview") as it:
        call = it[MINE].start(applying(CAMERA_OFF, renamed, GO_LIVE))
        question = await it.open_page.next()
        it.hand_clock.advance(1)
        it.trax.add_key(MINE, scopes=SCOPES - {"stream:golive"})
        await question.press(question.yes)
        await call.result()
        assert await question.phase() == "ended"
        assert (
            question.data["outcome"]
            == "Made 2 of 3 changes. Change 3 wasn't made. Ask your assistant about the rest."
        )


WAYS: Final[dict[str, tuple[str | None, list[str]]]] = {
    "preview": ("confirmation_required", []),
    "form,panel,page": ("cannot_ask", []),
    "confirm_alone": (None, SENT),
}


@pytest.mark.parametrize("ways", WAYS)
async def test_confirm_alone_is_a_yes_only_where_the_operator_says_so(ways: str) -> None:
    status, sent = WAYS[ways]
    async with open_world(MINE, TRAX_ASK=ways) as it:
        data = await it[MINE].data(THREE, confirm=True)
        assert (data.get("status"), it.sent) == (status, sent)


async def test_changes_that_need_no_yes_by_themselves_need_none_together() -> None:
    switches = applying(YOUTUBE_OFF, GUEST_ON)
    async with open_world(MINE) as it:
        assert outcomes(await it[MINE].call(switches)) == ["applied"] * 2
        put_on_air(it.trax)
        assert outcome(await it[MINE].call(switches)) == ("confirmation_required", None)
        assert it.sent == SENT[:2]


async def test_a_studio_that_goes_on_air_in_between_needs_a_yes_for_the_rest() -> None:
    async with open_world(MINE) as it:
        live = Fault.patched(lambda status: status.update(live=True))
        later = partial(it.trax.faults.add, live, times=None, path="*/stream-status")
        it.trax.faults.add(Fault.followed_by(later), path="*/destinations/dest_1")
        result = await it[MINE].call(applying(YOUTUBE_OFF, GUEST_ON))
        assert outcomes(result) == ["applied", "not_sent"]
        assert "the show may be on air by now, so it needs approval" in text_of(result)
        assert it.sent == SENT[:1]


async def test_a_change_in_between_voids_the_yes_and_it_is_none_to_other_changes() -> None:
    async with open_world(MINE) as it:
        yes = await it[MINE].confirmation(TWITCH_ONLY)
        for other in (THREE, applying(CAMERA_OFF, GO_LIVE)):
            result = await it[MINE].use(other, yes)
            assert outcome(result) == ("confirmation_invalid", "mismatch")
        it.trax.change("source_2", active=True)
        result = await it[MINE].use(TWITCH_ONLY, yes)
        assert outcome(result) == ("confirmation_invalid", "changed")
        assert it.sent == []


# What is refused, and what is recorded

HIDDEN_KEY: Final = {"tool": "go_live", "arguments": {"confirm": True}}
ELSEWHERE: Final = {"tool": "go_live", "arguments": {"studioId": "studio_43"}}
REFUSED: Final[list[tuple[Any, str]]] = [
    ([GO_LIVE], "for a single one, call its tool"),
    ([{}] * 11, "must be a list of 2 to 10 changes"),
    ("two", "must be a list of 2 to 10 changes"),
    ([GO_LIVE, YOUTUBE_OFF], "must have go_live last"),
    ([YOUTUBE_OFF, {"tool": "go_offline", "arguments": {}}], "change 2 must be an object"),
    (
        [YOUTUBE_OFF, {"tool": "update_source", "arguments": {}}],
        "change 2 (update_source): `sourceId`",
    ),
    ([YOUTUBE_OFF, ELSEWHERE], "must all be about the studio of `studioId`"),
    ([YOUTUBE_OFF, HIDDEN_KEY], "'confirm' isn't an argument of go_live"),
]


async def test_bad_changes_are_refused_with_the_one_that_is_wrong() -> None:
    async with open_world(MINE) as it:
        for changes, why in REFUSED:
            result = await it[MINE].call("apply_changes", changes=changes)
            assert (changes, outcome(result)) == (changes, ("failed", "invalid_arguments"))
            assert why in text_of(result).replace('"', "'")
        assert it.sent == []


async def test_a_tool_that_is_not_offered_is_none_here_either() -> None:
    async with open_world(MINE, TRAX_TOOLS="apply_changes,update_destination") as it:
        assert outcome(await it[MINE].call(TWITCH_ONLY)) == ("failed", "not_offered")


async def test_the_audit_log_has_a_line_for_each_change_and_no_stream_key(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    secret = {"streamKey": "hush-4711", "rtmpUrl": "rtmps://a.example/hush"}
    key = {"tool": "update_destination", "arguments": {"destId": "dest_2", **secret}}
    async with open_world(MINE, TRAX_AUDIT_LOG=str(path)) as it:
        result = await it[MINE].confirmed(applying(key, GO_LIVE))
        assert not result.is_error
    lines = audit_lines(path)
    assert [(line["event"], line["operation"]) for line in lines] == [
        ("decided", "apply_changes"),
        ("decided", "apply_changes"),
        ("sending", "update_destination"),
        ("sent", "update_destination"),
        ("sending", "go_live"),
        ("sent", "go_live"),
    ]
    assert lines[0]["arguments"]["changes"][0]["arguments"]["destId"] == "dest_2"
    assert "hush" not in str(lines) + str(data_of(result)) + text_of(result)
