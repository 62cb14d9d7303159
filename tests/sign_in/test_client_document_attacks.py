"""Attacks with the documents of clients, which lie elsewhere than they should, or say too much.

Each row is one attack, made over HTTP against the whole app on the sandbox. The documents lie on a
real server with TLS on loopback, which a test may declare to be public.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from tests.support.document_server import (
    CANARY,
    HOST,
    LOOPBACK,
    PATH,
    SOON,
    DocumentServer,
    answer_of,
    document,
    json_answer,
    serving_documents,
)
from tests.support.html_forms import forms_of
from tests.support.oauth_steps import key_form
from tests.support.product.sign_in import Internet
from tests.support.served_sign_in import signing_in
from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    import httpx

    from tests.support.oauth_steps import OAuthSteps
    from tests.support.served_sign_in import SignInFront

CALLBACK: Final = "https://client.example/callback"

BAD_IDS: Final = {
    "loopback": "https://127.0.0.1:{PORT}/client.json",
    "without TLS": "http://client.example:{PORT}/client.json",
    "the port of another service": "https://client.example:25/client.json",
}
"""Ids that are no address of a document. `tests/units/sign_in` has more, as for the next two."""

INSIDE: Final[dict[str, Sequence[str]]] = {
    "a cloud's metadata": ("169.254.169.254",),
    "one public address and one inside": ("8.8.8.8", "127.0.0.1"),
    "nothing": (),
}
"""Addresses that the name of a client's host leads to."""

BAD_DOCUMENTS: Final[dict[str, Any]] = {
    "another client's": lambda it: document(it.client_id("other.example")),
    "with a secret": lambda it: document(it.client_id(), client_secret=CANARY),
    "with a script to go back to": lambda it: document(
        it.client_id(), redirect_uris=["javascript:alert(1)"]
    ),
}
"""Contents where a document should lie."""


@asynccontextmanager
async def steps_of(
    folder: Path, internet: Internet | None = None, *, timeout_seconds: float = 5
) -> AsyncIterator[tuple[DocumentServer, SignInFront, OAuthSteps]]:
    """A server of documents, ours, and a client with a document."""
    async with serving_documents() as host:
        internet = internet or host.internet(timeout_seconds=timeout_seconds)
        async with (
            signing_in(folder, internet=internet) as hosted,
            hosted.steps(host.client_id(), redirect_uri=CALLBACK) as steps,
        ):
            yield host, hosted, steps


def refused_page(response: httpx.Response) -> str:
    """The text of a page that refuses a client, opens nothing, and quotes nothing of it."""
    assert response.status_code == 400, response.status_code
    assert "location" not in response.headers
    assert forms_of(response.text) == []
    assert "Nothing was allowed." in response.text
    for it in (CANARY, "evil.example", "javascript:"):
        assert it not in f"{response.text} {response.headers}"
    return response.text


async def test_an_id_that_is_no_public_document_is_not_followed(tmp_path: Path) -> None:
    """Even if every name and every address is as good as public."""
    async with steps_of(tmp_path) as (host, _hosted, steps):
        for attack, client_id in BAD_IDS.items():
            steps.client_id = client_id.replace("{PORT}", str(host.port))
            assert steps.client_id not in refused_page(await steps.authorize()), attack
            assert (host.requests, host.server_names) == ([], []), attack


async def test_a_name_that_leads_inside_is_not_followed(tmp_path: Path) -> None:
    """Whatever answers there hears nothing. By the rule that is built in."""
    asked: list[str] = []

    async def addresses(host: str) -> Sequence[str]:
        asked.append(host)
        return INSIDE[attack]

    async with serving_documents() as host:
        internet = Internet(addresses=addresses, tls=host.tls)
        async with signing_in(tmp_path, internet=internet) as hosted, hosted.steps() as steps:
            steps.client_id = host.client_id()
            for attack in INSIDE:
                text = refused_page(await steps.authorize())
                assert f"{HOST} has no address on the public internet" in text, attack
            assert asked == [HOST] * len(INSIDE)
            assert (host.requests, host.server_names) == ([], [])


async def test_a_name_that_leads_elsewhere_a_moment_later_changes_nothing(tmp_path: Path) -> None:
    """It is asked for once, and what was checked is connected to."""
    answers = [("127.0.0.1",), ("169.254.169.254",)]

    async def addresses(_host: str) -> Sequence[str]:
        return answers.pop(0)

    async with serving_documents() as host:
        internet = Internet(
            addresses=addresses, is_public=lambda ip: ip == "127.0.0.1", tls=host.tls
        )
        async with (
            signing_in(tmp_path, internet=internet) as hosted,
            hosted.steps(host.client_id(), redirect_uri=CALLBACK) as steps,
        ):
            assert key_form(await steps.page())
            assert len(host.requests) == len(answers) == 1


async def test_a_certificate_for_another_host_is_refused(tmp_path: Path) -> None:
    """Nothing is sent to it."""
    async with steps_of(tmp_path) as (host, _hosted, steps):
        steps.client_id = host.client_id("not-in-it.example")
        assert "cannot be reached over HTTPS" in refused_page(await steps.authorize())
        assert host.requests == []


async def test_a_certificate_that_no_known_authority_has_issued_is_refused(tmp_path: Path) -> None:
    """By the authorities that this machine trusts."""
    async with (
        serving_documents(is_trusted=False) as host,
        signing_in(tmp_path, internet=host.internet()) as hosted,
        hosted.steps(host.client_id(), redirect_uri=CALLBACK) as steps,
    ):
        refused_page(await steps.authorize())
        assert host.requests == []


@pytest.mark.parametrize("attack", BAD_DOCUMENTS)
async def test_a_document_that_is_not_as_it_must_be_lets_nobody_in(
    attack: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the page nor the log quotes any of it."""
    caplog.set_level("DEBUG", logger="trax_mcp")
    async with steps_of(tmp_path) as (host, _hosted, steps):
        host.answers[HOST] = json_answer(BAD_DOCUMENTS[attack](host))
        refused_page(await steps.authorize(redirect_uri=None))
    assert CANARY not in caplog.text


async def drip(writer: asyncio.StreamWriter) -> None:
    """Send a document that never ends."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


async def drip_head(writer: asyncio.StreamWriter) -> None:
    """Send a head that never ends."""
    writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not writer.is_closing():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


async def flood(writer: asyncio.StreamWriter) -> None:
    """Send without an end, as fast as it is read."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
    writer.write(b"Transfer-Encoding: chunked\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"1000\r\n" + b" " * 0x1000 + b"\r\n")
        await writer.drain()


async def say_nothing(_writer: asyncio.StreamWriter) -> None:
    """Take a request, and never answer."""
    await asyncio.Event().wait()


def good(host: DocumentServer, status: str = "200 OK", **headers: str) -> bytes:
    """A good document with another status or other headers."""
    named = {name.replace("_", "-"): it for name, it in headers.items()}
    return json_answer(document(host.client_id()), status=status, headers=named)


ODD_ANSWERS: Final[dict[str, tuple[Any, str]]] = {
    "too long": (
        lambda it: json_answer(document(it.client_id(), padding="x" * 6_000)),
        "more than a description",
    ),
    "elsewhere": (
        lambda it: good(
            it, "302 Found", Location=f"https://other.example:{it.port}{PATH}?{CANARY}"
        ),
        "answers with HTTP 302",
    ),
    "of nothing": (lambda it: good(it, f"404 {CANARY}"), "has no description of it any more"),
    "an error": (lambda it: good(it, f"500 {CANARY}"), "answers with HTTP 500"),
    "a web page": (lambda it: good(it, Content_Type="text/html"), "does not send JSON"),
    "of no type": (lambda it: good(it, Content_Type=""), "does not send JSON"),
    "compressed": (
        lambda it: answer_of(
            gzip.compress(json.dumps(document(it.client_id())).encode()),
            headers={"Content-Encoding": "gzip"},
        ),
        "compresses it",
    ),
    "no HTTP": (lambda _: b"HTTP/0.9 canary\r\n\r\n", "broke off its answer"),
    "a part": (lambda it: good(it)[:-9], "broke off its answer"),
    "a flood of headers": (
        lambda _: b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000 + b"\r\n",
        "broke off its answer",
    ),
    "a flood": (lambda _: flood, "more than a description"),
    "drop by drop": (lambda _: drip, "does not answer in time"),
    "a head drop by drop": (lambda _: drip_head, "does not answer in time"),
    "silence": (lambda _: say_nothing, "does not answer in time"),
}
"""How a host answers that wants more than to describe a client, and what a person reads."""


@pytest.mark.parametrize("attack", ODD_ANSWERS)
async def test_a_document_is_neither_long_nor_slow_nor_elsewhere(
    attack: str, tmp_path: Path
) -> None:
    """Clients of other hosts are served meanwhile."""
    odd, expected = ODD_ANSWERS[attack]
    seconds = 1 if "in time" in expected else 5
    async with steps_of(tmp_path, timeout_seconds=seconds) as (host, hosted, steps):
        host.answers[HOST] = odd(host)
        third = host.client_id("third.example")
        async with hosted.steps(third, redirect_uri=CALLBACK) as others:
            refused, page = await asyncio.gather(steps.authorize(), others.page())
            assert expected in refused_page(refused)
            assert key_form(page)
        assert not [it for it in host.requests if "other.example" in it]


@pytest.mark.parametrize("is_given_up", [False, True])
async def test_the_connection_to_a_host_that_never_begins_tls_is_closed(
    tmp_path: Path, *, is_given_up: bool
) -> None:
    """A host that could keep it open would take one after the other, until none is left.

    Also where the request is given up meanwhile.
    """
    closed = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the other end closes
        writer.close()
        closed.set()

    async with await asyncio.start_server(hang, LOOPBACK, 0) as hanging:
        host = DocumentServer(port=hanging.sockets[0].getsockname()[1])
        internet = host.internet(timeout_seconds=SOON)
        async with (
            signing_in(tmp_path, internet=internet) as hosted,
            hosted.steps(host.client_id(), redirect_uri=CALLBACK) as steps,
        ):
            with anyio.move_on_after(SOON / 10 if is_given_up else PATIENCE_SECONDS):
                refused_page(await steps.authorize())
            async with asyncio.timeout(PATIENCE_SECONDS):
                await closed.wait()


async def test_a_name_server_that_never_answers_is_given_up(tmp_path: Path) -> None:
    async def addresses(_host: str) -> Sequence[str]:
        await anyio.sleep_forever()
        return ()

    internet = Internet(addresses=addresses, timeout_seconds=SOON)
    async with signing_in(tmp_path, internet=internet) as hosted, hosted.steps() as steps:
        steps.client_id = f"https://{HOST}{PATH}"
        assert "does not answer in time" in refused_page(await steps.authorize())


async def test_hosts_that_do_not_answer_do_not_occupy_all_reads(tmp_path: Path) -> None:
    """Who asks for one of them too many is told to try again; a document that was read counts."""
    async with steps_of(tmp_path) as (host, hosted, steps):
        assert key_form(await steps.page())
        host.answers = dict.fromkeys(("other.example", "third.example"), say_nothing)
        waiting = [
            hosted.steps(
                host.client_id(name, f"/{number}"), redirect_uri=CALLBACK, ip=f"8.8.{number}.8"
            )
            for number in range(8)
            for name in ("other.example", "third.example")
        ]
        async with anyio.create_task_group() as tasks:
            answers: list[httpx.Response] = []
            enough = anyio.Event()

            async def ask(it: OAuthSteps) -> None:
                answers.append(await it.authorize())
                if len(answers) == 6:
                    enough.set()

            for it in waiting:
                tasks.start_soon(ask, it)
            with anyio.fail_after(PATIENCE_SECONDS):
                await enough.wait()
            assert {it.status_code for it in answers} == {429}
            assert key_form(await steps.page())
            tasks.cancel_scope.cancel()
        for it in waiting:
            await it.__aexit__(None, None, None)
