"""The approval panel, as a client of MCP Apps uses it; `proof/browser` draws it in a real one.

A client promises to show the panel to a person. The ticket is the second protection: nothing that a
model reads has it.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest
from mcp import Client
from mcp.client.extension import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

from tests.support.approval_setup import Page
from tests.support.consent_clients import SECOND_KEY, two_key_sandbox
from tests.support.guarded_calls import NO, STUDIO, YES
from tests.support.product.pages import open_with_page
from tests.support.product.server import Product
from tests.support.product.software_passkey import SoftwarePasskey
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.wire import ERAS, MODERN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    import mcp_types as types

    from tests.support.product.sandbox import Sandbox
    from tests.support.product.shared_clock import HandClock

    OpenPanelClient = Callable[..., AbstractAsyncContextManager["PanelClient"]]

APPS: Final = (advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]}),)
ACTOR: Final = "live.traxstreaming/actor"
TICKET: Final = "live.traxstreaming/ticket"
URI: Final = "ui://trax/approval.html"
TOO_LATE: Final = "This was shown too late, and is no longer asked here. Nothing was sent."


@dataclass
class PanelClient:
    """A client that draws panels."""

    client: Client
    clock: HandClock
    sandbox: Sandbox

    async def call(self, tool: str = "go_live", **arguments: object) -> types.CallToolResult:
        """Call a tool."""
        return await self.client.call_tool(tool, {**STUDIO, **arguments})

    async def asked(self, tool: str = "go_live", **arguments: object) -> str:
        """Call a tool that asks in a panel; returns the ticket."""
        result = await self.call(tool, **arguments)
        assert _content(result)["status"] == "asking"
        return str((result.meta or {})[TICKET])

    async def data(self, tool: str = "go_live", **arguments: object) -> dict[str, Any]:
        """Call a tool; returns the data of its answer."""
        return _content(await self.call(tool, **arguments))

    async def answer(self, ticket: str, **arguments: object) -> dict[str, Any]:
        """Call `answer_approval`, as the panel does."""
        arguments = {"ticket": ticket, **arguments}
        return _content(await self.client.call_tool("answer_approval", arguments))

    async def shown(self, tool: str = "go_live", **arguments: object) -> tuple[str, dict[str, Any]]:
        """Ask, report, and let a second pass; returns the ticket and the question's state."""
        ticket = await self.asked(tool, **arguments)
        state = await self.answer(ticket)
        self.clock.advance(1)
        return ticket, state

    def sent(self) -> int:
        """The number of changes that reached TRaX."""
        return len(self.sandbox.sent)


@pytest.fixture
def panel_client(sandbox: Sandbox, clock: HandClock) -> OpenPanelClient:
    """Opens a server, and a client that draws panels."""

    @asynccontextmanager
    async def opened(
        *,
        era: str = MODERN,
        apps: bool = True,
        product: Product | None = None,
        passkey: SoftwarePasskey | None = None,
        **settings: str,
    ) -> AsyncIterator[PanelClient]:
        product = product or Product(
            sandbox, clock, {"TRAX_ASK": "panel,page", **settings}, passkey=passkey
        )
        extensions = APPS if apps else None
        with anyio.fail_after(PATIENCE_SECONDS):
            async with Client(
                product.server(), mode=era, cache=None, extensions=extensions
            ) as client:
                yield PanelClient(client, clock, sandbox)

    return opened


def _content(result: types.CallToolResult) -> dict[str, Any]:
    assert isinstance(result.structured_content, dict)
    return result.structured_content


@pytest.mark.parametrize("era", ERAS)
async def test_clients_that_draw_panels_are_offered_the_panel_and_its_tool(
    panel_client: OpenPanelClient, era: str
) -> None:
    async with panel_client(era=era) as it:
        listed = await it.client.list_tools()
        if era == MODERN:
            assert listed.cache_scope == "private", "other clients get another list"
        tools = {tool.name: tool for tool in listed.tools}
        assert (tools["go_live"].meta or {})["ui"] == {"resourceUri": URI}
        assert "ui" not in (tools["get_studio"].meta or {})
        assert (tools["answer_approval"].meta or {})["ui"]["visibility"] == ["app"]
        resources = (await it.client.list_resources()).resources
        assert URI in [str(resource.uri) for resource in resources]


OFFERS_NONE: Final[dict[str, dict[str, Any]]] = {
    "other clients": {"apps": False},
    "TRAX_ASK without panel": {"TRAX_ASK": "form,page"},
    "TRAX_CONFIRM=preview": {"TRAX_CONFIRM": "preview"},
    "TRAX_CONFIRM=flag": {"TRAX_CONFIRM": "flag"},
    "TRAX_READ_ONLY": {"TRAX_READ_ONLY": "1"},
    "a passkey": {"passkey": SoftwarePasskey()},
}


@pytest.mark.parametrize("options", OFFERS_NONE.values(), ids=OFFERS_NONE)
async def test_without_panels_neither_the_panel_nor_its_tool_is_offered(
    panel_client: OpenPanelClient, options: dict[str, Any]
) -> None:
    async with panel_client(**options) as it:
        tools = (await it.client.list_tools()).tools
        assert "answer_approval" not in [tool.name for tool in tools]
        assert [tool.name for tool in tools if "ui" in (tool.meta or {})] == []
        uris = [str(resource.uri) for resource in (await it.client.list_resources()).resources]
        assert URI not in uris


async def test_the_panel_is_one_page_that_loads_nothing(panel_client: OpenPanelClient) -> None:
    async with panel_client() as it:
        (contents,) = (await it.client.read_resource(URI)).contents
        assert contents.mime_type == APP_MIME_TYPE
        text = contents.text  # type: ignore[union-attr]
        assert "ApprovalCard" in text
        assert "/* " not in text
        loading = ("http://", "https://", " src=", "<link", "innerHTML", "eval(")
        assert [word for word in loading if word in text] == []


@pytest.mark.parametrize("era", ERAS)
async def test_a_press_in_the_panel_makes_several_changes(
    panel_client: OpenPanelClient, era: str
) -> None:
    async with panel_client(era=era) as it:
        off = {"tool": "update_destination", "arguments": {"destId": "dest_1", "enabled": False}}
        changes = [off, {"tool": "go_live", "arguments": {}}]
        ticket, state = await it.shown("apply_changes", changes=changes)
        assert state["yes"] == 'Do these 2 things and be live on Twitch: "Friday Night Show"'
        ended = await it.answer(ticket, question=state["question"], choice=state["yes"])
        assert ended["outcome"] == "Done. It is on air."
        later = await it.data("apply_changes", changes=changes)
        assert [each["outcome"] for each in later["changes"]] == ["applied", "applied"]
        assert it.sent() == 2


@pytest.mark.parametrize("era", ERAS)
async def test_a_press_in_the_panel_goes_live_and_the_next_call_returns_it(
    panel_client: OpenPanelClient, era: str
) -> None:
    async with panel_client(era=era) as it:
        ticket, state = await it.shown()
        assert (state["phase"], state["yes"], state["no"]) == ("open", YES, NO)
        ended = await it.answer(ticket, question=state["question"], choice=YES)
        assert ended["outcome"] == "Done. It is on air."
        learnt = await it.call()
        assert _content(learnt)["observed"]["state"] == "on_air"
        assert (learnt.meta or {})["live.traxstreaming/approvedIn"] == "panel"
        assert (await it.answer(ticket))["outcome"] == "Done. It is on air."
        assert it.sent() == 1


async def test_a_no_in_the_panel_sends_nothing(panel_client: OpenPanelClient) -> None:
    async with panel_client() as it:
        ticket, state = await it.shown()
        ended = await it.answer(ticket, question=state["question"], choice=NO)
        assert ended["outcome"] == "You said no. Nothing was sent."
        assert (await it.data())["reason"] == "declined"
        assert (await it.data())["reason"] == "recently_declined"
        assert it.sent() == 0


async def test_the_silence_after_a_no_is_for_the_person_who_said_no(
    panel_client: OpenPanelClient,
) -> None:
    """Where the client names people. A whole team may share one key."""
    async with panel_client() as it:

        async def reason(name: str) -> str:
            meta: Any = {ACTOR: name}
            result = await it.client.call_tool("go_live", STUDIO, meta=meta)
            data = _content(result)
            return str(data.get("reason") or data["status"])

        ticket, state = await it.shown()
        said = {"ticket": ticket, "question": state["question"], "choice": NO}
        meta: Any = {ACTOR: "ann"}
        await it.client.call_tool("answer_approval", said, meta=meta)
        assert await reason("ann") == "declined"
        assert [await reason(it) for it in ("ann", "ben")] == ["recently_declined", "asking"]


async def test_a_choice_may_be_long(panel_client: OpenPanelClient) -> None:
    """Names of platforms are TRaX's, and may be anything. A bare "yes" is still no answer."""
    async with panel_client() as it:
        for number in range(40):
            it.sandbox.add_destination("Far", platform=f"{number:03}" + "\N{PILE OF POO}" * 60)
        ticket, state = await it.shown()
        assert len(state["yes"]) > 2_000
        for choice in ("yes", state["yes"][:512]):
            await it.answer(ticket, question=state["question"], choice=choice)
            assert it.sent() == 0
        await it.answer(ticket, question=state["question"], choice=state["yes"])
        assert it.sent() == 1


async def test_the_ticket_is_in_the_metadata_of_the_result_and_nowhere_else(
    panel_client: OpenPanelClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with panel_client() as it:
        result = await it.call()
        ticket = str((result.meta or {})[TICKET])
        assert ticket not in result.model_copy(update={"meta": None}).model_dump_json()
        state = await it.answer(ticket)
        assert ticket not in str(state)
        assert ticket not in caplog.text


async def test_after_a_change_the_panel_shows_the_new_question(
    panel_client: OpenPanelClient,
) -> None:
    async with panel_client() as it:
        ticket, state = await it.shown()
        it.sandbox.remove("dest_2")
        asked = await it.answer(ticket, question=state["question"], choice=YES)
        assert asked["phase"] == "open"
        assert asked["question"] != state["question"]
        assert asked["changes"]
        await it.answer(ticket, question=state["question"], choice=YES)
        await it.answer(ticket, question=asked["question"], choice=asked["yes"])
        assert it.sent() == 0, "the new question was not shown for a second yet"
        await it.answer(ticket)
        it.clock.advance(1)
        await it.answer(ticket, question=asked["question"], choice=asked["yes"])
        assert it.sent() == 1


async def test_a_stop_by_panel_returns_at_once_with_its_confirmation_beside(
    panel_client: OpenPanelClient,
) -> None:
    async with panel_client(TRAX_CONFIRM="human") as it:
        result = await it.call("go_offline")
        assert _content(result)["confirmation"]
        ticket = str((result.meta or {})[TICKET])
        state = await it.answer(ticket)
        await it.answer(ticket, question=state["question"], choice=state["yes"])
        assert it.sent() == 1


WRONG_ANSWERS: Final[tuple[dict[str, object], ...]] = (
    {"choice": YES},
    {"question": "2", "choice": YES},
    {"question": "1", "choice": "yes"},
    {"question": "1", "choice": True},
    {"question": "1", "choice": YES, "confirm": True},
    {"question": "1", "choice": YES + " " * 600},
)


async def test_a_wrong_answer_changes_nothing(panel_client: OpenPanelClient) -> None:
    """It names no question, another one, or another choice, or holds more than it may."""
    async with panel_client() as it:
        ticket, state = await it.shown()
        assert state["question"] == "1"
        for answer in WRONG_ANSWERS:
            await it.answer(ticket, **answer)
            assert it.sent() == 0, answer
        await it.answer(ticket, question="1", choice=YES)
        assert it.sent() == 1, "the right answer counts"


async def test_a_guessed_ticket_of_a_panel_is_refused(panel_client: OpenPanelClient) -> None:
    async with panel_client() as it:
        await it.shown()
        for ticket in ("", "guessed", "studio_42", "\N{PILE OF POO}", "x" * 600):
            state = await it.answer(ticket, question="1", choice=YES)
            assert state["phase"] == "gone"
        assert it.sent() == 0


async def test_the_ticket_of_another_caller_is_refused() -> None:
    product = Product(two_key_sandbox(), None, {"TRAX_ASK": "panel"})
    async with (
        Client(product.server(), cache=None, extensions=APPS) as mine,
        Client(product.server(SECOND_KEY), cache=None, extensions=APPS) as other,
    ):
        result = await mine.call_tool("go_live", STUDIO)
        ticket = str((result.meta or {})[TICKET])
        await mine.call_tool("answer_approval", {"ticket": ticket})
        product.trax.clock.advance(1)
        answer = {"ticket": ticket, "question": "1", "choice": YES}
        refused = await other.call_tool("answer_approval", answer)
        assert _content(refused)["phase"] == "gone"
        assert product.trax.sent == []
        await mine.call_tool("answer_approval", answer)
        assert len(product.trax.sent) == 1


async def test_a_yes_before_the_panel_was_shown_for_a_second_is_ignored(
    panel_client: OpenPanelClient,
) -> None:
    async with panel_client() as it:
        ticket = await it.asked()
        await it.answer(ticket, question="1", choice=YES)
        await it.answer(ticket)
        it.clock.advance(0.9)
        await it.answer(ticket, question="1", choice=YES)
        assert it.sent() == 0


async def test_a_replayed_answer_sends_nothing_more(panel_client: OpenPanelClient) -> None:
    async with panel_client() as it:
        ticket, _ = await it.shown()
        async with anyio.create_task_group() as presses:
            for _ in range(20):
                presses.start_soon(lambda: it.answer(ticket, question="1", choice=YES))
        await it.answer(ticket, question="1", choice=YES)
        assert it.sent() == 1


@pytest.mark.parametrize(
    ("mode", "status"), [("auto", "confirmation_required"), ("human", "cannot_ask")]
)
async def test_a_panel_that_does_not_report_in_ten_seconds_cannot_answer(
    panel_client: OpenPanelClient, mode: str, status: str
) -> None:
    async with panel_client(TRAX_CONFIRM=mode) as it:
        ticket = await it.asked()
        it.clock.advance(10)
        late = await it.answer(ticket)
        assert (late["phase"], late["outcome"]) == ("unreported", TOO_LATE)
        it.clock.advance(1)
        await it.answer(ticket, question="1", choice=YES)
        assert it.sent() == 0
        preview = await it.data()
        assert preview["status"] == status
        if confirmation := preview.get("confirmation"):
            await it.call(confirm=True, confirmation=confirmation)
            assert it.sent() == 1
        else:
            assert await it.asked() != ticket, "one call falls back, and the next asks anew"


@pytest.mark.parametrize("reports", [True, False])
async def test_on_stdio_the_page_follows_a_panel_that_does_not_report(
    panel_client: OpenPanelClient, sandbox: Sandbox, clock: HandClock, *, reports: bool
) -> None:
    """Then the panel's tool answers no more. Where no page reports either, a call falls back."""
    async with (
        open_with_page(sandbox, clock, TRAX_ASK="panel,page") as (product, browser),
        panel_client(product=product) as it,
        anyio.create_task_group() as tasks,
    ):
        ticket = await it.asked()
        await clock.pass_by(9)
        assert browser.opened == []
        await clock.pass_until(lambda: browser.opened, most=2)
        if reports:
            await Page(browser).next()
            clock.advance(1)
            await it.answer(ticket, question="1", choice=YES)
            assert it.sent() == 0
            return
        results: list[dict[str, Any]] = []

        async def call() -> None:
            results.append(await it.data())

        tasks.start_soon(call)
        await clock.pass_until(lambda: results, most=15)
        assert results[0]["status"] == "confirmation_required"


async def test_a_question_that_has_expired_or_was_voided_by_a_stop_runs_nothing(
    panel_client: OpenPanelClient,
) -> None:
    async with panel_client() as it:
        ticket, _ = await it.shown()
        stop = await it.data("go_offline")
        await it.call("go_offline", confirm=True, confirmation=stop["confirmation"])
        assert it.sent() == 1
        state = await it.answer(ticket, question="1", choice=YES)
        assert state["outcome"] == "This question is no longer open. Nothing was sent."
        assert it.sent() == 1


async def test_a_stop_is_never_answered_with_the_outcome_of_an_earlier_one(
    panel_client: OpenPanelClient,
) -> None:
    async with panel_client() as it:
        ticket, state = await it.shown("go_offline")
        await it.answer(ticket, question=state["question"], choice=state["yes"])
        assert await it.asked("go_offline") != ticket


async def test_an_outcome_in_the_panel_is_returned_to_a_call_within_a_minute_only(
    panel_client: OpenPanelClient,
) -> None:
    async with panel_client() as it:
        ticket, state = await it.shown()
        await it.answer(ticket, question=state["question"], choice=YES)
        it.clock.advance(60)
        assert (await it.data())["status"] == "nothing_to_do"
        assert (await it.answer(ticket))["outcome"] == "Done. It is on air."


async def test_two_equal_calls_at_once_ask_once(panel_client: OpenPanelClient) -> None:
    async with panel_client() as it:
        tickets: list[str] = []

        async def ask() -> None:
            tickets.append(await it.asked())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            tasks.start_soon(ask)
        assert len(set(tickets)) == 1
