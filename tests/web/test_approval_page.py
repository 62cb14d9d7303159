"""The page that asks a person, over real sockets: what it shows, and what cannot forge its yes.

A browser is played by an HTTP client here; `test_browser` uses a real one.
"""

from __future__ import annotations

import stat
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
import httpx
import pytest
from mcp import Client

from tests.conftest import OWNER
from tests.support.guarded_calls import NO, YES
from tests.support.page_client import PageClient, address_behind
from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp.server.app import ServerDeps, build_server
from trax_mcp.web import approval_page, browser
from trax_mcp.web.approval_page import open_page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    import mcp_types as types

    from tests.support.product.sandbox import Sandbox
    from tests.support.product.shared_clock import HandClock
    from trax_mcp.api.client import Client as Trax

    Ask = Callable[[], AbstractAsyncContextManager["Asked"]]

pytestmark = pytest.mark.slow


@dataclass
class Asked:
    """A go-live that waits for an answer on the page, which nobody has opened yet."""

    opened: list[str]
    tab: PageClient
    clock: HandClock
    sandbox: Sandbox
    results: list[types.CallToolResult]
    done: anyio.Event

    async def shown(self) -> dict[str, Any]:
        """Open the page and report its question; a second later it can be answered."""
        assert (await self.tab.redeem()).status_code == httpx.codes.OK
        (approval,) = (await self.tab.state())["approvals"]
        await self.tab.report(approval)
        self.clock.advance(1)
        return approval  # type: ignore[no-any-return]

    def sent(self) -> int:
        """The number of changes that reached TRaX."""
        return len(self.sandbox.mutations)

    async def result(self) -> types.CallToolResult:
        """The result of the call."""
        with anyio.fail_after(PATIENCE_SECONDS):
            await self.done.wait()
        return self.results[0]


@pytest.fixture
def asking(sandbox: Sandbox, trax: Trax, clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Calls go_live on a server with the real page; the browser's addresses are recorded."""
    opened: list[str] = []
    addresses: list[str] = []
    news = anyio.Event()

    def record(address: str) -> None:
        opened.append(address)
        addresses.append(address_behind(address))
        news.set()

    monkeypatch.setattr(browser, "open_browser", record)
    monkeypatch.setattr(approval_page, "has_browser", lambda: True)

    @asynccontextmanager
    async def ask() -> AsyncIterator[Asked]:
        results: list[types.CallToolResult] = []
        done = anyio.Event()
        async with open_page(clock) as page:
            deps = ServerDeps(clock=clock, page=page, ask=frozenset({"page"}))
            server = build_server(trax, own=OWNER, deps=deps)
            async with Client(server, cache=None) as client, anyio.create_task_group() as tasks:

                async def call() -> None:
                    results.append(await client.call_tool("go_live", {"studioId": "studio_42"}))
                    done.set()

                tasks.start_soon(call)
                with anyio.fail_after(PATIENCE_SECONDS):
                    await news.wait()
                    yield Asked(opened, PageClient(addresses[0]), clock, sandbox, results, done)
                tasks.cancel_scope.cancel()

    return ask


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_a_press_on_the_page_goes_live_and_the_page_says_so(asking: Ask) -> None:
    async with asking() as it:
        approval = await it.shown()
        assert approval["yes"] == YES
        assert approval["effects"][0] == (
            'Starts a broadcast of "Friday Night Show" that anyone can watch.'
        )
        pressed = await it.tab.press(approval, YES)
        assert pressed.json()["approvals"][0]["outcome"] == "Done. It is on air."
        assert (await it.result()).structured_content["observed"]["state"] == "on_air"
        assert it.sent() == 1


async def test_a_no_on_the_page_sends_nothing(asking: Ask) -> None:
    async with asking() as it:
        approval = await it.shown()
        pressed = await it.tab.press(approval, NO)
        assert pressed.json()["approvals"][0]["outcome"] == "You said no. Nothing was sent."
        assert (await it.result()).structured_content["status"] == "declined"
        assert it.sent() == 0


async def test_the_page_shows_a_new_question_and_its_end_at_once(asking: Ask) -> None:
    async with asking() as it:
        approval = await it.shown()
        state = await it.tab.state()
        async with anyio.create_task_group() as tasks:

            async def follow() -> None:
                news = await it.tab.state(state["version"])
                assert news["approvals"][0]["phase"] != "open"

            tasks.start_soon(follow)
            await it.tab.press(approval, NO)


async def test_the_address_is_opened_through_a_private_file_that_is_deleted(
    asking: Ask,
) -> None:
    async with asking() as it:
        path = Path(it.opened[0].removeprefix("file://"))
        assert (_mode(path), _mode(path.parent)) == (0o600, 0o700)
        await it.shown()
        with anyio.fail_after(PATIENCE_SECONDS):
            while path.parent.exists():
                await anyio.lowlevel.checkpoint()


async def test_a_browser_that_cannot_read_the_file_gets_the_address_itself(asking: Ask) -> None:
    async with asking() as it:
        await it.clock.pass_until(lambda: len(it.opened) > 1)
        assert it.opened[1].startswith("http://localhost:")
        it.tab = PageClient(it.opened[1])
        await it.tab.press(await it.shown(), YES)
        assert it.sent() == 1


async def test_the_page_loads_nothing_from_elsewhere_and_cannot_be_framed(asking: Ask) -> None:
    async with asking() as it:
        for path in ("/", "/page.css", "/page.js"):
            loaded = await it.tab.get(path)
            assert loaded.status_code == httpx.codes.OK
            policy = loaded.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert loaded.headers["X-Frame-Options"] == "DENY"
            assert loaded.headers["Cache-Control"] == "no-store"
            assert "set-cookie" not in loaded.headers
            assert "//" not in loaded.text.replace("// ", "")


async def test_the_page_listens_on_loopback_only(asking: Ask) -> None:
    async with asking() as it:
        port = int(it.tab.origin.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=port)
        async with await anyio.create_tcp_listener(local_host="127.0.0.2", local_port=port):
            pass  # all other addresses of this machine are free


# Forged requests: each is one step away from a valid press.

FORGED: Final[dict[str, dict[str, str]]] = {
    "without a session": {"Authorization": ""},
    "with a guessed session": {"Authorization": "Bearer guessed"},
    "with an empty session": {"Authorization": "Bearer"},
    "with a session that is no ASCII": {"Authorization": "Bearer \xe4"},
    "without an origin": {"Origin": ""},
    "from another site": {"Origin": "https://evil.example"},
    "from a file": {"Origin": "null"},
    "from another port": {"Origin": "http://localhost:1"},
    "from the same port of the IP address": {"Origin": "http://127.0.0.1:{port}"},
    "as a form": {"Content_Type": "application/x-www-form-urlencoded"},
    "as plain text": {"Content_Type": "text/plain"},
    "for another host": {"Host": "evil.example"},
    "for another host on this port": {"Host": "evil.example:{port}"},
    "for the IP address": {"Host": "127.0.0.1:{port}"},
    "for IPv6": {"Host": "[::1]:{port}"},
}


@pytest.mark.parametrize("headers", FORGED.values(), ids=FORGED)
async def test_a_forged_press_changes_nothing(asking: Ask, headers: dict[str, str]) -> None:
    async with asking() as it:
        approval = await it.shown()
        port = it.tab.origin.rpartition(":")[2]
        forged = {name: value.format(port=port) for name, value in headers.items()}
        response = await it.tab.press(approval, YES, **forged)
        assert response.status_code in {401, 403}
        assert it.sent() == 0
        assert (await it.tab.press(approval, YES)).status_code == httpx.codes.OK
        assert it.sent() == 1, "the press without the forgery counts"


@pytest.mark.parametrize(
    "path", ["/redeem", "/state", "/report", "/answer"], ids=lambda path: path[1:]
)
async def test_every_post_of_another_site_is_refused(asking: Ask, path: str) -> None:
    async with asking() as it:
        body = {"secret": it.tab.secret}
        response = await it.tab.post(path, body, Origin="https://evil.example")
        assert response.status_code == httpx.codes.FORBIDDEN
        assert (await it.tab.redeem()).status_code == httpx.codes.OK


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"1", b'{"ticket": 1}', b"\xff", b"null"], ids=repr
)
async def test_a_malformed_press_changes_nothing(asking: Ask, content: bytes) -> None:
    async with asking() as it:
        await it.shown()
        response = await it.tab.post("/answer", content=content)
        assert response.status_code == httpx.codes.OK
        assert it.sent() == 0


async def test_a_body_over_the_limit_is_refused(asking: Ask) -> None:
    async with asking() as it:
        await it.shown()
        response = await it.tab.post("/answer", content=b" " * 4097)
        assert response.status_code == httpx.codes.FORBIDDEN


async def test_a_body_without_a_length_is_refused(asking: Ask) -> None:
    async with asking() as it:
        approval = await it.shown()

        async def endless() -> AsyncIterator[bytes]:
            yield b"{}"

        async with httpx.AsyncClient(base_url=it.tab.origin, trust_env=False) as http:
            response = await http.post(
                "/answer",
                content=endless(),
                headers={"Origin": it.tab.origin, "Content-Type": "application/json"},
            )
        assert response.status_code == httpx.codes.FORBIDDEN
        assert approval["phase"] == "open"


@pytest.mark.parametrize("path", ["/redeem", "/state", "/report", "/answer"])
async def test_a_get_request_changes_nothing(asking: Ask, path: str) -> None:
    async with asking() as it:
        await it.shown()
        assert (await it.tab.get(path)).status_code == httpx.codes.METHOD_NOT_ALLOWED


# Who holds the page


async def test_a_second_opener_cannot_answer_and_both_are_told(asking: Ask) -> None:
    async with asking() as it:
        approval = await it.shown()
        second = PageClient(it.tab.address)
        assert (await second.redeem()).status_code == httpx.codes.CONFLICT
        assert (await second.press(approval, YES)).status_code == httpx.codes.UNAUTHORIZED
        assert (await it.tab.state())["openedTwice"] is True
        assert it.sent() == 0


@pytest.mark.parametrize("path", ["/state", "/report", "/answer"])
async def test_before_the_page_has_a_session_every_session_is_refused(
    asking: Ask, path: str
) -> None:
    async with asking() as it:
        response = await it.tab.post(path, Authorization="")
        assert response.status_code == httpx.codes.UNAUTHORIZED


@pytest.mark.parametrize("secret", ["", "guessed", "\xe4"])
async def test_a_guessed_secret_is_refused(asking: Ask, secret: str) -> None:
    async with asking() as it:
        response = await it.tab.post("/redeem", {"secret": secret})
        assert response.status_code == httpx.codes.CONFLICT
        assert (await it.tab.redeem()).status_code == httpx.codes.OK


@pytest.mark.parametrize("ticket", ["", "guessed"])
async def test_a_guessed_ticket_of_a_page_is_refused(asking: Ask, ticket: str) -> None:
    async with asking() as it:
        approval = await it.shown()
        await it.tab.press({**approval, "ticket": ticket}, YES)
        assert it.sent() == 0


@pytest.mark.parametrize("question", ["", "0", "2"])
async def test_a_press_on_another_question_changes_nothing(asking: Ask, question: str) -> None:
    async with asking() as it:
        approval = await it.shown()
        await it.tab.press({**approval, "question": question}, YES)
        assert it.sent() == 0


@pytest.mark.parametrize("choice", ["", "yes", "Go live", YES.upper(), f"{YES} "])
async def test_a_choice_that_was_not_offered_changes_nothing(asking: Ask, choice: str) -> None:
    async with asking() as it:
        approval = await it.shown()
        await it.tab.press(approval, choice)
        assert it.sent() == 0


async def test_a_replayed_press_sends_nothing_more(asking: Ask) -> None:
    async with asking() as it:
        approval = await it.shown()
        await it.tab.press(approval, YES)
        await it.result()
        await it.tab.press(approval, YES)
        assert it.sent() == 1


async def test_twenty_raced_presses_send_one_go_live(asking: Ask) -> None:
    async with asking() as it:
        approval = await it.shown()
        async with anyio.create_task_group() as presses:
            for _ in range(20):
                presses.start_soon(it.tab.press, approval, YES)
        assert it.sent() == 1


async def test_nothing_that_the_model_reads_holds_a_secret_of_the_page(asking: Ask) -> None:
    async with asking() as it:
        approval = await it.shown()
        await it.tab.press(approval, YES)
        result = (await it.result()).model_dump_json()
        for secret in (approval["ticket"], it.tab.secret, it.tab.session):
            assert secret
            assert secret not in result


async def test_no_log_holds_a_secret_of_the_page(
    asking: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with asking() as it:
        approval = await it.shown()
        await it.tab.press(approval, YES)
        for secret in (approval["ticket"], it.tab.secret, it.tab.session):
            assert secret not in caplog.text


async def test_the_page_of_an_ended_server_says_so(asking: Ask) -> None:
    async with asking() as it:
        tab = it.tab
        await it.shown()
    with pytest.raises(httpx.ConnectError):
        await tab.state()
