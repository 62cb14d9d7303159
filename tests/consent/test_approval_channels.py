"""When a call is asked about on the page, and when it falls back to something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mcp_types as types
import pytest

from tests.support.approval_setup import status_of
from tests.support.guarded_calls import GO_LIVE, YES
from tests.support.product.shared_clock import settled
from tests.support.scripted_page import ScriptedPage
from trax_mcp.consent.rules import Mode

if TYPE_CHECKING:
    from tests.support.approval_setup import OpenSetup
    from tests.support.product.shared_clock import HandClock


async def _decline(*_: object) -> types.ElicitResult:
    return types.ElicitResult(action="decline")


async def test_the_page_is_not_used_where_the_operator_does_not_allow_it(
    open_setup: OpenSetup,
) -> None:
    async with open_setup(allowed=frozenset({"form"})) as it:
        assert status_of(await it.start().result()) == ("confirmation_required", None)
        assert it.page.approvals == []


@pytest.mark.parametrize("tool", ["go_live", "go_offline"])
@pytest.mark.parametrize("mode", [Mode.PREVIEW, Mode.FLAG])
async def test_modes_that_ask_nobody_open_no_page(
    open_setup: OpenSetup, mode: Mode, tool: str
) -> None:
    async with open_setup(mode=mode) as it:
        assert status_of(await it.start(tool).result()) == ("confirmation_required", None)
        assert it.page.approvals == []


@pytest.mark.parametrize(
    ("mode", "status"), [(Mode.AUTO, "confirmation_required"), (Mode.HUMAN, "cannot_ask")]
)
async def test_without_a_browser_a_call_falls_back_at_once(
    open_setup: OpenSetup, mode: Mode, status: str
) -> None:
    async with open_setup(mode=mode, page=ScriptedPage(available=False)) as it:
        assert status_of(await it.start().result()) == (status, None)
        assert it.page.approvals == []


@pytest.mark.parametrize(
    ("mode", "status"), [(Mode.AUTO, "confirmation_required"), (Mode.HUMAN, "cannot_ask")]
)
async def test_a_call_falls_back_if_the_page_has_not_opened_after_ten_seconds(
    open_setup: OpenSetup, mode: Mode, status: str
) -> None:
    async with open_setup(mode=mode, page=ScriptedPage(reports=False)) as it:
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


async def test_two_calls_that_wait_for_a_page_that_never_opens_both_fall_back(
    open_setup: OpenSetup,
) -> None:
    async with open_setup(page=ScriptedPage(reports=False)) as it:
        calls = [it.start()]
        await it.page.next()
        calls.append(it.start())
        await it.clock.pass_by(11)
        for call in calls:
            assert status_of(await call.result()) == ("confirmation_required", None)


async def test_a_confirmation_from_the_model_is_not_enough_if_a_page_can_ask(
    open_setup: OpenSetup,
) -> None:
    page = ScriptedPage(available=False)
    async with open_setup(page=page) as it:
        preview = await it.start().result()
        page.available = True
        confirmation = preview.structured_content["confirmation"]
        it.start(confirm=True, confirmation=confirmation)
        await page.next()
        await settled()
        assert it.sent() == []


# Forms that are declined


@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.HUMAN])
async def test_after_a_form_that_is_declined_at_once_the_page_asks(
    open_setup: OpenSetup, mode: Mode, era: str
) -> None:
    async with open_setup(mode=mode, era=era, form=_decline) as it:
        call = it.start()
        approval = await it.page.next()
        it.clock.advance(1)
        await approval.answer(approval.question_id, YES)
        assert ((await call.result()).meta or {})["live.traxstreaming/approvedIn"] == "page"
        assert it.sent() == [GO_LIVE.sent]


@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.HUMAN])
async def test_a_form_that_is_declined_at_once_gives_no_confirmation(
    open_setup: OpenSetup, mode: Mode, era: str
) -> None:
    async with open_setup(
        mode=mode, era=era, form=_decline, page=ScriptedPage(available=False)
    ) as it:
        result = await it.start().result()
        assert status_of(result) == ("declined", "declined")
        assert "confirmation" not in result.structured_content
        assert "TRAX_CONFIRM=preview" in result.structured_content["message"]
        assert status_of(await it.start().result()) == ("declined", "declined")
        assert it.sent() == []


async def test_after_a_form_that_a_person_declined_no_page_asks(
    open_setup: OpenSetup, clock: HandClock, era: str
) -> None:
    async def decline_later(*_: object) -> types.ElicitResult:
        clock.advance(1)
        return types.ElicitResult(action="decline")

    async with open_setup(form=decline_later, era=era) as it:
        assert status_of(await it.start().result()) == ("declined", "declined")
        assert status_of(await it.start().result()) == ("declined", "recently_declined")
        assert it.page.approvals == []
