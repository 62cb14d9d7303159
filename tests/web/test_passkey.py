"""With a passkey enrolled, only its signature on the page is a yes; a stop needs none."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from mcp import Client

from tests.conftest import OWNER
from tests.support.guarded_calls import STUDIO, YES
from tests.support.page_client import PageClient, address_behind
from tests.support.product.software_passkey import SoftwarePasskey
from tests.support.server_process import PATIENCE_SECONDS, running
from tests.support.simulated_person import Person, agreeing
from trax_mcp.consent.rules import Mode, Rules
from trax_mcp.server.app import ServerDeps, build_server
from trax_mcp.web import approval_page, browser
from trax_mcp.web.approval_page import open_page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.support.product.sandbox import Sandbox
    from tests.support.product.shared_clock import HandClock
    from trax_mcp.api.client import Client as Trax

    Ask = Callable[..., AbstractAsyncContextManager["AskedOnPage"]]

pytestmark = pytest.mark.slow


@dataclass
class AskedOnPage:
    """A client that has forms too, and a go-live that waits on the page."""

    client: Client
    tab: PageClient
    approval: dict[str, Any]
    key: SoftwarePasskey
    sandbox: Sandbox

    async def press(self, signature: str, choice: str = YES) -> None:
        """Press yes with a signature."""
        body = {name: self.approval[name] for name in ("ticket", "question")}
        await self.tab.post("/answer", {**body, "choice": choice, "signature": signature})

    @property
    def challenge(self) -> str:
        """What the page asks the passkey to sign."""
        return str(self.approval["passkey"]["challenge"])


@pytest.fixture
def asking(sandbox: Sandbox, trax: Trax, clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """A server with a passkey, whose page is opened, read for a second and not yet answered."""
    addresses: list[str] = []
    news = anyio.Event()

    def record(address: str) -> None:
        addresses.append(address_behind(address))
        news.set()

    monkeypatch.setattr(browser, "open_browser", record)
    monkeypatch.setattr(approval_page, "has_browser", lambda: True)

    @asynccontextmanager
    async def ask(*, forms: bool = True) -> AsyncIterator[AskedOnPage]:
        key = SoftwarePasskey()
        async with open_page(clock, key.passkey) as page:
            deps = ServerDeps(
                rules=Rules(Mode.HUMAN),
                clock=clock,
                page=page,
                ask=frozenset({"form", "panel", "page"}),
                needs_passkey=True,
            )
            server = build_server(trax, own=OWNER, deps=deps)
            person = Person()
            person.answer_with(agreeing)
            async with (
                Client(
                    server, cache=None, elicitation_callback=person if forms else None
                ) as client,
                anyio.create_task_group() as tasks,
            ):
                tasks.start_soon(client.call_tool, "go_live", STUDIO)
                with anyio.fail_after(PATIENCE_SECONDS):
                    await news.wait()
                    tab = PageClient(addresses[0])
                    await tab.redeem()
                    (approval,) = (await tab.state())["approvals"]
                    await tab.report(approval)
                    clock.advance(1)
                    yield AskedOnPage(client, tab, approval, key, sandbox)
                tasks.cancel_scope.cancel()

    return ask


async def test_a_signed_press_goes_live(asking: Ask) -> None:
    async with asking() as it:
        await it.press(it.key.sign(it.challenge, it.tab.origin))
        assert len(it.sandbox.mutations) == 1
        result = await it.client.call_tool("go_live", STUDIO)
        assert (result.structured_content or {})["executed"] is False


@pytest.mark.parametrize("signature", ["", "{}", "null", "yes", '{"id": 1}'])
async def test_a_press_without_a_signature_changes_nothing(asking: Ask, signature: str) -> None:
    async with asking() as it:
        await it.press(signature)
        assert it.sandbox.mutations == []


async def test_signatures_of_something_else_change_nothing(asking: Ask) -> None:
    async with asking() as it:
        wrong = {
            "another key": SoftwarePasskey().sign(it.challenge, it.tab.origin),
            "another challenge": it.key.sign("AAAA", it.tab.origin),
            "another origin": it.key.sign(it.challenge, "https://evil.example"),
            "an unverified user": it.key.sign(it.challenge, it.tab.origin, verified=False),
        }
        for signature in wrong.values():
            await it.press(signature)
        assert it.sandbox.mutations == []
        await it.press(it.key.sign(it.challenge, it.tab.origin))
        assert len(it.sandbox.mutations) == 1


async def test_a_signature_is_for_one_question_only(asking: Ask) -> None:
    async with asking() as it:
        signature = it.key.sign(it.challenge, it.tab.origin)
        it.sandbox.world.destinations.pop("dest_2")
        await it.press(signature)
        (changed,) = (await it.tab.state())["approvals"]
        assert changed["question"] != it.approval["question"]
        await it.tab.report(changed)
        assert changed["passkey"]["challenge"] != it.challenge


async def test_a_stop_needs_no_passkey(asking: Ask) -> None:
    async with asking() as it:
        result = await it.client.call_tool("go_offline", STUDIO)
        assert (result.meta or {})["live.traxstreaming/approvedIn"] == "form"
        assert len(it.sandbox.mutations) == 1


async def test_a_stop_on_the_page_needs_no_passkey_either(asking: Ask) -> None:
    async with asking(forms=False) as it:
        await it.client.call_tool("go_offline", STUDIO)
        with anyio.fail_after(PATIENCE_SECONDS):
            while len(approvals := (await it.tab.state())["approvals"]) < 2:
                await anyio.lowlevel.checkpoint()
        stop = next(shown for shown in approvals if shown["yes"].startswith("Go offline"))
        assert "passkey" not in stop
        await it.tab.report(stop)
        await it.tab.press(stop, stop["yes"])
        assert len(it.sandbox.mutations) == 1


# Settings


async def _start(**settings: str) -> str:
    async with running(settings={"TRAX_SANDBOX": "1", **settings}) as process:
        assert await process.finish() in {0, 1}
        return process.stderr.text


async def test_a_named_file_that_is_missing_or_unreadable_stops_the_start(
    tmp_path: Path,
) -> None:
    missing = str(tmp_path / "missing.json")
    assert "TRAX_PASSKEY_FILE" in await _start(TRAX_PASSKEY_FILE=missing)
    broken = tmp_path / "broken.json"
    broken.write_text("{}", encoding="utf-8")
    assert "TRAX_PASSKEY_FILE" in await _start(TRAX_PASSKEY_FILE=str(broken))


@pytest.mark.parametrize("mode", ["preview", "flag"])
async def test_modes_that_ask_nobody_do_not_start_beside_a_passkey(
    tmp_path: Path, mode: str
) -> None:
    file = tmp_path / "passkey.json"
    passkey = SoftwarePasskey().passkey
    fields = {"credentialId": passkey.credential_id, "publicKey": passkey.public_key}
    file.write_text(json.dumps(fields), encoding="utf-8")
    assert f"TRAX_CONFIRM={mode}" in await _start(TRAX_PASSKEY_FILE=str(file), TRAX_CONFIRM=mode)
    assert await _start(TRAX_PASSKEY_FILE=str(file)) == ""
