"""A person is asked on a page, where the client has no forms. Through a real MCP client.

The page is scripted: `tests/web` has the real one. The clock moves only when a test advances it.
"""

from __future__ import annotations

import gc
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import anyio
import mcp_types as types
import pytest
from mcp import Client, MCPError

from tests.conftest import OWNER
from tests.support.jsonrpc import MODERN
from tests.support.scripted_page import ScriptedPage
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.shared_clock import settled
from trax_mcp.consent.approvals import Approval
from trax_mcp.consent.rules import Mode, Rules
from trax_mcp.server.app import ServerDeps, build_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from mcp.client.session import ElicitationFnT

    from tests.support.recorded_sandbox import Sandbox
    from tests.support.shared_clock import HandClock
    from trax_mcp.api.client import Client as Trax

    OpenStage = Callable[..., AbstractAsyncContextManager["Stage"]]

STUDIO: Final = {"studioId": "studio_42"}
YES: Final = 'Go live on YouTube and Twitch: "Friday Night Show"'
NO: Final = "Do not"


class Call:
    """A tool call that goes on while the test acts."""

    def __init__(self) -> None:
        self.scope = anyio.CancelScope()
        self.error = ""
        self._ended = anyio.Event()
        self._result: types.CallToolResult | None = None

    async def run(self, client: Client, tool: str, arguments: dict[str, Any]) -> None:
        """Make the call."""
        with self.scope:
            try:
                self._result = await client.call_tool(tool, arguments)
            except MCPError as error:
                self.error = str(error)
        self._ended.set()

    @property
    def has_ended(self) -> bool:
        """Whether its result is here."""
        return self._ended.is_set()

    async def result(self) -> types.CallToolResult:
        """Wait for its result."""
        with anyio.fail_after(PATIENCE_SECONDS):
            await self._ended.wait()
        assert self._result is not None
        return self._result


@dataclass
class Stage:
    """A client, a page, a clock and a sandbox around one server."""

    client: Client
    page: ScriptedPage
    clock: HandClock
    sandbox: Sandbox
    tasks: anyio.abc.TaskGroup
    deps: ServerDeps

    def start(self, tool: str = "go_live", **arguments: object) -> Call:
        """Call a tool in the background."""
        call = Call()
        self.tasks.start_soon(call.run, self.client, tool, {**STUDIO, **arguments})
        return call

    def sent(self) -> list[str]:
        """The changes that reached TRaX."""
        return [f"{it.method} {it.path}" for it in self.sandbox.mutations]


Open = "Callable[..., AbstractAsyncContextManager[Stage]]"


@pytest.fixture
def stage(sandbox: Sandbox, trax: Trax, clock: HandClock, tmp_path: Path) -> OpenStage:
    """Opens a server with a page, and a client of it."""

    @asynccontextmanager
    async def opened(
        *,
        mode: Mode = Mode.AUTO,
        page: ScriptedPage | None = None,
        form: ElicitationFnT | None = None,
        era: str = MODERN,
        allowed: frozenset[Any] = frozenset({"form", "page"}),
    ) -> AsyncIterator[Stage]:
        page = page or ScriptedPage()
        deps = ServerDeps(
            rules=Rules(mode),
            clock=clock,
            page=page,
            ask=allowed,
            audit_log=tmp_path / "audit.jsonl",
        )
        server = build_server(trax, own=OWNER, deps=deps)
        with anyio.fail_after(3 * PATIENCE_SECONDS):
            async with (
                Client(server, mode=era, cache=None, elicitation_callback=form) as client,
                anyio.create_task_group() as tasks,
            ):
                yield Stage(client, page, clock, sandbox, tasks, deps)
                tasks.cancel_scope.cancel()

    return opened


async def _decline(*_: object) -> types.ElicitResult:
    return types.ElicitResult(action="decline")


def status_of(result: types.CallToolResult) -> tuple[str, str | None]:
    content = result.structured_content or {}
    return content["status"], content.get("reason")


GO_LIVE: Final = "POST /v1/studios/studio_42/go-live"
GO_OFFLINE: Final = "POST /v1/studios/studio_42/go-offline"


async def test_a_click_on_the_page_runs_the_call_that_waits(stage: OpenStage) -> None:
    async with stage() as it:
        call = it.start()
        approval = await it.page.next()
        assert (approval.question.yes, approval.question.no) == (YES, NO)
        it.clock.advance(1)
        await approval.answer(approval.question_id, YES)
        result = await call.result()
        assert result.structured_content["observed"]["state"] == "on_air"
        assert (result.meta or {})["live.traxstreaming/approvedIn"] == "page"
        assert it.sent() == [GO_LIVE]


async def test_a_no_on_the_page_sends_nothing_and_ends_the_call(stage: OpenStage) -> None:
    async with stage() as it:
        call = it.start()
        approval = await it.page.next()
        await approval.answer(approval.question_id, NO)
        assert status_of(await call.result()) == ("declined", "declined")
        assert it.sent() == []


async def test_a_yes_within_a_second_of_its_question_counts_for_nothing(stage: OpenStage) -> None:
    async with stage() as it:
        it.start()
        approval = await it.page.next()
        it.clock.advance(0.9)
        await approval.answer(approval.question_id, YES)
        assert (approval.phase, it.sent()) == ("open", [])
        it.clock.advance(0.1)
        await approval.answer(approval.question_id, YES)
        assert it.sent() == [GO_LIVE]


async def test_a_yes_to_a_question_that_no_page_has_shown_counts_for_nothing(
    stage: OpenStage,
) -> None:
    async with stage(page=ScriptedPage(reports=False)) as it:
        it.start()
        approval = await it.page.next()
        it.clock.advance(5)
        await approval.answer(approval.question_id, YES)
        assert (approval.phase, it.sent()) == ("open", [])


async def test_after_a_change_the_page_shows_the_new_question_with_the_change_first(
    stage: OpenStage,
) -> None:
    async with stage() as it:
        call = it.start()
        approval = await it.page.next()
        first = approval.question_id
        it.clock.advance(1)
        studios = it.sandbox.world.studios
        studios["studio_42"] = replace(studios["studio_42"], name="Rehearsal")
        await approval.answer(first, YES)
        assert (approval.phase, it.sent()) == ("open", [])
        assert 'Now: Starts a broadcast of "Rehearsal" that anyone can watch.' in (
            approval.question.changes
        )
        assert approval.question.yes == 'Go live on YouTube and Twitch: "Rehearsal"'

        approval.report(approval.question_id)
        it.clock.advance(1)
        await approval.answer(first, approval.question.yes)
        assert it.sent() == [], "a press on the earlier question counts for nothing"
        await approval.answer(approval.question_id, approval.question.yes)
        assert (await call.result()).structured_content["observed"]["state"] == "on_air"
        assert it.sent() == [GO_LIVE]


async def test_twenty_presses_at_once_send_one_go_live(stage: OpenStage) -> None:
    async with stage() as it:
        call = it.start()
        approval = await it.page.next()
        it.clock.advance(1)
        async with anyio.create_task_group() as presses:
            for _ in range(20):
                presses.start_soon(approval.answer, approval.question_id, YES)
        await call.result()
        assert it.sent() == [GO_LIVE]


async def test_two_calls_of_the_same_act_share_one_question_and_one_result(
    stage: OpenStage,
) -> None:
    async with stage() as it:
        calls = [it.start()]
        approval = await it.page.next()
        calls.append(it.start())
        await settled()
        assert len(it.page.approvals) == 1
        it.clock.advance(1)
        await approval.answer(approval.question_id, YES)
        for call in calls:
            assert (await call.result()).structured_content["observed"]["state"] == "on_air"
        assert it.sent() == [GO_LIVE]


async def test_a_call_waits_fifty_seconds_and_a_later_click_still_counts_once(
    stage: OpenStage,
) -> None:
    async with stage() as it:
        call = it.start()
        approval = await it.page.next()
        await it.clock.pass_by(49.5)
        assert not call.has_ended
        await it.clock.pass_by(1)
        result = await call.result()
        assert status_of(result) == ("asking", None)
        assert not result.is_error
        content = result.structured_content
        assert (content["executed"], content["channel"]) == (False, "page")
        assert content["message"].startswith("Not done yet: ")

        await approval.answer(approval.question_id, YES)
        assert it.sent() == [GO_LIVE]
        learnt = await it.start().result()
        assert learnt.structured_content["observed"]["state"] == "on_air"
        again = await it.start().result()
        assert status_of(again) == ("nothing_to_do", None), "the outcome is told once"
        assert it.sent() == [GO_LIVE]


async def test_the_wait_for_a_slow_browser_is_part_of_the_fifty_seconds(stage: OpenStage) -> None:
    async with stage(page=ScriptedPage(reports=False)) as it:
        call = it.start()
        approval = await it.page.next()
        await it.clock.pass_by(9)
        approval.report(approval.question_id)
        await it.clock.pass_by(42)
        assert call.has_ended
        assert status_of(await call.result()) == ("asking", None)


async def test_a_question_without_an_answer_ends_after_five_minutes(stage: OpenStage) -> None:
    async with stage() as it:
        call = it.start()
        approval = await it.page.next()
        await it.clock.pass_by(51)
        await call.result()
        it.clock.advance(250)
        await approval.answer(approval.question_id, YES)
        assert (approval.phase, it.sent()) == ("ended", [])
        assert status_of(await it.start().result()) == ("declined", "timed_out")


async def test_a_cancelled_call_withdraws_its_question(stage: OpenStage) -> None:
    async with stage() as it:
        call = it.start()
        approval = await it.page.next()
        it.clock.advance(1)
        await settled()
        call.scope.cancel()
        await settled()
        assert approval.phase == "withdrawn"
        await approval.answer(approval.question_id, YES)
        assert it.sent() == []


async def test_a_question_stays_while_another_call_waits_for_it(stage: OpenStage) -> None:
    async with stage() as it:
        cancelled, waiting = it.start(), None
        approval = await it.page.next()
        waiting = it.start()
        await settled()
        cancelled.scope.cancel()
        await settled()
        it.clock.advance(1)
        await approval.answer(approval.question_id, YES)
        assert (await waiting.result()).structured_content["observed"]["state"] == "on_air"


@pytest.mark.parametrize(
    ("mode", "status"), [(Mode.AUTO, "confirmation_required"), (Mode.HUMAN, "cannot_ask")]
)
async def test_a_browser_that_never_comes_leaves_what_is_left(
    stage: OpenStage, mode: Mode, status: str
) -> None:
    async with stage(mode=mode, page=ScriptedPage(reports=False)) as it:
        call = it.start()
        approval = await it.page.next()
        await it.clock.pass_by(9.5)
        assert not call.has_ended
        await it.clock.pass_by(1)
        assert status_of(await call.result()) == (status, None)
        approval.report(approval.question_id)
        it.clock.advance(1)
        await approval.answer(approval.question_id, YES)
        assert it.sent() == [], "a page that comes later cannot answer"


@pytest.mark.parametrize(
    ("mode", "status"), [(Mode.AUTO, "confirmation_required"), (Mode.HUMAN, "cannot_ask")]
)
async def test_without_a_browser_nobody_waits(stage: OpenStage, mode: Mode, status: str) -> None:
    async with stage(mode=mode, page=ScriptedPage(available=False)) as it:
        assert status_of(await it.start().result()) == (status, None)
        assert it.page.approvals == []


async def test_the_page_is_not_used_where_the_operator_does_not_allow_it(stage: OpenStage) -> None:
    async with stage(allowed=frozenset({"form"})) as it:
        assert status_of(await it.start().result()) == ("confirmation_required", None)
        assert it.page.approvals == []


@pytest.mark.parametrize("tool", ["go_live", "go_offline"])
@pytest.mark.parametrize("mode", [Mode.PREVIEW, Mode.FLAG])
async def test_modes_that_ask_nobody_open_no_page(stage: OpenStage, mode: Mode, tool: str) -> None:
    async with stage(mode=mode) as it:
        assert status_of(await it.start(tool).result()) == ("confirmation_required", None)
        assert it.page.approvals == []


async def test_a_confirmation_of_the_model_is_no_yes_where_a_page_asks(stage: OpenStage) -> None:
    page = ScriptedPage(available=False)
    async with stage(page=page) as it:
        preview = await it.start().result()
        page.available = True
        confirmation = preview.structured_content["confirmation"]
        it.start(confirm=True, confirmation=confirmation)
        await page.next()
        await settled()
        assert it.sent() == []


async def test_a_page_that_was_closed_leaves_the_question_until_it_expires(
    stage: OpenStage,
) -> None:
    async with stage() as it:
        call = it.start()
        approval = await it.page.next()
        it.page.approvals.clear()  # no page shows it any more
        await it.clock.pass_by(51)
        assert status_of(await call.result()) == ("asking", None)
        it.clock.advance(250)
        assert approval.phase == "ended"
        assert it.sent() == []


async def test_a_server_that_stops_while_a_person_is_asked_sends_nothing(
    stage: OpenStage,
) -> None:
    async with stage() as it:
        call = it.start()
        approval = await it.page.next()
        it.clock.advance(1)
        await it.deps.shut_down()
        await approval.answer(approval.question_id, YES)
        assert "shutting down" in call.error
        assert it.sent() == []


# A no


async def test_after_a_no_the_same_act_is_not_asked_about_for_a_minute(stage: OpenStage) -> None:
    async with stage() as it:
        call = it.start()
        approval = await it.page.next()
        await approval.answer(approval.question_id, NO)
        await call.result()
        it.clock.advance(20)
        again = await it.start().result()
        assert status_of(again) == ("declined", "recently_declined")
        assert again.structured_content["retryAfterSeconds"] == 40
        assert len(it.page.approvals) == 1
        it.clock.advance(40)
        it.start()
        await it.page.next(2)


async def test_a_no_to_one_act_does_not_keep_another_from_being_asked(stage: OpenStage) -> None:
    async with stage() as it:
        call = it.start()
        approval = await it.page.next()
        await approval.answer(approval.question_id, NO)
        await call.result()
        it.start("delete_source", sourceId="source_1")
        await it.page.next(2)


# Stops


@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.HUMAN])
async def test_a_stop_returns_at_once_with_a_confirmation_beside_the_page(
    stage: OpenStage, mode: Mode
) -> None:
    async with stage(mode=mode, page=ScriptedPage(reports=False)) as it:
        result = await it.start("go_offline").result()
        content = result.structured_content
        assert (content["status"], content["channel"]) == ("asking", "page")
        assert content["confirmation"]
        assert content["preview"]
        confirmed = it.start("go_offline", confirm=True, confirmation=content["confirmation"])
        assert ((await confirmed.result()).meta or {})[
            "live.traxstreaming/approvedIn"
        ] == "confirmation"
        assert it.sent() == [GO_OFFLINE]
        assert (await it.page.next()).phase == "ended"


async def test_a_click_stops_at_once_and_its_confirmation_then_stops_nothing_more(
    stage: OpenStage,
) -> None:
    async with stage() as it:
        asked = (await it.start("go_offline").result()).structured_content
        approval = await it.page.next()
        await approval.answer(approval.question_id, approval.question.yes)
        assert it.sent() == [GO_OFFLINE]
        again = it.start("go_offline", confirm=True, confirmation=asked["confirmation"])
        assert status_of(await again.result()) == ("confirmation_invalid", "used")
        assert it.sent() == [GO_OFFLINE]


async def test_a_stop_may_be_asked_about_right_after_a_no(stage: OpenStage) -> None:
    async with stage() as it:
        await it.start("go_offline").result()
        approval = await it.page.next()
        await approval.answer(approval.question_id, NO)
        assert approval.phase == "ended"
        assert it.sent() == []
        assert status_of(await it.start("go_offline").result()) == ("asking", None)


async def test_a_stop_voids_the_open_question_of_a_go_live(stage: OpenStage) -> None:
    async with stage() as it:
        call = it.start()
        approval = await it.page.next()
        stop = (await it.start("go_offline").result()).structured_content
        await it.start("go_offline", confirm=True, confirmation=stop["confirmation"]).result()
        it.clock.advance(1)
        await approval.answer(approval.question_id, YES)
        assert status_of(await call.result()) == ("confirmation_invalid", "expired")
        assert it.sent() == [GO_OFFLINE]


# Forms that nobody sees


@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.HUMAN])
async def test_a_form_that_is_declined_at_once_moves_on_to_the_page(
    stage: OpenStage, mode: Mode, era: str
) -> None:
    async with stage(mode=mode, era=era, form=_decline) as it:
        call = it.start()
        approval = await it.page.next()
        it.clock.advance(1)
        await approval.answer(approval.question_id, YES)
        assert ((await call.result()).meta or {})["live.traxstreaming/approvedIn"] == "page"
        assert it.sent() == [GO_LIVE]


@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.HUMAN])
async def test_a_form_that_is_declined_at_once_gives_no_confirmation(
    stage: OpenStage, mode: Mode, era: str
) -> None:
    async with stage(mode=mode, era=era, form=_decline, page=ScriptedPage(available=False)) as it:
        result = await it.start().result()
        assert status_of(result) == ("declined", "declined")
        assert "confirmation" not in result.structured_content
        assert "TRAX_CONFIRM=preview" in result.structured_content["message"]
        assert status_of(await it.start().result()) == ("declined", "declined")
        assert it.sent() == []


async def test_a_form_that_a_person_declined_does_not_move_on(
    stage: OpenStage, clock: HandClock, era: str
) -> None:
    async def decline_later(*_: object) -> types.ElicitResult:
        clock.advance(1)
        return types.ElicitResult(action="decline")

    async with stage(form=decline_later, era=era) as it:
        assert status_of(await it.start().result()) == ("declined", "declined")
        assert status_of(await it.start().result()) == ("declined", "recently_declined")
        assert it.page.approvals == []


# Limits


async def test_a_fourth_question_withdraws_the_oldest(stage: OpenStage) -> None:
    async with stage() as it:
        acts = [
            ("go_live", {}),
            ("delete_source", {"sourceId": "source_1"}),
            ("delete_source", {"sourceId": "source_2"}),
            ("delete_destination", {"destId": "dest_1"}),
        ]
        for number, (tool, arguments) in enumerate(acts, start=1):
            it.start(tool, **arguments)
            await it.page.next(number)
        phases = [approval.phase for approval in it.page.approvals]
        assert phases == ["withdrawn", "open", "open", "open"]


async def test_other_questions_get_no_confirmation_for_the_one_they_withdraw(
    stage: OpenStage,
) -> None:
    async with stage(page=ScriptedPage(reports=False)) as it:
        call = it.start()
        await it.page.next()
        for number in (1, 2, 3):
            it.start("delete_source", sourceId=f"source_{number}")
            await it.page.next(number + 1)
        result = await call.result()
        assert it.page.approvals[0].phase == "withdrawn"
        assert status_of(result) == ("asking", None)
        assert "confirmation" not in result.structured_content


async def test_few_questions_are_kept_after_their_end(stage: OpenStage) -> None:
    async with stage() as it:
        for _ in range(40):
            await it.start("go_offline").result()
        it.page.approvals.clear()
        gc.collect()
        kept = [found for found in gc.get_objects() if isinstance(found, Approval)]
        assert len(kept) < 25


# What is recorded


async def test_the_audit_log_tells_who_was_asked_where_and_what_they_said(
    stage: OpenStage, tmp_path: Path
) -> None:
    async with stage() as it:
        call = it.start()
        approval = await it.page.next()
        it.clock.advance(1)
        await approval.answer(approval.question_id, YES)
        await call.result()
    text = (tmp_path / "audit.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    events = [(it["event"], it.get("channel"), it.get("answeredIn")) for it in lines]
    assert events == [
        ("decided", None, None),
        ("asked", "page", None),
        ("answered", None, "page"),
        ("decided", None, "page"),
        ("sending", None, None),
        ("sent", None, None),
    ]
    assert approval.ticket not in text
    assert approval.question.confirmation_id not in text
