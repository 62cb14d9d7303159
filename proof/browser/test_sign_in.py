"""Signing in with a real browser: by keyboard, without JavaScript, on a small and a dark screen."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.routing import Route

from tests.support.certificates import server_tls
from tests.support.hostile_texts import HOSTILE
from tests.support.product.local_servers import listening
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.sign_in import signing_in
from tests.world.world import MINE

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Browser, Page
    from starlette.requests import Request

    from tests.world.oauth import OAuthSteps
    from tests.world.sign_in import SignInWorld

CONTRASTS: Final = """
() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => channels(color).slice(0, 3)
    .map((it) => it / 255)
    .map((it) => it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4)
    .reduce((sum, it, index) => sum + it * [0.2126, 0.7152, 0.0722][index], 0);
  const background = (element) => {
    const color = element ? getComputedStyle(element).backgroundColor : "rgb(255, 255, 255)";
    return channels(color)[3] === 0 ? background(element.parentElement) : color;
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim()) continue;
    const pair = [light(getComputedStyle(element).color), light(background(element))];
    pair.sort((a, b) => a - b);
    const [dark, bright] = pair;
    found.push([texts.currentNode.data.trim(), (bright + 0.05) / (dark + 0.05)]);
  }
  return found;
}
"""
"""Each text of a page, and its contrast. Source: WCAG 2.2, success criterion 1.4.3."""

PARTS: Final = (
    '- heading "Connect \\"Claude\\" to your TRaX account" [level=1]',
    '- heading "Warning" [level=2]',
    '- textbox "Your TRaX key"',
    '- group "What \\"Claude\\" can do":',
    'radio "Look only. It can see your studios',
    'radio "Run shows. It can also run your shows',
    '- button "Continue"',
    '- button "Cancel"',
)
"""Parts of the page as a screen reader reads them."""


@dataclass
class Visit:
    """A client that has registered at a server with sign-in, and what came back to it."""

    it: SignInWorld
    steps: OAuthSteps
    client: str
    """The address of the client's own server."""
    answers: list[dict[str, str]]

    def asked(self, path: str = "/callback") -> str:
        """The client asks; returns the address that the browser opens."""
        return self.steps.request(redirect_uri=f"{self.client}{path}")

    async def register(self, name: str, *more: str) -> None:
        """Let the client register again under a name, with more addresses to go back to."""
        uris = [f"{self.client}/callback", f"{self.client}/hop", *more]
        (await self.steps.register(client_name=name, redirect_uris=uris)).raise_for_status()


@asynccontextmanager
async def _visit(folder: Path, tls: ssl.SSLContext | None = None) -> AsyncIterator[Visit]:
    answers: list[dict[str, str]] = []

    async def callback(request: Request) -> HTMLResponse:
        answers.append({**request.query_params, "referrer": request.headers.get("referer", "")})
        return HTMLResponse("<!doctype html><title>Client</title><p>Thank you.</p>")

    async def hop(request: Request) -> RedirectResponse:
        elsewhere = client.replace("127.0.0.1", "localhost")
        return RedirectResponse(f"{elsewhere}/callback?{request.url.query}", 302)

    async def start(_request: Request) -> HTMLResponse:
        return HTMLResponse("<!doctype html><title>Start</title>")

    routes = [Route("/callback", callback), Route("/hop", hop), Route("/", start)]
    async with (
        listening(Starlette(routes=routes)) as client,
        signing_in(folder, tls=tls) as it,
        it.steps(redirect_uri=f"{client}/callback") as steps,
    ):
        visit = Visit(it, steps, client, answers)
        await visit.register("Claude")
        yield visit


@asynccontextmanager
async def _opened(
    browser: Browser,
    address: str,
    **options: Any,  # noqa: ANN401
) -> AsyncIterator[Page]:
    context = await browser.new_context(**options)
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    page = await context.new_page()
    await page.goto(address)
    yield page
    await context.close()


@asynccontextmanager
async def _asked(
    browser: Browser,
    folder: Path,
    **options: Any,  # noqa: ANN401
) -> AsyncIterator[tuple[Visit, Page]]:
    """A person's browser with the page on which they type their key."""
    async with _visit(folder) as visit, _opened(browser, visit.asked(), **options) as page:
        yield visit, page


async def _type_key(page: Page, key: str = MINE) -> None:
    await page.get_by_label("Your TRaX key").fill(key)
    await page.get_by_role("radio", name="Run shows").check()
    await page.get_by_role("button", name="Continue").click()


async def _focused_on_key(page: Page) -> None:
    """Wait until the field for the key has the focus by itself."""
    await page.locator("#key:focus").wait_for()


async def _connect(page: Page) -> None:
    await page.get_by_role("button", name="Connect").click()
    await page.wait_for_url("**/callback?**")


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without JavaScript"])
async def test_a_person_signs_in_with_the_keyboard_alone(
    browser: Browser, tmp_path: Path, *, script: bool
) -> None:
    async with _asked(browser, tmp_path, java_script_enabled=script) as (visit, page):
        await _focused_on_key(page)
        await page.keyboard.type("sk_live_wrong")
        for key in ("Tab", "ArrowDown", "Enter"):
            await page.keyboard.press(key)
        await page.get_by_role("alert").filter(has_text="doesn't know this key").wait_for()
        await _focused_on_key(page)
        await page.keyboard.type(MINE)
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name='Connect "Claude"?').wait_for()
        for key in ("Tab", "Tab", "Tab", "Enter"):  # past Cancel, which comes first
            await page.keyboard.press(key)
        await page.wait_for_url("**/callback?**")
        (answer,) = visit.answers
        code = answer.pop("code")
        assert answer == {"state": visit.steps.state, "iss": visit.it.address, "referrer": ""}
        (await visit.steps.redeem(code)).raise_for_status()
        assert [sign_in["access"] for sign_in in visit.it.sign_ins()] == ["run"]


async def test_a_person_signs_in_over_https(browser: Browser, tmp_path: Path) -> None:
    async with (
        _visit(tmp_path, server_tls("localhost")) as visit,
        _opened(browser, visit.asked(), ignore_https_errors=True) as page,
    ):
        assert visit.asked().startswith("https://localhost:")
        await _type_key(page)
        await _connect(page)
        said = [(it["iss"], it["referrer"]) for it in visit.answers]
        assert said == [(visit.it.address, "")]


async def test_a_screen_reader_and_a_password_manager_find_each_part(
    browser: Browser, tmp_path: Path
) -> None:
    async with _asked(browser, tmp_path) as (_, page):
        assert await page.title() == 'Connect "Claude" to your TRaX account'
        assert await page.locator("html").get_attribute("lang") == "en"
        tree = await page.locator("body").aria_snapshot()
        for part in PARTS:
            assert part in tree
        assert tree.count("textbox") == 1, "the field for password managers is no obstacle"
        fields = await page.eval_on_selector_all(
            "form:has([type=password]) input:not([type=hidden]):not([type=radio])",
            "its => its.map((it) => [it.type, it.autocomplete, it.value, it.tabIndex])",
        )
        assert fields == [
            ["text", "username", "TRaX key", -1],
            ["password", "current-password", "", 0],
        ]
        key = page.get_by_label("Your TRaX key")
        described = await key.evaluate(
            "it => it.getAttribute('aria-describedby').split(' ')"
            ".map((id) => document.getElementById(id).textContent).join(' ')"
        )
        assert "Not verified" in described
        assert "It begins with sk_live_" in described
        await _type_key(page, "sk_live_wrong")
        await page.get_by_role("alert").wait_for()
        assert (await page.title()).startswith("Error: TRaX doesn't know this key, ")
        assert await key.get_attribute("aria-invalid") == "true"
        assert await key.evaluate("it => it === document.activeElement")


async def test_a_window_that_a_client_opened_still_belongs_to_it_at_the_end(
    browser: Browser, tmp_path: Path
) -> None:
    """Even if the client sends the browser on to another site."""
    async with _visit(tmp_path) as visit, _opened(browser, f"{visit.client}/") as start:
        async with start.expect_popup() as opening:
            await start.evaluate(
                "(url) => { window.opened = open(url, 'x', 'width=500,height=600'); }",
                visit.asked("/hop"),
            )
        popup = await opening.value
        await _type_key(popup)
        assert not await start.evaluate("window.opened.closed")
        await _connect(popup)
        assert popup.url.startswith("http://localhost:")
        assert await popup.evaluate("window.opener !== null")
        assert not await start.evaluate("window.opened.closed")
        assert [len(it["code"]) > 40 for it in visit.answers] == [True]


async def test_an_app_is_opened_by_a_page_that_stays(browser: Browser, tmp_path: Path) -> None:
    app = "cursor://anysphere.cursor-mcp/oauth/callback"
    async with _visit(tmp_path) as visit:
        await visit.register("Claude", app)
        async with _opened(browser, visit.steps.request(redirect_uri=app)) as page:
            await _type_key(page)
            await page.get_by_role("button", name="Connect").click()
            await page.get_by_role("heading", name='Connected: "Claude"').wait_for()
            link = page.get_by_role("link", name='Go back to "Claude"')
            assert str(await link.get_attribute("href")).startswith(f"{app}?code=")


async def test_cancel_and_the_back_button_send_and_show_no_key(
    browser: Browser, tmp_path: Path
) -> None:
    async with _asked(browser, tmp_path) as (visit, page):
        bodies: list[str] = []
        page.on("request", lambda it: bodies.append(it.post_data or ""))
        await page.get_by_label("Your TRaX key").fill(MINE)
        await page.get_by_role("button", name="Cancel").click()
        await page.wait_for_url("**/callback?**")
        assert [it["error"] for it in visit.answers] == ["access_denied"]
        assert MINE not in str(bodies)
        await page.goto(visit.asked())
        await _type_key(page)
        await _connect(page)
        # One step back is the browser's own page: it keeps no sent form, and asks to send it again.
        browser_tab = await page.context.new_cdp_session(page)
        history = await browser_tab.send("Page.getNavigationHistory")
        form = history["entries"][history["currentIndex"] - 2]
        await browser_tab.send("Page.navigateToHistoryEntry", {"entryId": form["id"]})
        await page.get_by_role("heading", name="to your TRaX account").wait_for()
        assert await page.get_by_label("Your TRaX key").input_value() == ""
        assert MINE not in await page.content()


async def test_another_site_can_neither_frame_nor_send_the_form(
    browser: Browser, tmp_path: Path
) -> None:
    async with _asked(browser, tmp_path) as (visit, page):
        form = page.locator("form:has(#key)")
        hidden = await form.locator("[type=hidden]").evaluate_all(
            "its => its.map((it) => [it.name, it.value])"
        )
        address, action = page.url, await form.evaluate("it => it.action")
        await page.goto(f"{visit.client}/")
        await page.set_content(f'<iframe src="{address}"></iframe>')
        assert "to your TRaX account" not in await page.frames[-1].content()
        fields = {**dict(hidden), "key": MINE, "access": "run"}
        inputs = "".join(f"<input name={name} value='{it}'>" for name, it in fields.items())
        await page.set_content(
            f"<form method=post action='{action}'>{inputs}<button>Send</button></form>"
        )
        await page.get_by_role("button").click()
        await page.get_by_role("heading", name="Only the sign-in page itself").wait_for()
        assert visit.it.keys == []


async def test_every_page_fits_a_small_screen_and_can_be_read(
    browser: Browser, tmp_path: Path
) -> None:
    long = f"https://{'a' * 63}.{'b' * 63}.example/callback"
    async with _visit(tmp_path) as visit:
        steps, claude = visit.steps, visit.steps.client_id
        await visit.register(HOSTILE["an image link"] + "x" * 300, long)
        hostile = steps.client_id
        for scheme, width in product(("light", "dark"), (320, 640)):
            screen = {"color_scheme": scheme, "viewport": {"width": width, "height": 700}}
            for steps.client_id in (hostile, claude):
                await steps.sign_in(MINE)
            async with _opened(browser, visit.asked(), **screen) as page:
                await _check(page)
                await _type_key(page, "sk_live_wrong")
                await page.get_by_role("alert").wait_for()
                await _check(page)
                await _type_key(page)
                await page.get_by_role("heading", name='Connect "Claude"?').wait_for()
                await _check(page)
                await page.goto(steps.request(client_id=hostile, redirect_uri=long))
                await _check(page)
                await page.goto(f"{visit.it.address}/sign-in/sessions")
                await _check(page)
                await _focused_on_key(page)
                await page.keyboard.type(MINE)
                await page.keyboard.press("Enter")
                await page.get_by_role(
                    "heading", name="Signed in with your key", exact=True
                ).wait_for()
                await _check(page)
                await page.get_by_role("button", name="End all").click()
                await page.get_by_role("status").filter(has_text="are ended").wait_for()
                await _check(page)


async def _check(page: Page) -> None:
    """Also at twice the size of the text: WCAG 2.2, success criteria 1.4.4 and 1.4.10."""
    for size in ("100%", "200%"):
        await page.evaluate("(size) => { document.documentElement.style.fontSize = size }", size)
        too_wide = await page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert too_wide <= 0, f"{page.url} at {size}"
    await page.evaluate("document.documentElement.style.fontSize = ''")
    weak = [it for it in await page.evaluate(CONTRASTS) if it[1] < 4.5]
    assert not weak
