"""Attacks with the documents of clients, which lie elsewhere than they should, or say too much.

Each row is one attack, made over HTTP against the whole app on the sandbox. The documents lie on a
real server with TLS on loopback, which a test may declare to be public.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from tests.sign_in.described_client import CALLBACK, described_client
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
from tests.support.product.sign_in import Internet
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.oauth import key_form
from tests.world.sign_in import signing_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import httpx


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

BAD_DOCUMENTS: Final[dict[str, dict[str, object]]] = {
    "another client's": {"client_id": "https://other.example/client.json"},
    "with a secret": {"client_secret": CANARY},
    "with a script to go back to": {"redirect_uris": ["javascript:alert(1)"]},
}
"""Members of a document that another reader might take."""


TOO_LONG: Final = "more than a description"
TOO_LATE: Final = "does not answer in time"


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
    async with described_client(tmp_path) as (host, _, steps):
        for attack, template in BAD_IDS.items():
            client_id = template.replace("{PORT}", str(host.port))
            assert client_id not in refused_page(await steps.authorize(client_id=client_id)), attack
            assert (host.requests, host.server_names) == ([], []), attack


async def test_a_name_that_leads_inside_is_not_followed(tmp_path: Path) -> None:
    """Whatever answers there hears nothing. By the rule that is built in."""
    asked: list[str] = []

    async def addresses(host: str) -> Sequence[str]:
        asked.append(host)
        return INSIDE[attack]

    async with serving_documents() as host:
        internet = Internet(addresses=addresses, tls=host.tls)
        async with (
            signing_in(tmp_path, internet=internet) as it,
            it.steps(host.client_id()) as steps,
        ):
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
            signing_in(tmp_path, internet=internet) as it,
            it.steps(host.client_id(), redirect_uri=CALLBACK) as steps,
        ):
            assert key_form(await steps.page())
            assert len(host.requests) == len(answers) == 1


async def test_a_certificate_for_another_host_or_of_no_known_authority_is_refused(
    tmp_path: Path,
) -> None:
    """Nothing is sent to it."""
    async with described_client(tmp_path / "one") as (host, _, steps):
        client_id = host.client_id("not-in-it.example")
        page = await steps.authorize(client_id=client_id)
        assert "cannot be reached over HTTPS" in refused_page(page)
        assert host.requests == []
    async with (
        serving_documents(is_trusted=False) as host,
        signing_in(tmp_path / "other", internet=host.internet()) as it,
        it.steps(host.client_id(), redirect_uri=CALLBACK) as steps,
    ):
        refused_page(await steps.authorize())
        assert host.requests == []


async def test_a_document_that_is_not_as_it_must_be_lets_nobody_in(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the page nor the log quotes any of it."""
    caplog.set_level("DEBUG", logger="trax_mcp")
    async with described_client(tmp_path) as (host, _, steps):
        for members in BAD_DOCUMENTS.values():
            host.answers[HOST] = json_answer({**document(host.client_id()), **members})
            refused_page(await steps.authorize(redirect_uri=None))
    assert CANARY not in caplog.text


async def drop_by_drop(writer: asyncio.StreamWriter, beginning: bytes) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n" + beginning)
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


drip = partial(drop_by_drop, beginning=b"Content-Type: application/json\r\n\r\n")
drip_head = partial(drop_by_drop, beginning=b"X-Slow: x")


async def flood(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
    writer.write(b"Transfer-Encoding: chunked\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"1000\r\n" + b" " * 0x1000 + b"\r\n")
        await writer.drain()


async def say_nothing(_writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


def odd_answers(host: DocumentServer) -> list[tuple[str, Any, str]]:
    """How a host answers that wants more than to describe a client, and what a person reads."""
    good = document(host.client_id())
    compressed = gzip.compress(json.dumps(good).encode())
    elsewhere = {"Location": f"https://other.example:{host.port}{PATH}?{CANARY}"}
    headers = b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000 + b"\r\n"
    web_page, gzipped = {"Content-Type": "text/html"}, {"Content-Encoding": "gzip"}
    return [
        ("too long", json_answer({**good, "padding": "x" * 6_000}), TOO_LONG),
        ("elsewhere", json_answer(good, status="302 Found", headers=elsewhere), "with HTTP 302"),
        ("an error", json_answer(good, status=f"500 {CANARY}"), "answers with HTTP 500"),
        ("a web page", json_answer(good, headers=web_page), "does not send JSON"),
        ("compressed", answer_of(compressed, headers=gzipped), "compresses it"),
        ("no HTTP", b"HTTP/0.9 canary\r\n\r\n", "broke off its answer"),
        ("a part", json_answer(good)[:-9], "broke off its answer"),
        ("a flood of headers", headers, "broke off its answer"),
        ("a flood", flood, TOO_LONG),
        ("drop by drop", drip, TOO_LATE),
        ("a head drop by drop", drip_head, TOO_LATE),
        ("silence", say_nothing, TOO_LATE),
    ]


async def test_a_document_is_neither_long_nor_slow_nor_elsewhere(
    tmp_path: Path, subtests: pytest.Subtests
) -> None:
    """Clients of other hosts are served meanwhile."""
    async with described_client(tmp_path, timeout_seconds=1) as (host, it, steps):

        async def attack(name: str, answer: Any, expected: str) -> None:  # noqa: ANN401  bytes or a writer of them
            path = f"/{name.replace(' ', '-')}"
            host.answers[f"{HOST}{path}"] = answer
            refused = await steps.authorize(client_id=host.client_id(path=path))
            with subtests.test(name):
                assert expected in refused_page(refused)

        rows = odd_answers(host)
        slow = [row for row in rows if row[2] == TOO_LATE]
        for row in rows:
            if row not in slow:
                await attack(*row)
        third = host.client_id("third.example")
        async with (
            it.steps(third, redirect_uri=CALLBACK, ip="8.8.8.8") as others,
            asyncio.TaskGroup() as tasks,
        ):
            for row in slow:
                tasks.create_task(attack(*row))
            assert key_form(await others.page())
        assert len(slow) == 3
        assert not [head for head in host.requests if "other.example" in head]


@pytest.mark.parametrize("is_given_up", [False, True])
async def test_the_connection_to_a_host_that_never_begins_tls_is_closed(
    tmp_path: Path, *, is_given_up: bool
) -> None:
    """A host that could keep it open would take one after the other, until none is left.

    The same holds where the request is given up meanwhile.
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
            signing_in(tmp_path, internet=internet) as it,
            it.steps(host.client_id(), redirect_uri=CALLBACK) as steps,
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
    async with signing_in(tmp_path, internet=internet) as it, it.steps() as steps:
        refused = await steps.authorize(client_id=f"https://{HOST}{PATH}")
        assert TOO_LATE in refused_page(refused)


async def test_hosts_that_do_not_answer_do_not_occupy_all_reads(tmp_path: Path) -> None:
    """People who ask for one of them too many try again later. A document that was read counts."""
    async with described_client(tmp_path, timeout_seconds=2) as (host, it, steps):
        assert key_form(await steps.page())
        host.answers = dict.fromkeys(("other.example", "third.example"), say_nothing)
        statuses: list[int] = []
        six = anyio.Event()

        async def ask(number: int, name: str) -> None:
            client_id = host.client_id(name, f"/{number}")
            async with it.steps(client_id, ip=f"8.8.{number}.8") as waiting:
                statuses.append((await waiting.authorize(redirect_uri=CALLBACK)).status_code)
            if len(statuses) == 6:
                six.set()

        async with anyio.create_task_group() as tasks:
            for number in range(8):
                for name in ("other.example", "third.example"):
                    tasks.start_soon(ask, number, name)
            with anyio.fail_after(PATIENCE_SECONDS):
                await six.wait()
            assert set(statuses) == {429}
            assert key_form(await steps.page())
            tasks.cancel_scope.cancel()
