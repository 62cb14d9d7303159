"""Draws the control room off air, on air, with a question, with a problem and without contact.

Without a folder, only what `docs/` shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from proof.browser.rooms import open_room
from tests import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Browser

    from proof.browser.rooms import ShownRoom

_LOOKS: Final = (("light", 760), ("dark", 760), ("light", 360))
_WRITTEN: Final = (
    ("Marguerite", "facebook", "Bonsoir à tous ☕"),
    ("night_owl", "twitch", "Who is the guest tonight?"),
)
"""What viewers write, in addition to the chat of the practice studios."""
_HOSTILE: Final = "<img src=x onerror=alert(1)> hello\u200b friends"
_IN_DOCS: Final = {"question-760-light", "on-air-760-light", "on-air-360-light"}


async def draw_rooms(browser: Browser, folder: Path | None) -> None:
    """Draw all pictures into a folder, or those of the documentation into it."""
    for theme, width in _LOOKS:
        await _draw_show(browser, folder, theme, width)


async def _draw_show(browser: Browser, folder: Path | None, theme: str, width: int) -> None:
    modes = ("inline", "pip")

    async def keep(room: ShownRoom, what: str) -> None:
        name = f"{what}-{width}-{theme}"
        if folder is None and name not in _IN_DOCS:
            return
        path = (folder or ROOT / "docs") / f"room-{name}.png"
        height = await room.app.page.evaluate("document.body.scrollHeight")
        await room.app.page.set_viewport_size({"width": width, "height": height})
        await room.app.page.screenshot(path=path)

    async with open_room(browser, theme=theme, width=width, padding=0, modes=modes) as room:
        trax = room.world.trax
        await room.shows("#log li")
        await keep(room, "off-air")
        await room.frame.locator("#air").click()
        await room.frame.locator("button.yes:enabled").wait_for()
        await keep(room, "question")
        await room.frame.locator("button.yes").click()
        await room.shows("#light", "ON AIR 0:")
        await room.shows("#said", "live")
        await keep(room, "just-live")
        for author, platform, text in _WRITTEN:
            trax.say(text, author=author, platform=platform)
        await room.frame.locator(".write input").fill("Welcome everybody, is the sound better now?")
        await room.frame.locator(".write button").click()
        await room.frame.locator("#said:empty").wait_for(state="attached")
        await room.shows("#log li.own")
        await room.shows("#log li", "Who is the guest")
        await room.shows("#light", "ON AIR 0:00:1")
        await keep(room, "on-air")
        trax.say(_HOSTILE, author="\u202eada", platform="youtube")
        trax.change("conn_2", status="expired")
        await room.shows("#problems li")
        await room.frame.locator("#destinations button[aria-checked=true]").first.click()
        await room.frame.locator("button.yes:enabled").wait_for()
        await keep(room, "problem")
        await room.frame.locator("button.no").click()
        await room.frame.locator("#questions:empty").wait_for(state="attached")
        await room.frame.locator("#mode").click()
        await room.shows("#mode", "Back")
        await keep(room, "pip")
        await room.frame.locator("#mode").click()
        await room.shows("#mode", "Keep in sight")
        room.client = None
        await room.shows("#contact")
        await keep(room, "no-contact")
