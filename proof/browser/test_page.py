"""The approval page: a real process, a real browser, from the call to on air."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_types import Implementation

from proof.browser.opened_pages import follow
from tests import ROOT
from tests.support.guarded_calls import NO, STUDIO, YES
from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    import mcp_types as types
    from playwright.async_api import Browser, Page

    from tests.support.opened_addresses import OpenedAddresses

ENDED: Final = (
    "You said no\n\nNothing was sent.\n\nYou can close this tab and go back to Claude Desktop."
)
RED: Final = "rgb(179, 18, 43)"
JUST_SHORTER: Final = 900
JUST_LONGER: Final = 1100
"""Than a second, in milliseconds."""
CLIENT: Final = Implementation(name="claude-ai", title="Claude Desktop", version="1")


class Show:
    """A client whose go-live waits for the page."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.results: list[types.CallToolResult] = []
        self._ended = anyio.Event()

    async def go_live(self) -> None:
        """Make the call."""
        self.results.append(await self.client.call_tool("go_live", STUDIO))
        self._ended.set()

    async def content(self) -> dict[str, Any]:
        """The structured result of the call."""
        with anyio.fail_after(PATIENCE_SECONDS):
            await self._ended.wait()
        return self.results[0].structured_content or {}

    async def state(self) -> str:
        """What the sandbox says about the stream."""
        status = await self.client.call_tool("get_stream_status", STUDIO)
        return str((status.structured_content or {})["live"])


def _server(opened: OpenedAddresses) -> Any:  # noqa: ANN401  the SDK's transports have no type
    return stdio_client(
        StdioServerParameters(
            command=sys.executable, args=["-m", "trax_mcp"], env=opened.environment, cwd=ROOT
        )
    )


async def _open(
    browser: Browser,
    opened: OpenedAddresses,
    *,
    time_stands: bool = False,
    **options: Any,  # noqa: ANN401
) -> Page:
    page = await (await browser.new_context(**options)).new_page()
    page.set_default_timeout(PATIENCE_SECONDS * 1000)
    if time_stands:
        await _stop_time(page)
    await follow(page, opened)
    await page.wait_for_selector("button.yes")
    return page


async def _stop_time(page: Page) -> None:
    """No timer of the page ends, until its clock is moved."""
    await page.clock.install(time=0)
    await page.clock.pause_at(1000)


async def test_a_click_on_the_page_takes_the_studio_live(
    browser: Browser, opened: OpenedAddresses
) -> None:
    async with (
        Client(_server(opened), client_info=CLIENT) as client,
        anyio.create_task_group() as tasks,
    ):
        show = Show(client)
        tasks.start_soon(show.go_live)
        page = await _open(browser, opened, viewport={"width": 760, "height": 560})
        assert "#" not in page.url, "the secret is gone from the address bar"
        assert await page.evaluate("document.activeElement.tagName") == "BODY"
        await page.wait_for_selector("button.yes:enabled")
        assert await page.title() == "Claude Desktop is asking"
        assert await page.locator(".bar").inner_text() == (
            "Claude Desktop is asking\n\nPractice studios: nothing is real"
        )
        await page.click("button.yes")
        await page.wait_for_selector('h2:has-text("You\'re live")')
        assert (await page.locator(".outcome").inner_text()).startswith("Since ")
        assert await page.title() == "Done"
        assert (await show.content())["observed"]["state"] == "on_air"


async def test_enter_presses_no_button_and_tab_reaches_both(
    browser: Browser, opened: OpenedAddresses
) -> None:
    async with (
        Client(_server(opened), client_info=CLIENT) as client,
        anyio.create_task_group() as tasks,
    ):
        show = Show(client)
        tasks.start_soon(show.go_live)
        page = await _open(browser, opened)
        await page.wait_for_selector("button.yes:enabled")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Space")
        assert await show.state() == "False"
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.className") == "no"
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.className") == "yes"
        await page.keyboard.press("Enter")
        await page.wait_for_selector('h2:has-text("You\'re live")')
        assert await page.evaluate("document.activeElement.tagName") == "H2"
        await show.content()


async def test_a_click_by_a_script_is_ignored(browser: Browser, opened: OpenedAddresses) -> None:
    async with (
        Client(_server(opened), client_info=CLIENT) as client,
        anyio.create_task_group() as tasks,
    ):
        show = Show(client)
        tasks.start_soon(show.go_live)
        page = await _open(browser, opened)
        await page.wait_for_selector("button.yes:enabled")
        await page.evaluate("document.querySelector('button.yes').click()")
        assert await show.state() == "False"
        await page.click("button.no")
        assert (await show.content())["status"] == "declined"


async def test_neither_button_can_be_pressed_in_the_first_second(
    browser: Browser, opened: OpenedAddresses
) -> None:
    async with (
        Client(_server(opened), client_info=CLIENT) as client,
        anyio.create_task_group() as tasks,
    ):
        show = Show(client)
        tasks.start_soon(show.go_live)
        page = await _open(browser, opened, time_stands=True)
        assert await page.is_disabled("button.yes")
        assert await page.is_disabled("button.no")
        await page.clock.resume()
        await page.click("button.no")
        assert (await show.content())["status"] == "declined"


async def test_an_approval_that_waits_for_trax_is_shown_as_being_sent(browser: Browser) -> None:
    """The server says meanwhile that the question is open. If it didn't count, it is again."""
    page = await browser.new_page()
    script = (ROOT / "trax_mcp/web/static/approval.js").read_text(encoding="utf-8")
    state = (
        "{ phase: 'open', readingSeconds: 1, secondsLeft: 9, headline: 'Go live?', yes: 'Go live',"
        " no: 'Keep it', sending: 'Going live…' }"
    )
    await page.add_script_tag(
        content=f"""{script}
        const answered = new Promise((done) => {{ globalThis.answer = done; }});
        const press = async () => {{ card.draw({state}); await answered; }};
        const card = new ApprovalCard(async () => {{}}, press);
        document.body.append(card.root);
        card.draw({state});"""
    )
    await page.click("button.yes:enabled")
    assert await page.locator(".outcome").inner_text() == "Going live…"
    assert await page.is_hidden("button.yes")
    await page.evaluate("answer()")
    await page.wait_for_selector("button.yes:enabled")
    assert await page.locator(".outcome").inner_text() == ""


async def test_going_offline_can_be_pressed_at_once(browser: Browser) -> None:
    """A no to it counts after a second, as any other."""
    page = await browser.new_page()
    await _stop_time(page)
    script = (ROOT / "trax_mcp/web/static/approval.js").read_text(encoding="utf-8")
    state = (
        "{ phase: 'open', isStop: true, readingSeconds: 1, secondsLeft: 9, headline: 'Go offline?',"
        " yes: 'Go offline', no: 'Stay on air' }"
    )
    await page.add_script_tag(
        content=f"""{script}
        const card = new ApprovalCard(async () => {{}}, async () => {{}});
        document.body.append(card.root);
        card.draw({state});"""
    )
    await page.clock.run_for(JUST_SHORTER)
    assert await page.is_enabled("button.yes")
    assert await page.is_disabled("button.no")
    await page.clock.run_for(JUST_LONGER - JUST_SHORTER)
    await page.wait_for_selector("button.no:enabled")


async def test_a_question_shows_its_end_and_leaves_when_another_comes(
    browser: Browser, opened: OpenedAddresses
) -> None:
    async with (
        Client(_server(opened), client_info=CLIENT) as client,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(Show(client).go_live)
        page = await _open(browser, opened)
        await page.click("button.no")
        await page.wait_for_selector("h2:has-text('You said no')")
        assert await page.locator("main").inner_text() == ENDED
        arguments = {**STUDIO, "destId": "dest_1"}
        tasks.start_soon(client.call_tool, "delete_destination", arguments)
        await page.wait_for_selector("h2:has-text('Main channel')")
        assert await page.locator("section").count() == 1
        await page.click("button.no:enabled")


async def test_a_second_tab_cannot_answer_and_a_reloaded_one_can(
    browser: Browser, opened: OpenedAddresses
) -> None:
    async with (
        Client(_server(opened), client_info=CLIENT) as client,
        anyio.create_task_group() as tasks,
    ):
        show = Show(client)
        tasks.start_soon(show.go_live)
        context = await browser.new_context()
        page = await context.new_page()
        addresses: list[str] = []
        page.on("framenavigated", lambda frame: addresses.append(frame.url))
        await follow(page, opened)
        await page.wait_for_selector("button.yes:enabled")
        secret = next(it for it in addresses if "#" in it)
        second = await (await browser.new_context()).new_page()
        await second.goto(secret)
        await second.wait_for_selector("#notice:has-text('open in another tab')")
        await page.wait_for_selector("#notice:has-text('Something else tried')")
        await page.reload()
        await page.wait_for_selector("button.yes:enabled")
        await page.click("button.yes")
        assert (await show.content())["observed"]["state"] == "on_air"


async def test_another_site_cannot_frame_or_post_to_the_page(
    browser: Browser, opened: OpenedAddresses
) -> None:
    async with (
        Client(_server(opened), client_info=CLIENT) as client,
        anyio.create_task_group() as tasks,
    ):
        show = Show(client)
        tasks.start_soon(show.go_live)
        page = await _open(browser, opened)
        origin = page.url.rstrip("/")
        other = await (await browser.new_context()).new_page()
        await other.set_content(f'<iframe src="{origin}/"></iframe>')
        frame = other.frames[-1]
        assert "approvals" not in await frame.content()
        answer = await other.evaluate(
            """async (origin) => {
              try {
                await fetch(origin + "/answer", {method: "POST", mode: "no-cors", body: "{}"});
                const read = await fetch(origin + "/state", {method: "POST", body: "{}"});
                return await read.text();
              } catch (error) { return "refused"; }
            }""",
            origin,
        )
        assert answer == "refused"
        assert await show.state() == "False"
        await page.click("button.no")
        await show.content()


async def test_names_are_bold_text_the_no_comes_first_and_only_on_air_is_red(
    browser: Browser, opened: OpenedAddresses
) -> None:
    name = "<img src=x onerror=alert(1)>"
    async with (
        Client(_server(opened), client_info=CLIENT) as client,
        anyio.create_task_group() as tasks,
    ):
        for destination in ("dest_1", "dest_2"):
            await client.call_tool(
                "update_destination", {**STUDIO, "destId": destination, "name": name}
            )
        show = Show(client)
        tasks.start_soon(show.go_live)
        page = await _open(browser, opened)
        assert await page.locator("img").count() == 0
        assert "onerror=alert(1)>" in await page.locator("dd b").first.inner_text()
        muted = page.locator("dd.muted")  # what is off already, and stays so
        assert await muted.all_inner_texts() == ["Kick (trying out) (Kick)"]
        assert await muted.locator("b").evaluate("it => getComputedStyle(it).fontWeight") == "400"
        assert await _buttons(page) == [(NO, False), (YES, True)]
        await page.click("button.no")
        await show.content()
        tasks.start_soon(client.call_tool, "delete_destination", {**STUDIO, "destId": "dest_3"})
        await page.wait_for_selector("h2:has-text('Delete')")
        assert await _buttons(page) == [("Keep it", False), ("Delete the Kick destination", False)]
        await page.click("button.no:enabled")


async def test_the_time_that_is_left_is_counted(browser: Browser, opened: OpenedAddresses) -> None:
    async with (
        Client(_server(opened), client_info=CLIENT) as client,
        anyio.create_task_group() as tasks,
    ):
        show = Show(client)
        tasks.start_soon(show.go_live)
        page = await _open(browser, opened)
        await page.wait_for_selector(".foot:has-text('This question expires in 4:')")
        left = page.locator("[role=timer]")
        seen = await left.inner_text()
        await page.wait_for_function(
            "seen => document.querySelector('[role=timer]').textContent !== seen", arg=seen
        )
        assert await left.inner_text() < seen
        await page.click("button.no:enabled")
        await show.content()


@pytest.mark.parametrize("width", [390, 1280])
async def test_both_buttons_are_of_one_width_and_nothing_is_wider_than_the_screen(
    browser: Browser, opened: OpenedAddresses, width: int
) -> None:
    async with (
        Client(_server(opened), client_info=CLIENT) as client,
        anyio.create_task_group() as tasks,
    ):
        show = Show(client)
        tasks.start_soon(show.go_live)
        page = await _open(browser, opened, viewport={"width": width, "height": 800})
        widths = await page.locator("button").evaluate_all("all => all.map(it => it.offsetWidth)")
        assert widths[0] == widths[1]
        assert await page.evaluate("document.documentElement.scrollWidth") == width
        await page.click("button.no:enabled")
        await show.content()


async def _buttons(page: Page) -> list[tuple[str, bool]]:
    """The text of each button, and whether it is red."""
    shown = await page.locator("button").evaluate_all(
        "all => all.map(it => [it.textContent, getComputedStyle(it).backgroundColor])"
    )
    return [(text, color == RED) for text, color in shown]
