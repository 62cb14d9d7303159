"""`trax-mcp passkey`: the page on which a person enrols a passkey. A client plays the browser."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from tests.support.product.commands import run_command
from tests.support.product.pages import enrol, problem, recorded_browser
from tests.support.product.software_passkey import SoftwarePasskey
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.page import PageClient, address_behind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.product.pages import RecordedBrowser
    from tests.support.product.shared_clock import HandClock


class Enrolling:
    """An enrolment that waits for the person, and the passkey that was `made`, if any."""

    def __init__(self, browser: RecordedBrowser) -> None:
        self.browser = browser
        self.made: list[object] = []

    @property
    def page(self) -> PageClient:
        """A tab with the latest address."""
        return PageClient(address_behind(self.browser.opened[-1]))


@asynccontextmanager
async def enrolling(clock: HandClock) -> AsyncIterator[Enrolling]:
    """Start an enrolment."""
    with recorded_browser() as browser, anyio.fail_after(PATIENCE_SECONDS):
        it = Enrolling(browser)

        async def run() -> None:
            it.made.append(await enrol(clock))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            await browser.next()
            yield it


async def make(page: PageClient, redeemed: httpx.Response) -> SoftwarePasskey:
    """Make a passkey on a page, and say so."""
    answer: dict[str, Any] = redeemed.json()
    page.session = answer["session"]
    key = SoftwarePasskey()
    made = key.register(json.loads(answer["options"])["challenge"], page.origin)
    assert (await page.post("/finish", {"response": made})).status_code == httpx.codes.OK
    return key


async def test_a_passkey_that_the_page_made_is_enrolled_and_the_file_is_gone(
    clock: HandClock,
) -> None:
    async with enrolling(clock) as it:
        page, file = it.page, Path(it.browser.opened[0].removeprefix("file://"))
        assert file.parent.exists()
        key = await make(page, await page.post("/redeem", {"secret": page.secret}))
    assert it.made == [key.passkey]
    assert (len(it.browser.opened), file.parent.exists()) == (1, False)


async def test_a_second_opener_can_enrol_nothing(clock: HandClock) -> None:
    async with enrolling(clock) as it:
        page, second = it.page, it.page
        redeemed = await page.post("/redeem", {"secret": page.secret})
        refused = await second.post("/redeem", {"secret": second.secret})
        assert refused.status_code == httpx.codes.CONFLICT
        challenge = json.loads(redeemed.json()["options"])["challenge"]
        forged = SoftwarePasskey().register(challenge, page.origin)
        for session in ("", "guessed"):
            second.session = session
            answer = await second.post("/finish", {"response": forged})
            assert answer.status_code == httpx.codes.UNAUTHORIZED
        key = await make(page, redeemed)
    assert it.made == [key.passkey]


async def test_without_a_passkey_in_five_minutes_nothing_is_enrolled(clock: HandClock) -> None:
    async with enrolling(clock) as it:
        await clock.pass_until(lambda: it.made, most=320)
    assert it.made == [None]


@pytest.mark.parametrize("name", ["no child process", "no temporary folder", "no port"])
def test_a_page_that_cannot_be_opened_ends_the_command_with_one_sentence(
    name: str, tmp_path: Path
) -> None:
    settings = {
        "TRAX_PASSKEY_FILE": str(tmp_path / "passkey.json"),
        "DISPLAY": ":99",
        "BROWSER": "true",
        "SSH_CONNECTION": "",
        "SSH_TTY": "",
    }
    with problem(name):
        ended = run_command("passkey", settings=settings)
    sentence = "The page for the passkey can't be opened: [Errno 28] No space left on device."
    assert (ended.code, ended.err) == (1, f"trax-mcp: {sentence}\n")
    assert list(tmp_path.iterdir()) == []
