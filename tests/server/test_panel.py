"""The approval panel, as a client of MCP Apps uses it; `proof/browser` draws it in a real one.

A client promises to show the panel to a person. The ticket is the second protection: nothing that a
model reads has it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest
from mcp.server.apps import APP_MIME_TYPE

from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE, IS_LIVE, NO, STUDIO, YES
from tests.support.product.shared_clock import settled
from tests.support.product.software_passkey import SoftwarePasskey
from tests.world.answers import approved_in, data_of, outcome, state_in
from tests.world.panel import TICKET, Panel, open_panel
from tests.world.wire import MODERN
from tests.world.world import COLLEAGUE, MINE, open_world

if TYPE_CHECKING:
    from tests.world.world import World

URI: Final = "ui://trax/approval.html"
TOO_LATE: Final = (
    "This question isn't asked here any more. It was shown too late. Nothing was sent."
)
with_panel: Final = partial(open_world, MINE, apps=True, TRAX_ASK="panel,page,preview")


async def shown(it: World, *call: Any, **arguments: object) -> Panel:  # noqa: ANN401  any JSON
    """Ask, report, and let a second pass."""
    panel = await open_panel(it[MINE], *(call or (GO_LIVE,)), **arguments)
    await panel.look()
    it.hand_clock.advance(1)
    return panel


async def test_clients_that_draw_panels_are_offered_the_panel_and_its_tool(era: str) -> None:
    async with with_panel(era=era) as it:
        client = it[MINE].client
        listed = await client.list_tools()
        if era == MODERN:
            assert listed.cache_scope == "private", "other clients get another list"
        tools = {tool.name: tool for tool in listed.tools}
        assert (tools["go_live"].meta or {})["ui"] == {"resourceUri": URI}
        assert "ui" not in (tools["get_studio"].meta or {})
        assert (tools["answer_approval"].meta or {})["ui"]["visibility"] == ["app"]
        resources = (await client.list_resources()).resources
        assert URI in [str(resource.uri) for resource in resources]


OFFERS_NONE: Final[dict[str, dict[str, Any]]] = {
    "other clients": {"apps": False},
    "TRAX_ASK without panel": {"TRAX_ASK": "form,page,preview"},
    "TRAX_ASK=preview": {"TRAX_ASK": "preview"},
    "TRAX_ASK=confirm_alone": {"TRAX_ASK": "confirm_alone"},
    "TRAX_READ_ONLY": {"TRAX_READ_ONLY": "1"},
    "a passkey": {"passkey": SoftwarePasskey()},
}


def answered_in_rooms(options: dict[str, Any]) -> list[str]:
    """With a passkey, a room asks about a stop."""
    return ["answer_approval"] if "passkey" in options else []


@pytest.mark.parametrize("options", OFFERS_NONE.values(), ids=OFFERS_NONE)
async def test_without_panels_neither_the_panel_nor_its_tool_is_offered(
    options: dict[str, Any],
) -> None:
    async with with_panel(**options) as it:
        drawn = {
            tool.name: tool.meta["ui"]["resourceUri"]
            for tool in (await it[MINE].client.list_tools()).tools
            if tool.meta and "ui" in tool.meta
        }
        assert [name for name, uri in drawn.items() if uri == URI] == answered_in_rooms(options)
        resources = (await it[MINE].client.list_resources()).resources
        assert URI not in [str(resource.uri) for resource in resources]


async def test_the_panel_is_one_page_that_loads_nothing() -> None:
    async with with_panel() as it:
        (contents,) = (await it[MINE].client.read_resource(URI)).contents
    assert contents.mime_type == APP_MIME_TYPE
    text = contents.text  # type: ignore[union-attr]  # it's text
    assert "ApprovalCard" in text
    assert "/* " not in text
    loading = ("http://", "https://", " src=", "<link", "innerHTML", "eval(")
    assert [word for word in loading if word in text] == []


async def test_a_press_in_the_panel_goes_live_and_the_next_call_returns_it(era: str) -> None:
    async with with_panel(era=era) as it:
        panel = await shown(it)
        assert (panel.state["phase"], panel.yes, panel.no) == ("open", YES, NO)
        assert (await panel.press(YES))["outcome"].startswith(IS_LIVE)
        learnt = await it[MINE].call(GO_LIVE)
        assert (state_in(learnt), approved_in(learnt)) == ("on_air", "panel")
        assert (await panel.look())["outcome"].startswith(IS_LIVE)
        assert it.sent == [GO_LIVE.sent]


async def test_a_press_in_the_panel_counts_although_each_call_is_cancelled() -> None:
    """As by clients with short time-outs: each call joins the question, in the same panel."""
    async with with_panel() as it:
        panel = await shown(it)
        for _ in range(3):
            call = it[MINE].start(GO_LIVE)
            await settled()
            call.scope.cancel()
            await settled()
        await panel.press(YES)
        assert state_in(await it[MINE].call(GO_LIVE)) == "on_air"
        assert it.sent == [GO_LIVE.sent]


async def test_an_outcome_in_the_panel_is_returned_to_a_call_within_a_minute_only() -> None:
    async with with_panel() as it:
        panel = await shown(it)
        await panel.press(YES)
        it.hand_clock.advance(60)
        assert outcome(await it[MINE].call(GO_LIVE)) == ("nothing_to_do", None)


async def test_a_no_in_the_panel_sends_nothing() -> None:
    async with with_panel() as it:
        panel = await shown(it)
        assert (await panel.press(NO))["outcome"] == "You said no. Nothing was sent."
        assert (await it[MINE].data(GO_LIVE))["reason"] == "declined"
        again = await shown(it)
        assert again.ticket != panel.ticket, "the same call may be asked about once more at once"
        await again.press(NO)
        reasons = [(await it[MINE].data(GO_LIVE))["reason"] for _ in range(2)]
        assert reasons == ["declined", "recently_declined"]
        assert it.sent == []


async def test_the_silence_after_a_no_is_for_the_person_who_said_no() -> None:
    """Where the client names people. A whole team may share one key."""
    async with with_panel() as it:

        async def said_to(name: str, tool: str = "go_live", **arguments: object) -> str:
            meta: Any = {"live.traxstreaming/actor": name}
            data = data_of(await it[MINE].client.call_tool(tool, arguments or STUDIO, meta=meta))
            return str(data.get("reason") or data.get("status"))

        for _ in range(2):
            panel = await shown(it)
            no = {"ticket": panel.ticket, "choice": NO}
            await said_to("ann", "answer_approval", **no)
            assert await said_to("ann") == "declined"
        assert [await said_to(name) for name in ("ann", "ben")] == [
            "recently_declined",
            "asking",
        ]


async def test_the_ticket_is_in_the_metadata_of_the_result_and_nowhere_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    async with with_panel() as it:
        result = await it[MINE].call(GO_LIVE)
        panel = Panel(it[MINE], str((result.meta or {})[TICKET]))
        assert panel.ticket not in result.model_copy(update={"meta": None}).model_dump_json()
        assert panel.ticket not in str(await panel.look())
        assert panel.ticket not in caplog.text


async def test_after_a_change_the_panel_says_so_and_the_next_call_asks() -> None:
    async with with_panel() as it:
        panel = await shown(it)
        it.trax.remove("dest_2")
        told = await panel.press(YES)
        assert (told["phase"], told["outcome"]) == (
            "ended",
            "Things have changed. Nothing was sent. Ask for it again.",
        )
        await panel.press(YES)
        assert it.sent == []


async def test_a_stop_by_panel_returns_at_once_with_its_confirmation_beside() -> None:
    """A stop is never answered with the outcome of an earlier one."""
    async with with_panel(TRAX_ASK="form,panel,page") as it:
        assert (await it[MINE].preview(GO_OFFLINE))["confirmation"]
        panel = await open_panel(it[MINE], GO_OFFLINE)
        shown = await panel.look()
        assert (shown["isStop"], shown["readingSeconds"]) == (True, 1.0)
        await panel.press(panel.yes)
        assert it.sent == [GO_OFFLINE.sent]
        assert (await open_panel(it[MINE], GO_OFFLINE)).ticket != panel.ticket


WRONG_ANSWERS: Final[tuple[dict[str, object], ...]] = (
    {"choice": "yes"},
    {"choice": True},
    {"choice": YES, "confirm": True},
    {"choice": YES + " " * 600},
)


async def test_a_wrong_answer_changes_nothing() -> None:
    """It names another choice, or holds more than it may."""
    async with open_world(MINE, COLLEAGUE, apps=True, TRAX_ASK="panel,preview") as it:
        panel = await shown(it)
        for answer in WRONG_ANSWERS:
            await panel.tell(**answer)
            assert it.sent == [], answer
        right = {"choice": YES}
        for ticket in ("", "guessed", "studio_42", "\N{PILE OF POO}", "x" * 600):
            assert (await Panel(it[MINE], ticket).tell(**right))["phase"] == "gone"
        assert (await Panel(it[COLLEAGUE], panel.ticket).tell(**right))["phase"] == "gone"
        assert it.sent == []
        async with anyio.create_task_group() as presses:
            for _ in range(20):
                presses.start_soon(partial(panel.tell, **right))
        await panel.tell(**right)
        assert it.sent == [GO_LIVE.sent], "the right answer counts, once"


async def test_a_yes_before_the_panel_was_shown_for_a_second_is_ignored() -> None:
    async with with_panel() as it:
        panel = await open_panel(it[MINE], GO_LIVE)
        await panel.tell(choice=YES)
        await panel.look()
        it.hand_clock.advance(0.9)
        await panel.press(YES)
        assert it.sent == []


@pytest.mark.parametrize(
    ("ways", "status"),
    [("panel,page,preview", "confirmation_required"), ("panel,page", "cannot_ask")],
)
async def test_a_panel_that_does_not_report_in_ten_seconds_cannot_answer(
    ways: str, status: str
) -> None:
    async with with_panel(TRAX_ASK=ways) as it:
        panel = await open_panel(it[MINE], GO_LIVE)
        it.hand_clock.advance(10)
        late = await panel.look()
        assert (late["phase"], late["outcome"]) == ("unreported", TOO_LATE)
        it.hand_clock.advance(1)
        await panel.tell(choice=YES)
        assert it.sent == []
        preview = await it[MINE].preview(GO_LIVE)
        assert preview["status"] == status
        if "preview" in ways:
            await it[MINE].read_preview()
            await it[MINE].use(GO_LIVE, preview["confirmation"])
            assert it.sent == [GO_LIVE.sent]
        else:
            again = await open_panel(it[MINE], GO_LIVE)
            assert again.ticket != panel.ticket, "one call falls back, and the next asks again"


@pytest.mark.parametrize("reports", [True, False])
async def test_on_stdio_the_page_follows_a_panel_that_does_not_report(*, reports: bool) -> None:
    """Then the panel's tool answers no more. Where no page reports either, a call falls back."""
    async with with_panel(page=True) as it:
        panel, browser = await open_panel(it[MINE], GO_LIVE), it.open_page.browser
        await it.hand_clock.pass_by(9)
        assert browser.opened == []
        await it.hand_clock.pass_until(lambda: browser.opened, most=2)
        if reports:
            await it.open_page.next()
            it.hand_clock.advance(1)
            await panel.tell(choice=YES)
            assert it.sent == []
        else:
            call = it[MINE].start(GO_LIVE)
            await it.hand_clock.pass_until(lambda: call.has_ended, most=15)
            assert outcome(await call.result()) == ("confirmation_required", None)
