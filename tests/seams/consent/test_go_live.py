"""A go-live: asked, approved, sent once, and told by what was seen."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import anyio
import pytest

from tests.seams.consent.guards import (
    COLLEAGUE,
    DELETE,
    MINE,
    ONLY_TWITCH,
    START,
    STUDIO,
    open_studios,
)
from tests.support.product.faults import Fault
from tests.support.product.virtual_time import in_virtual_time
from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import LostAnswer, NotSent, Refused
from trax_mcp.consent.calls import Answer, Ask, Call, Done, NotRun
from trax_mcp.consent.state import StudioRecord
from trax_mcp.consent.store import name_of

if TYPE_CHECKING:
    from pathlib import Path

    from trax_mcp.consent.ways import Way


CHANGED = "Go live on Twitch: not sent, because it wouldn't stream as it was shown."
TURNED_OFF = (
    'Turned off "Main channel" (YouTube) in "Friday Night Show". It stays off for later shows.'
)


@pytest.mark.parametrize("way", ["form", "preview"])
@pytest.mark.parametrize("processes", [1, 2])
@in_virtual_time
async def test_an_approval_takes_the_show_on_air_once(
    tmp_path: Path, processes: int, way: Way
) -> None:
    """Wherever it is pressed, and however often."""
    async with open_studios(tmp_path, processes=processes) as it:
        question = await it.here.ask(START, way)
        results = []

        async def press(number: int) -> None:
            results.append(await it.processes[number % processes].answer(question))

        async with anyio.create_task_group() as tasks:
            for number in range(4):
                tasks.start_soon(press, number)
        (done,) = [it for it in results if isinstance(it, Done)]
        assert done.observed is not None
        assert done.observed.state == "on_air"
        assert done.steps[0].said[0].text.startswith('"Friday Night Show" went live at')
        used = [it for it in results if isinstance(it, NotRun)]
        assert [(it.status, it.reason) for it in used] == [("confirmation_invalid", "used")] * 3
        assert it.sent == ["go-live"]
        again = await it.there.answer(question)
        assert isinstance(again, NotRun)
        assert again.why == "the call ran, and the show was then on air"


@in_virtual_time
async def test_what_has_changed_is_told_and_not_sent(tmp_path: Path) -> None:
    """A person's answer ends there; a confirmation is followed by another preview."""
    async with open_studios(tmp_path) as it:
        for way in ("form", "preview"):
            question = await it.here.ask(START, way)
            it.trax.change("dest_3", enabled=True)
            result = await it.here.answer(question)
            assert isinstance(result, NotRun if way == "form" else Ask)
            assert result.reason == "changed"
            assert "Kick" in " ".join(change.text for change in result.changes)
            it.trax.change("dest_3", enabled=False)
            expired = await it.here.answer(question)  # though all is as it was
            assert isinstance(expired, NotRun if way == "form" else Ask)
            assert expired.reason == "expired"
        assert it.sent == []


@in_virtual_time
async def test_the_id_of_a_form_is_no_confirmation(tmp_path: Path) -> None:
    """Nor that of a preview an answer of a form: a question keeps the way in which it was asked."""
    async with open_studios(tmp_path) as it:
        form = await it.here.ask(START, "form")
        by_model = await it.here.answer(form, by="confirmation")
        assert isinstance(by_model, NotRun)
        assert by_model.reason == "mismatch"
        preview = await it.here.ask(START, "preview")
        by_form = await it.here.answer(preview, by="form")
        assert isinstance(by_form, NotRun)
        assert by_form.reason == "mismatch"
        assert it.sent == []


@in_virtual_time
async def test_an_approval_of_another_call_or_caller_is_not_good(tmp_path: Path) -> None:
    async with open_studios(tmp_path) as it:
        await it.here.known(MINE, COLLEAGUE)
        deletes = await it.here.ask(DELETE, "preview")
        other = await it.here.guard.run(
            Call(START, Caller(MINE), Answer(deletes.id, "confirmation"))
        )
        assert isinstance(other, Ask)
        assert other.reason == "mismatch"
        stolen = await it.here.answer(await it.here.ask(START, "preview"), key=COLLEAGUE)
        assert isinstance(stolen, Ask)
        assert stolen.reason == "expired"
        assert it.sent == []


@in_virtual_time
async def test_a_refusal_is_one_and_a_second_one_lets_the_person_rest(tmp_path: Path) -> None:
    async with open_studios(tmp_path) as it:
        for _ in range(2):
            no = await it.here.answer(await it.here.ask(START), "Don't go live")
            assert isinstance(no, NotRun)
            assert (no.status, no.reason) == ("declined", "declined")
        rests = await it.here.guard.run(Call(START, Caller(MINE)))
        assert isinstance(rests, NotRun)
        assert rests.reason == "recently_declined"
        assert rests.retry_after_seconds == 60
        assert it.here.lines("decided", "verdict", "reason", "answeredIn") == [
            ("Ask", None, None),
            ("Refuse", "declined", None),
            ("Ask", None, None),
            ("Refuse", "declined", None),
            ("Refuse", "recently_declined", None),
        ]


@in_virtual_time
async def test_a_confirmation_that_comes_too_soon_is_withdrawn_the_third_time(
    tmp_path: Path,
) -> None:
    async with open_studios(tmp_path) as it:
        call = Call(START, Caller(MINE))
        asked = await it.here.guard.run(call)
        assert isinstance(asked, Ask)
        question = await it.here.guard.keep(call, asked, "preview")
        told = []
        for _ in range(4):
            result = await it.here.answer(question)
            assert isinstance(result, NotRun | Ask)
            told.append((result.reason, getattr(result, "why", None)))
        assert told == [
            ("too_soon", None),
            ("too_soon", None),
            ("too_soon", "withdrawn"),
            ("expired", None),
        ]


@in_virtual_time
async def test_a_lost_answer_is_looked_up_and_never_sent_again(tmp_path: Path) -> None:
    """A go-live that was seen is done, and one that was not is told as unknown."""
    async with open_studios(tmp_path) as it:
        it.trax.faults.add(Fault.dropped(when="after"), path="*/go-live")
        done = await it.here.approved(START)
        assert isinstance(done, Done)
        assert done.steps[0].outcome == "applied"
        assert done.steps[0].lost == "The connection to TRaX broke before it answered"
        it.trax.go_offline(STUDIO)
        await anyio.sleep(2)
        it.trax.faults.add(Fault.dropped(), path="*/go-live")
        question = await it.here.ask(START)
        with pytest.raises(LostAnswer):
            await it.here.answer(question)
        used = await it.here.answer(question)
        assert isinstance(used, NotRun)
        assert used.why == "it's unclear whether the call ran, and the show was then starting"
        assert it.sent == ["go-live", "go-live"]


@pytest.mark.parametrize("after", ["2", "30"])
@in_virtual_time
async def test_a_rate_limit_does_not_cost_an_approval(tmp_path: Path, after: str) -> None:
    """The server waits for a moment in place of the person; after that, they are asked again."""
    async with open_studios(tmp_path) as it:
        question = await it.here.ask(START)
        refused = Fault.error(429, "rate_limited", Retry_After=after)
        it.trax.faults.add(refused, method="POST", path="*/go-live")
        if after == "2":
            done = await it.here.answer(question)
            assert isinstance(done, Done)
            assert done.observed is not None
            assert it.sent == ["go-live"] * 2
            return
        with pytest.raises(Refused, match="The user will be asked again"):
            await it.here.answer(question)
        assert isinstance(await it.here.answer(question), Done)


@in_virtual_time
async def test_what_changes_between_several_changes_ends_them(tmp_path: Path) -> None:
    """Before each further one, what remains is read and shown again."""
    async with open_studios(tmp_path) as it:
        question = await it.here.ask(ONLY_TWITCH)

        def change() -> None:
            it.trax.change("dest_3", enabled=True)

        it.trax.faults.add(Fault.followed_by(change), method="PATCH")
        done = await it.here.answer(question)
        assert isinstance(done, Done)
        assert [(step.outcome, step.said[0].text) for step in done.steps] == [
            (
                "applied",
                TURNED_OFF,
            ),
            ("not_sent", CHANGED),
        ]
        assert done.tally == "Made 1 of 2 changes. Change 2 wasn't sent"
        assert it.sent == ["dest_1"]


@in_virtual_time
async def test_several_changes_are_made_in_order(tmp_path: Path) -> None:
    async with open_studios(tmp_path) as it:
        done = await it.here.approved(ONLY_TWITCH)
        assert isinstance(done, Done)
        assert done.is_whole
        assert it.sent == ["dest_1", "go-live"]
        assert it.here.lines("sent", "operation", "outcome", "observed") == [
            ("update_destination", "applied", None),
            ("go_live", "applied", "on_air"),
        ]


@in_virtual_time
async def test_a_sender_that_is_killed_has_used_its_approval(tmp_path: Path) -> None:
    """Within four seconds the other process says that nobody knows whether the call ran."""
    async with open_studios(tmp_path, processes=2) as it:
        await it.there.known(MINE)
        question = await it.here.ask(START)
        it.trax.faults.add(Fault.silence(), path="*/go-live")
        async with anyio.create_task_group() as tasks:

            async def press() -> None:
                with suppress(LostAnswer):
                    await it.here.answer(question)

            tasks.start_soon(press)
            await anyio.sleep(1)
            it.here.cut_off()
            with anyio.fail_after(4):
                gone = await it.there.answer(question)
            assert isinstance(gone, NotRun)
            assert gone.why == "it's unclear whether the call ran"
            tasks.cancel_scope.cancel()
        assert it.sent == ["go-live"]


@in_virtual_time
async def test_where_the_store_is_away_nothing_is_sent(tmp_path: Path) -> None:
    async with open_studios(tmp_path, processes=2) as it:
        question = await it.here.ask(START)
        it.here.cut_off()
        with pytest.raises(NotSent, match="doesn't answer"):
            await it.here.answer(question)
        it.here.cut_off(is_away=False)
        assert isinstance(await it.here.answer(question), Done)


@in_virtual_time
async def test_where_the_store_forgets_while_a_go_live_is_sent_it_stays_on_air(
    tmp_path: Path,
) -> None:
    """What is forgotten is not a stop."""
    async with open_studios(tmp_path, processes=2) as it:
        await it.here.known(MINE)
        question = await it.here.ask(START)
        it.trax.faults.slow(1, path="*/go-live")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(it.here.answer, question)
            await anyio.sleep(0.5)
            await it.here.guard.parts.store.update(
                name_of(STUDIO), lambda *_: (StudioRecord(), None)
            )
        assert it.sent == ["go-live"]
