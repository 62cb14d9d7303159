"""Attacks with the documents of clients, which lie elsewhere than they should, or say too much.

Each row is one attack, made over HTTP against the whole app on the sandbox. The documents lie on a
real server with TLS on loopback, to which every host leads.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from tests.sign_in.described_client import CALLBACK, described_client
from tests.support.document_server import (
    CANARY,
    HOST,
    PATH,
    UNCERTIFIED,
    DocumentServer,
    answer_of,
    document,
    json_answer,
    serving_documents,
)
from tests.support.html_forms import forms_of, text_of
from tests.world.oauth import key_form
from tests.world.sign_in import signing_in

if TYPE_CHECKING:
    from pathlib import Path

    import httpx
    import pytest


BAD_IDS: Final = {
    "loopback": "https://127.0.0.1:{PORT}/client.json",
    "a cloud's metadata": "https://169.254.169.254/client.json",
    "without TLS": "http://client.example:{PORT}/client.json",
    "a host that nobody has named": "https://evil-client.example/oauth/client.json",
    "a host that ends in one of the list": "https://evil-claude.ai/oauth/client.json",
    "a host that begins with one": "https://claude.ai.evil-client.example/oauth/client.json",
    "a host before an at sign": "https://claude.ai/oauth@evil-client.example/client.json",
    "another port": "https://client.example:25/client.json",
    "what people have written there": "https://claude.ai/public/artifacts/client.json",
    "a path that begins alike": "https://claude.ai/oauth-of-people/client.json",
    "a way out of the path": "https://claude.ai/oauth/../public/client.json",
    "an encoded one": "https://claude.ai/oauth/%2e%2e/public/client.json",
    "a query": "https://claude.ai/oauth/client.json?to=https://client.example",
}
"""Ids whose documents are not read. `tests/units/sign_in` has more."""

BAD_DOCUMENTS: Final[dict[str, dict[str, object]]] = {
    "another client's": {"client_id": "https://other.example/client.json"},
    "with a secret": {"client_secret": CANARY},
    "with a script to go back to": {"redirect_uris": ["javascript:alert(1)"]},
}
"""Members of a document that another reader might take."""


TOO_LONG: Final = "more than a description"
TOO_LATE: Final = "doesn't answer in time"


def refused_page(response: httpx.Response) -> str:
    """The text of a page that refuses a client, opens nothing, and quotes nothing of it."""
    assert response.status_code == 400, response.status_code
    assert "location" not in response.headers
    assert forms_of(response.text) == []
    assert "Nothing was allowed." in response.text
    for it in (CANARY, "evil.example", "javascript:"):
        assert it not in f"{response.text} {response.headers}"
    return text_of(response.text)


async def test_a_document_is_read_from_the_hosts_of_the_list_alone(tmp_path: Path) -> None:
    """No other host is asked for anything. All of them would answer here, with good documents."""
    async with described_client(tmp_path) as (host, _, steps):
        for attack, template in BAD_IDS.items():
            client_id = template.replace("{PORT}", str(host.port))
            assert client_id not in refused_page(await steps.authorize(client_id=client_id)), attack
            assert (host.requests, host.server_names) == ([], []), attack
        unlisted = await steps.authorize(client_id=BAD_IDS["a host that nobody has named"])
        assert "from evil-client.example. Nothing was allowed." in text_of(unlisted.text)
        assert "TRAX_CLIENT_DOCUMENT_HOSTS" in unlisted.text
        assert key_form(await steps.page())


async def test_a_certificate_for_another_host_or_of_no_known_authority_is_refused(
    tmp_path: Path,
) -> None:
    """Nothing is sent to it."""
    async with described_client(tmp_path / "one") as (host, _, steps):
        page = await steps.authorize(client_id=host.client_id(UNCERTIFIED))
        assert "can't be reached over HTTPS" in refused_page(page)
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
        ("a web page", json_answer(good, headers=web_page), "doesn't send JSON"),
        ("compressed", answer_of(compressed, headers=gzipped), "compresses it"),
        ("no HTTP", b"HTTP/0.9 canary\r\n\r\n", "stopped in the middle of its answer"),
        ("a part", json_answer(good)[:-9], "stopped in the middle of its answer"),
        ("a flood of headers", headers, "stopped in the middle of its answer"),
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
