"""The approval page: a real process, a real browser, from the call to on air."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests import ROOT
from tests.support.guarded_calls import STUDIO
from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from pathlib import Path

    import mcp_types as types
    from playwright.async_api import Browser, Page

    from tests.support.opened_addresses import OpenedAddresses

ENDED: Final = (
    'Go live on YouTube and Twitch: "Friday Night Show"\n\nYou said no. Nothing was sent.'
)


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


async def _open(browser: Browser, address: str, **options: Any) -> Page:  # noqa: ANN401
    page = await (await browser.new_context(**options)).new_page()
    page.set_default_timeout(PATIENCE_SECONDS * 1000)
    await page.goto(address)
    await page.wait_for_selector("button.yes")
    return page


async def test_a_click_on_the_page_takes_the_studio_live(
    browser: Browser, opened: OpenedAddresses, pictures: Path | None
) -> None:
    async with Client(_server(opened)) as client, anyio.create_task_group() as tasks:
        show = Show(client)
        tasks.start_soon(show.go_live)
        page = await _open(browser, await opened.next(), viewport={"width": 760, "height": 560})
        assert "#" not in page.url, "the secret is gone from the address bar"
        assert await page.evaluate("document.activeElement.tagName") == "BODY"
        await page.wait_for_selector("button.yes:enabled")
        await _take_pictures(page, pictures, "page")
        await page.click("button.yes")
        await page.wait_for_selector(".outcome:has-text('Done. It is on air.')")
        assert (await show.content())["observed"]["state"] == "on_air"


async def test_enter_presses_no_button_and_tab_reaches_both(
    browser: Browser, opened: OpenedAddresses
) -> None:
    async with Client(_server(opened)) as client, anyio.create_task_group() as tasks:
        show = Show(client)
        tasks.start_soon(show.go_live)
        page = await _open(browser, await opened.next())
        await page.wait_for_selector("button.yes:enabled")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Space")
        assert await show.state() == "False"
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.className") == "no"
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.className") == "yes"
        await page.keyboard.press("Enter")
        await page.wait_for_selector(".outcome:has-text('Done')")
        await show.content()


async def test_a_click_by_a_script_is_ignored(browser: Browser, opened: OpenedAddresses) -> None:
    async with Client(_server(opened)) as client, anyio.create_task_group() as tasks:
        show = Show(client)
        tasks.start_soon(show.go_live)
        page = await _open(browser, await opened.next())
        await page.wait_for_selector("button.yes:enabled")
        await page.evaluate("document.querySelector('button.yes').click()")
        assert await show.state() == "False"
        await page.click("button.no")
        assert (await show.content())["status"] == "declined"


async def test_the_yes_cannot_be_pressed_in_the_first_second(
    browser: Browser, opened: OpenedAddresses
) -> None:
    async with Client(_server(opened)) as client, anyio.create_task_group() as tasks:
        show = Show(client)
        tasks.start_soon(show.go_live)
        page = await _open(browser, await opened.next())
        assert await page.is_disabled("button.yes")
        assert not await page.is_disabled("button.no")
        await page.click("button.no")
        assert (await show.content())["status"] == "declined"


async def test_a_new_question_cannot_be_pressed_in_its_first_second(browser: Browser) -> None:
    page = await browser.new_page()
    script = (ROOT / "trax_mcp/web/static/approval.js").read_text(encoding="utf-8")
    state = "{ phase: 'open', readingSeconds: 1, yes: 'Go live', no: 'Do not', question }"
    await page.add_script_tag(
        content=f"""{script}
        const draw = (question) => card.draw({state});
        const card = new ApprovalCard(async () => {{}}, async () => draw("2"));
        document.body.append(card.root);
        draw("1");"""
    )
    await page.click("button.yes:enabled")
    await page.evaluate("new Promise((done) => setTimeout(done, 200))")
    assert await page.is_disabled("button.yes")
    assert not await page.is_disabled("button.no")
    await page.wait_for_selector("button.yes:enabled")


async def test_a_question_shows_its_end_and_leaves_when_another_comes(
    browser: Browser, opened: OpenedAddresses
) -> None:
    async with Client(_server(opened)) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(Show(client).go_live)
        page = await _open(browser, await opened.next())
        await page.click("button.no")
        await page.wait_for_selector(".outcome:has-text('You said no')")
        assert await page.locator("main").inner_text() == ENDED
        arguments = {**STUDIO, "destId": "dest_1"}
        tasks.start_soon(client.call_tool, "delete_destination", arguments)
        await page.wait_for_selector("h2:has-text('Main channel')")
        assert await page.locator("section").count() == 1
        await page.click("button.no:enabled")


async def test_a_second_tab_cannot_answer_and_a_reloaded_one_can(
    browser: Browser, opened: OpenedAddresses
) -> None:
    async with Client(_server(opened)) as client, anyio.create_task_group() as tasks:
        show = Show(client)
        tasks.start_soon(show.go_live)
        context = await browser.new_context()
        page = await context.new_page()
        addresses: list[str] = []
        page.on("framenavigated", lambda frame: addresses.append(frame.url))
        await page.goto(await opened.next())
        await page.wait_for_selector("button.yes:enabled")
        secret = next(it for it in addresses if "#" in it)
        second = await (await browser.new_context()).new_page()
        await second.goto(secret)
        await second.wait_for_selector("#notice:has-text('cannot answer')")
        await page.wait_for_selector("#notice:has-text('They cannot answer')")
        await page.reload()
        await page.wait_for_selector("button.yes:enabled")
        await page.click("button.yes")
        assert (await show.content())["observed"]["state"] == "on_air"


async def test_another_site_cannot_frame_or_post_to_the_page(
    browser: Browser, opened: OpenedAddresses
) -> None:
    async with Client(_server(opened)) as client, anyio.create_task_group() as tasks:
        show = Show(client)
        tasks.start_soon(show.go_live)
        page = await _open(browser, await opened.next())
        origin = page.url.rstrip("/")
        other = await (await browser.new_context()).new_page()
        await other.set_content(f'<iframe src="{origin}/"></iframe>')
        frame = other.frames[-1]
        assert "TRaX asks you" not in await frame.content()
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


async def _take_pictures(page: Page, folder: Path | None, name: str) -> None:
    if folder is None:
        return
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        await page.screenshot(path=folder / f"{name}-{scheme}.png")
    await page.emulate_media(color_scheme="light")
