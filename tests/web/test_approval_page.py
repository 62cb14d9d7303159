"""The page that asks a person, over real sockets: what it shows, and what cannot forge its yes.

A browser is played by an HTTP client here; `make proof PART=browser` uses a real one.
`tests/consent/test_approval_answers.py` has when a press counts.
"""

from __future__ import annotations

import socket
import stat
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

import anyio
import httpx
import pytest

from tests.support.guarded_calls import GO_LIVE, IS_LIVE, NO, YES
from tests.support.hermetic import need_ipv6
from tests.support.product.faults import Fault
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.page import FORGED, PageClient
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.world.page import PageQuestion
    from tests.world.world import World

PATHS: Final = ("/redeem", "/state", "/report", "/answer")
with_page: Final = partial(open_world, MINE, page=True, TRAX_ASK="page,preview")


@asynccontextmanager
async def asking() -> AsyncIterator[tuple[World, PageClient, PageQuestion]]:
    """Call go_live, and open the page: the world, the tab, and what it asks."""
    async with with_page() as it:
        it[MINE].start(GO_LIVE)
        question = await it.open_page.next()
        it.hand_clock.advance(1)  # no yes counts in the first second
        yield it, it.open_page.tab, question


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_a_press_on_the_page_goes_live_and_the_page_says_so() -> None:
    async with asking() as (it, tab, question):
        show = {"name": "Friday Night Show", "detail": ""}
        assert question.data["headline"] == ["Go live with ", show, "?"]
        pressed = await tab.press(question.data, YES)
        assert pressed.json()["approvals"][0]["outcome"].startswith(IS_LIVE)
        assert it.sent == [GO_LIVE.sent]


async def test_the_page_names_no_platform_that_was_asked_about_and_not_reached() -> None:
    def start_one(answer: dict[str, Any]) -> None:
        answer["destinationIds"] = ["dest_2"]

    async with asking() as (it, tab, question):
        it.trax.faults.add(Fault.patched(start_one), path="*/go-live")
        pressed = await tab.press(question.data, YES)
        said = pressed.json()["approvals"][0]["outcome"]
        assert said.startswith(IS_LIVE)
        assert "YouTube" not in said


async def test_the_page_shows_a_no_at_once_in_every_tab() -> None:
    async with asking() as (it, tab, question), anyio.create_task_group() as tasks:
        state = await tab.state()

        async def follow() -> None:
            news = await tab.state(state["version"])
            assert news["approvals"][0]["outcome"] == "You said no. Nothing was sent."

        tasks.start_soon(follow)
        await question.press(NO)
        assert it.sent == []


async def test_the_address_is_opened_through_a_private_file_that_is_deleted() -> None:
    """Other users of this computer see the arguments of programs, and cannot read that file."""
    async with with_page() as it:
        it[MINE].start(GO_LIVE)
        opened = await it.open_page.browser.next()
        path = Path(opened.removeprefix("file://"))
        assert (_mode(path), _mode(path.parent)) == (0o600, 0o700)
        await it.open_page.next()
        with anyio.fail_after(PATIENCE_SECONDS):
            while path.parent.exists():  # noqa: ASYNC110  it can only be asked
                await anyio.sleep(0.01)


async def test_a_browser_that_cannot_read_the_file_gets_the_address_itself() -> None:
    async with with_page() as it:
        it[MINE].start(GO_LIVE)
        opened = it.open_page.browser.opened
        await it.hand_clock.pass_until(lambda: len(opened) > 1)
        assert opened[1].startswith("http://localhost:")
        question = await it.open_page.next()
        it.hand_clock.advance(1)
        await question.press(YES)
        assert it.sent == [GO_LIVE.sent]


async def test_the_page_loads_nothing_from_elsewhere_and_cannot_be_framed() -> None:
    async with asking() as (_, tab, _):
        for path in ("/", "/page.css", "/page.js"):
            loaded = await tab.get(path)
            assert loaded.status_code == httpx.codes.OK
            policy = loaded.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert loaded.headers["X-Frame-Options"] == "DENY"
            assert loaded.headers["Cache-Control"] == "no-store"
            assert "set-cookie" not in loaded.headers
            assert "//" not in loaded.text.replace("// ", "")


async def test_the_page_listens_on_loopback_only() -> None:
    async with asking() as (_, tab, _):
        port = int(tab.origin.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=port)
        async with await anyio.create_tcp_listener(local_host="127.0.0.2", local_port=port):
            pass  # all other addresses of this machine are free


async def test_the_page_is_on_no_port_where_another_program_has_the_ipv6_address() -> None:
    """A browser that asks for localhost might get there first, with the secret."""
    need_ipv6()
    real = socket.create_server
    with real(("::1", 0), family=socket.AF_INET6) as other:
        taken = other.getsockname()[1]
        ports = iter([taken])

        def create(
            address: tuple[str, int], *, family: socket.AddressFamily = socket.AF_INET
        ) -> socket.socket:
            host, port = address
            return real((host, port or next(ports, 0)), family=family)

        with patch.object(socket, "create_server", create):
            async with asking() as (_, tab, _):
                assert tab.origin != f"http://localhost:{taken}"
        assert next(ports, 0) == 0, "it was tried"


async def test_a_forged_press_changes_nothing() -> None:
    """Nor does one that names something else. The press without the forgery counts."""
    async with asking() as (it, tab, question):
        port = tab.origin.rpartition(":")[2]
        for forgery, headers in FORGED.items():
            forged = {name: value.format(port=port) for name, value in headers.items()}
            response = await tab.press(question.data, YES, **forged)
            assert response.status_code in {401, 403}, forgery
            assert it.sent == [], forgery
        for named in ({"ticket": ""}, {"ticket": "guessed"}):
            await question.press(YES, **named)
        for choice in ("", "yes", YES.upper(), f"{YES} "):
            await question.press(choice)
        assert it.sent == []
        await question.press(YES)
        assert it.sent == [GO_LIVE.sent]


async def test_nothing_but_the_page_s_own_json_is_taken() -> None:
    """By any of its addresses: not from another site, without a session, by GET, or too long."""

    async def endless() -> AsyncIterator[bytes]:
        yield b"{}"

    async with asking() as (it, tab, _):
        session = tab.session
        for path in PATHS:
            evil = await tab.post(path, {"secret": "x"}, Origin="https://evil.example")
            assert evil.status_code == httpx.codes.FORBIDDEN
            assert (await tab.get(path)).status_code == httpx.codes.METHOD_NOT_ALLOWED
            long = await tab.post(path, content=b" " * 16_385)
            assert long.status_code == httpx.codes.FORBIDDEN
            if path != "/redeem":
                tab.session = ""
                unknown = await tab.post(path)
                assert unknown.status_code == httpx.codes.UNAUTHORIZED
                tab.session = session
        for content in (b"", b"{", b"[]", b"1", b'{"ticket": 1}', b"\xff", b"null"):
            broken = await tab.post("/answer", content=content)
            assert broken.status_code == httpx.codes.OK
        headers = {"Origin": tab.origin, "Content-Type": "application/json"}
        async with httpx.AsyncClient(base_url=tab.origin, trust_env=False) as http:
            without_length = await http.post("/answer", content=endless(), headers=headers)
        assert without_length.status_code == httpx.codes.FORBIDDEN
        assert it.sent == []


# Who holds the page


async def test_a_second_opener_cannot_answer_and_both_are_told() -> None:
    async with asking() as (it, tab, question):
        second = PageClient(tab.address)
        assert (await second.redeem()).status_code == httpx.codes.CONFLICT
        refused = await second.press(question.data, YES)
        assert refused.status_code == httpx.codes.UNAUTHORIZED
        assert (await tab.state())["openedTwice"] is True
        assert it.sent == []


async def test_before_it_is_opened_no_guess_opens_the_page() -> None:
    """Neither the secret in its address nor a session."""
    async with with_page() as it:
        it[MINE].start(GO_LIVE)
        opened = it.open_page.browser.opened
        await it.hand_clock.pass_until(lambda: len(opened) > 1)
        tab = PageClient(opened[1])
        for secret in ("", "guessed", "\xe4"):
            guessed = await tab.post("/redeem", {"secret": secret})
            assert guessed.status_code == httpx.codes.CONFLICT
        for path in PATHS[1:]:
            refused = await tab.post(path, Authorization="")
            assert refused.status_code == httpx.codes.UNAUTHORIZED
        assert (await tab.redeem()).status_code == httpx.codes.OK


async def test_nothing_that_the_model_reads_and_no_log_holds_a_secret_of_the_page(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    async with with_page() as it:
        call = it[MINE].start(GO_LIVE)
        question, tab = await it.open_page.next(), it.open_page.tab
        it.hand_clock.advance(1)
        await question.press(YES)
        result = (await call.result()).model_dump_json()
        for secret in (question.data["ticket"], tab.secret, tab.session):
            assert secret
            assert secret not in result + caplog.text
