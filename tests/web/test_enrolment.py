"""`trax-mcp passkey`: the page on which a person enrols a passkey. A client plays the browser."""

from __future__ import annotations

import json
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import anyio
import httpx
import pytest

from tests.support.page_client import PageClient, address_behind
from tests.support.product.software_passkey import SoftwarePasskey
from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp.cli import passkey as command
from trax_mcp.cli.main import main
from trax_mcp.web import browser
from trax_mcp.web.enrolment import enrol_passkey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from tests.support.product.shared_clock import HandClock
    from trax_mcp.web.passkey import Passkey

    Enrol = Callable[[], AbstractAsyncContextManager["Enrolling"]]

pytestmark = pytest.mark.slow


@dataclass
class Enrolling:
    """An enrolment that waits for the person. `opened` are the addresses that a browser got."""

    opened: list[str] = field(default_factory=list)
    made: list[Passkey | None] = field(default_factory=list)

    def page(self) -> PageClient:
        """The page behind the latest address."""
        return PageClient(address_behind(self.opened[-1]))


@pytest.fixture
def enrolling(clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> Enrol:
    """Starts an enrolment; the browser's addresses are recorded."""

    @asynccontextmanager
    async def started() -> AsyncIterator[Enrolling]:
        it = Enrolling()
        monkeypatch.setattr(browser, "open_browser", it.opened.append)

        async def enrol() -> None:
            it.made.append(await enrol_passkey(clock))

        with anyio.fail_after(PATIENCE_SECONDS):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(enrol)
                while not it.opened:
                    await anyio.lowlevel.checkpoint()
                yield it

    return started


async def _make(page: PageClient, redeemed: httpx.Response) -> tuple[SoftwarePasskey, int]:
    """Make a passkey on a page, and say so. Returns it and the status of the answer."""
    answer: dict[str, Any] = redeemed.json()
    page.session = answer["session"]
    key = SoftwarePasskey()
    made = key.register(json.loads(answer["options"])["challenge"], page.origin)
    return key, (await page.post("/finish", {"response": made})).status_code


async def test_a_passkey_that_the_page_made_is_enrolled_and_the_file_is_gone(
    enrolling: Enrol,
) -> None:
    async with enrolling() as it:
        page, file = it.page(), Path(it.opened[0].removeprefix("file://"))
        assert file.parent.exists()
        key, status = await _make(page, await page.post("/redeem", {"secret": page.secret}))
        assert status == httpx.codes.OK
    assert it.made == [key.passkey]
    assert (len(it.opened), file.parent.exists()) == (1, False)


async def test_a_browser_that_cannot_read_the_enrolment_file_gets_the_address_itself(
    enrolling: Enrol, clock: HandClock
) -> None:
    async with enrolling() as it:
        await clock.pass_until(lambda: len(it.opened) > 1)
        assert it.opened[1].startswith("http://localhost:")
        page = it.page()
        key, _ = await _make(page, await page.post("/redeem", {"secret": page.secret}))
    assert it.made == [key.passkey]


async def test_a_second_opener_can_enrol_nothing(enrolling: Enrol) -> None:
    async with enrolling() as it:
        page, second = it.page(), it.page()
        redeemed = await page.post("/redeem", {"secret": page.secret})
        refused = await second.post("/redeem", {"secret": second.secret})
        assert refused.status_code == httpx.codes.CONFLICT
        forged = SoftwarePasskey().register(
            json.loads(redeemed.json()["options"])["challenge"], page.origin
        )
        for session in ("", "guessed"):
            second.session = session
            answer = await second.post("/finish", {"response": forged})
            assert answer.status_code == httpx.codes.UNAUTHORIZED
        key, _ = await _make(page, redeemed)
    assert it.made == [key.passkey]


async def test_without_a_passkey_in_five_minutes_nothing_is_enrolled(
    enrolling: Enrol, clock: HandClock
) -> None:
    async with enrolling() as it:
        await clock.pass_until(lambda: it.made, most=320)
    assert it.made == [None]


@pytest.mark.parametrize(
    ("where", "name"),
    [(browser, "open_browser"), (browser, "mkdtemp"), (socket, "create_server")],
    ids=["no child process", "no temporary folder", "no port"],
)
def test_a_page_that_cannot_be_opened_ends_the_command_with_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    where: object,
    name: str,
) -> None:
    def fail(*_: object, **_options: object) -> NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("TRAX_PASSKEY_FILE", str(tmp_path / "passkey.json"))
    monkeypatch.setattr(command, "has_browser", lambda: True)
    monkeypatch.setattr(browser, "open_browser", lambda _address: None)
    monkeypatch.setattr(where, name, fail)
    with pytest.raises(SystemExit) as ended:
        main(["passkey"])
    problem = "The page for the passkey cannot be opened: [Errno 28] No space left on device."
    assert ended.value.code == f"trax-mcp: {problem}"
    assert "Traceback" not in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
