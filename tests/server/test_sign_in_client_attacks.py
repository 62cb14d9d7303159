"""Attacks with the documents of clients, which lie elsewhere than they should, or say too much.

Each row is one attack, made over HTTP against the whole app on the sandbox. The documents lie on a
real server with TLS on loopback, which a test may declare to be public.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.document_server import (
    HOST,
    PATH,
    answer_of,
    document,
    json_answer,
    serving_documents,
)
from tests.support.product.still_clock import StillClock
from tests.support.served_sign_in import signing_in
from trax_mcp.sign_in.client_documents import ClientDocuments
from trax_mcp.sign_in.public_addresses import is_public

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import httpx

    from tests.support.document_server import DocumentServer


pytestmark = pytest.mark.slow

AUTH_METHOD: Final = "token_endpoint_auth_method"

BAD_IDS: Final = {
    "loopback": "https://127.0.0.1:{PORT}/client.json",
    "loopback by name": "https://localhost:{PORT}/client.json",
    "loopback in one number": "https://2130706433:{PORT}/client.json",
    "loopback in octal": "https://0177.0.0.1:{PORT}/client.json",
    "loopback, shortened": "https://127.1:{PORT}/client.json",
    "loopback of IPv6": "https://[::1]:{PORT}/client.json",
    "loopback inside IPv6": "https://[::ffff:127.0.0.1]:{PORT}/client.json",
    "no address at all": "https://0.0.0.0:{PORT}/client.json",
    "a private address": "https://10.0.0.1/client.json",
    "a cloud's metadata": "https://169.254.169.254/latest/meta-data/",
    "a name of this network": "https://router/client.json",
    "without TLS": "http://client.example:{PORT}/client.json",
    "a file": "file:///etc/passwd",
    "a user name": "https://client.example@127.0.0.1:{PORT}/client.json",
    "a dot at the end": "https://client.example.:{PORT}/client.json",
    "another spelling": "https://CLIENT.example:{PORT}/oauth/client.json",
    "a way upwards": "https://client.example:{PORT}/oauth/../client.json",
    "a query": "https://client.example:{PORT}/oauth/client.json?to=evil",
    "a fragment": "https://client.example:{PORT}/oauth/client.json#evil",
    "no path": "https://client.example:{PORT}",
    "the port of another service": "https://client.example:25/client.json",
    "letters that look alike": "https://сlient.example:{PORT}/client.json",  # noqa: RUF001
    "a very long one": "https://client.example:{PORT}/" + "x" * 600,
}
"""Ids that are no address of a document. Nothing is connected to."""

INSIDE: Final[dict[str, Sequence[str]]] = {
    "loopback": ("127.0.0.1",),
    "loopback of IPv6": ("::1",),
    "a private network": ("192.168.1.1",),
    "a cloud's metadata": ("169.254.169.254",),
    "a cloud's metadata of IPv6": ("fd00:ec2::254",),
    "a provider's NAT": ("100.64.0.1",),
    "loopback inside IPv6": ("::ffff:127.0.0.1",),
    "loopback inside NAT64": ("64:ff9b::7f00:1",),
    "loopback inside 6to4": ("2002:7f00:1::",),
    "everywhere": ("0.0.0.0",),  # noqa: S104
    "many at once": ("224.0.0.1",),
    "one public address and one inside": ("203.0.113.9", "127.0.0.1"),
    "nothing": (),
}
"""What the name of a client's host leads to."""

BAD_DOCUMENTS: Final[dict[str, Any]] = {
    "another client's": lambda it: document(it.client_id("other.example")),
    "almost this client's": lambda it: document(f"{it.client_id()}/"),
    "with a secret": lambda it: document(it.client_id(), **{"client_" + "secret": "secret"}),
    "of a client that must be checked": lambda it: document(
        it.client_id(), **{AUTH_METHOD: "private_key_jwt"}
    ),
    "with a script to go back to": lambda it: document(
        it.client_id(), redirect_uris=["javascript:alert(1)"]
    ),
    "with an open address to go back to": lambda it: document(
        it.client_id(), redirect_uris=["http://evil.example/callback"]
    ),
    "with no address to go back to": lambda it: document(it.client_id(), redirect_uris=[]),
    "with a thousand of them": lambda it: document(
        it.client_id(), redirect_uris=[f"https://client.example/{n}" for n in range(1000)]
    ),
    "that is a list": lambda it: [document(it.client_id())],
}
"""What lies where a document should."""


async def refused_page(response: httpx.Response) -> str:
    """The text of a page that refuses a client, and opens nothing."""
    assert response.status_code == 400, response.status_code
    assert "location" not in response.headers
    assert "<form" not in response.text
    return response.text


@pytest.mark.parametrize("attack", BAD_IDS)
async def test_an_id_that_is_no_public_document_is_not_followed(
    attack: str, tmp_path: Path
) -> None:
    """Even if every name and every address is as good as public."""
    async with serving_documents() as host:
        documents = host.documents()
        async with signing_in(tmp_path, documents=documents) as hosted, hosted.steps() as steps:
            steps.client_id = BAD_IDS[attack].replace("{PORT}", str(host.port))
            await refused_page(await steps.authorize())
            assert (host.requests, host.server_names) == ([], [])


@pytest.mark.parametrize("attack", INSIDE)
async def test_a_name_that_leads_inside_is_not_followed(attack: str, tmp_path: Path) -> None:
    """Whatever answers there hears nothing."""
    asked: list[str] = []

    async def resolve(host: str) -> Sequence[str]:
        asked.append(host)
        return INSIDE[attack]

    async with serving_documents() as host:
        documents = ClientDocuments(StillClock(), resolve=resolve, tls=host.tls)
        async with signing_in(tmp_path, documents=documents) as hosted, hosted.steps() as steps:
            steps.client_id = host.client_id()
            await refused_page(await steps.authorize())
            assert asked == [HOST]
            assert (host.requests, host.server_names) == ([], [])


async def test_a_name_that_leads_elsewhere_a_moment_later_changes_nothing(tmp_path: Path) -> None:
    """It is asked for once, and what was checked is connected to."""
    answers = [("127.0.0.1",), ("169.254.169.254",)]

    async def resolve(_host: str) -> Sequence[str]:
        return answers.pop(0)

    async with serving_documents() as host:
        documents = ClientDocuments(
            StillClock(), resolve=resolve, is_public=lambda ip: ip == "127.0.0.1", tls=host.tls
        )
        async with signing_in(tmp_path, documents=documents) as hosted, hosted.steps() as steps:
            steps.client_id = host.client_id()
            steps.redirect_uri = "https://client.example/callback"
            assert (await steps.authorize()).status_code == 302
            assert len(host.requests) == len(answers) == 1


@pytest.mark.parametrize("attack", BAD_DOCUMENTS)
async def test_a_document_that_is_not_as_it_must_be_lets_nobody_in(
    attack: str, tmp_path: Path
) -> None:
    """The page quotes none of it."""
    async with serving_documents() as host:
        host.answers[HOST] = json_answer(BAD_DOCUMENTS[attack](host))
        async with (
            signing_in(tmp_path, documents=host.documents()) as hosted,
            hosted.steps() as steps,
        ):
            steps.client_id = host.client_id()
            text = await refused_page(await steps.authorize(redirect_uri=None))
            assert "evil.example" not in text
            assert "javascript:" not in text


async def drip(writer: asyncio.StreamWriter) -> None:
    """Send a document that never ends."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


async def say_nothing(_writer: asyncio.StreamWriter) -> None:
    """Take a request, and never answer."""
    await asyncio.Event().wait()


def redirect(host: DocumentServer) -> bytes:
    """Send the server on to another host."""
    location = f"https://other.example:{host.port}{PATH}"
    return answer_of(b"", status="302 Found", headers={"Location": location})


ODD_ANSWERS: Final[dict[str, Any]] = {
    "too long": lambda it: json_answer(document(it.client_id(), padding="x" * 6_000)),
    "elsewhere": redirect,
    "compressed": lambda _: answer_of(b"\x1f\x8b", headers={"Content-Encoding": "gzip"}),
    "a web page": lambda it: json_answer(
        document(it.client_id()), headers={"Content-Type": "text/html"}
    ),
    "drop by drop": lambda _: drip,
    "silence": lambda _: say_nothing,
}
"""How a host answers that wants more than to describe a client."""


@pytest.mark.parametrize("attack", ODD_ANSWERS)
async def test_a_document_is_neither_long_nor_slow_nor_elsewhere(
    attack: str, tmp_path: Path
) -> None:
    """Clients of other hosts are served meanwhile."""
    async with serving_documents() as host:
        host.answers[HOST] = ODD_ANSWERS[attack](host)
        documents = host.documents(timeout_seconds=0.5)
        async with signing_in(tmp_path, documents=documents) as hosted:
            refused, other = await asyncio.gather(
                opened(hosted, host.client_id()), opened(hosted, host.client_id("third.example"))
            )
            await refused_page(refused)
            assert other.status_code == 302
            assert not [it for it in host.requests if "other.example" in it]


async def opened(hosted: Any, client_id: str) -> httpx.Response:  # noqa: ANN401  any server
    """The answer to a client with a document."""
    async with hosted.steps() as steps:
        steps.client_id = client_id
        steps.redirect_uri = "https://client.example/callback"
        response: httpx.Response = await steps.authorize()
        return response


async def test_one_address_has_no_more_than_thirty_documents_read(tmp_path: Path) -> None:
    """In ten minutes. So this server is no tool against others."""
    async with serving_documents() as host:
        async with (
            signing_in(tmp_path, documents=host.documents()) as hosted,
            hosted.steps() as steps,
        ):
            steps.redirect_uri = "https://client.example/callback"
            statuses = []
            for number in range(31):
                steps.client_id = host.client_id(path=f"/{number}.json")
                statuses.append((await steps.authorize()).status_code)
        assert statuses == [302] * 30 + [429]
        assert len(host.requests) == 30


async def test_an_error_takes_nobody_to_a_page_of_a_stranger_by_itself(tmp_path: Path) -> None:
    """Anybody can be a client, and would have an open redirect. Source: RFC 9700, 4.11.2."""
    async with (
        serving_documents() as host,
        signing_in(tmp_path, documents=host.documents()) as hosted,
        hosted.steps() as steps,
    ):
        steps.client_id = host.client_id()
        steps.redirect_uri = "https://client.example/callback"
        page = await steps.authorize(code_challenge=None)
        text = await refused_page(page)
        assert "http-equiv" not in text
        assert "client.example" in text


def test_the_rule_that_tests_replace_is_the_one_that_is_used() -> None:
    """Without a test's own rule, loopback is not public."""
    assert not is_public("127.0.0.1")
    assert ClientDocuments(StillClock())._is_public is is_public
