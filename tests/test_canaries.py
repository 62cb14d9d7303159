"""Each secret is found where it may be, and nowhere else: a tour with canaries in every place.

Real processes, DEBUG, an audit log, TRaX in all its moods; then everything that was written or told
is searched, in whatever form. Both ways: where a canary may be, it is.
"""

from __future__ import annotations

import json
import re
import signal
from typing import TYPE_CHECKING, Any, Final

from tests import ROOT
from tests.canaries import secrets as secret
from tests.canaries.hunt import Hunt, look_at
from tests.canaries.tour import WITH_EXPLOSIONS, strays
from tests.folders import furnish
from tests.front import error_code, plain_http
from tests.jsonrpc import LEGACY, MODERN, HttpCaller, opening, request
from tests.ports import upstream
from tests.processes import running
from trax_mcp.sandbox import seed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from tests.jsonrpc import Message
    from trax_mcp.sandbox import Sandbox

_PROGRAM: Final = ("-c", WITH_EXPLOSIONS)
_ON_HTTP: Final = {
    "token": secret.TOKEN,
    "operator's key": secret.OPERATORS_KEY,
    "neighbour's key": secret.NEIGHBOURS_KEY,
    "host": secret.HOST,
    "key in a query": secret.QUERY_KEY,
    "key in a second header": secret.SECOND_KEY,
    "key in the wrong header": secret.BEARER_KEY,
}
_PAGES: Final = ("*.md", "docs/**/*", "prompts/*", "examples/**/*", "manifest.json", "Dockerfile")
_SNAPSHOTS: Final = ("tests/toolsnaps/*", "tests/doctor_states/*")


def settings(trax: Sandbox, audit: Path, **more: str) -> dict[str, str]:
    """What the operator sets."""
    return {
        "TRAX_LOG_LEVEL": "DEBUG",
        "TRAX_BASE_URL": trax.base_url,
        "TRAX_AUDIT_LOG": str(audit),
        **more,
    }


async def test_on_stdio_each_secret_stays_where_it_may_be(era: str, tmp_path: Path) -> None:
    """The operator's own key, and files of this computer."""
    audit, folder = tmp_path / "audit", furnish(tmp_path)
    key = secret.ODD_KEY if era == LEGACY else secret.PLAIN_KEY
    async with upstream() as trax:
        hunt = Hunt(trax, era, key)
        hunt.plant({"address of an upload": secret.UPLOADED})
        chosen = settings(trax, audit, TRAX_API_KEY=key, TRAX_MEDIA_DIRS=str(folder))
        async with running(settings=chosen, program=_PROGRAM) as server:

            async def ask(message: Message) -> str:
                return json.dumps(await server.ask(message), ensure_ascii=False)

            hunt.ask = ask
            await server.tell(*opening(era))
            await server.write(f"{secret.STRAY}\n{{{secret.STRAY}\n")
            await server.tell(*strays(era))
            await hunt.tour()
            look_at(hunt.seen, server)
            assert await server.hang_up() == 0
        hunt.search(server, audit)
    assert hunt.verdict() == ([], [])


async def test_on_http_each_secret_stays_where_it_may_be(era: str, tmp_path: Path) -> None:
    """A token, sessions, keys in the wrong places, and somebody else who asks meanwhile."""
    audit = tmp_path / "audit"
    key = secret.PLAIN_KEY if era == LEGACY else secret.ODD_KEY
    async with upstream() as trax:
        hunt = Hunt(trax, era, key)
        hunt.plant(_ON_HTTP)
        more = {"TRAX_MCP_TOKEN": secret.TOKEN, "TRAX_API_KEY": secret.OPERATORS_KEY}
        async with (
            running(
                "http", "--port", "0", settings=settings(trax, audit, **more), program=_PROGRAM
            ) as server,
            plain_http(await server.address()) as http,
        ):
            own = await entered(hunt, http, key)
            neighbour = await entered(hunt, http, secret.NEIGHBOURS_KEY)

            async def ask(message: Message) -> str:
                answer = await own.post(message)
                hunt.seen.add("headers", str(answer.headers))
                return answer.text

            hunt.ask = ask
            await hunt.tour()
            await be_a_neighbour(hunt, neighbour)
            nobody = HttpCaller(http, MODERN, authorization=f"Bearer {secret.TOKEN}")
            assert error_code(await nobody.call("list_studios")) == "no_key"
            for asked in knocks(hunt.era, own):
                hunt.seen.add("knocking", (await http.request(**asked)).text)
            look_at(hunt.seen, server)
            assert await server.stop(signal.SIGTERM) == 0
        hunt.search(server, audit)
    assert hunt.verdict() == ([], [])


async def test_an_address_with_a_password_is_refused_without_a_word_of_it() -> None:
    """The start stops, naming the setting; so it does where a key or a token is wrong."""
    for wrong in (
        {"TRAX_BASE_URL": f"https://me:{secret.PASSWORD}@api.example"},
        {"TRAX_BASE_URL": f"https://api.example/?key={secret.PASSWORD}"},
        {"TRAX_API_KEY": f"sk_live_ {secret.PASSWORD}"},
        {"TRAX_MCP_TOKEN": f"sk_live_{secret.PASSWORD}"},
        {"TRAX_API_KEYS": secret.PASSWORD},
    ):
        async with running(settings={"TRAX_LOG_LEVEL": "DEBUG", **wrong}) as process:
            assert await process.end() == 1
        (name,) = wrong
        assert name in process.stderr.text
        assert [it for it in secret.forms(secret.PASSWORD) if it in process.stderr.text] == []


def test_no_page_or_snapshot_holds_a_secret() -> None:
    """Nothing that looks like a key or a signature, and none of the sandbox's stream keys."""
    pages = {it: it.read_text() for it in files(*_PAGES, *_SNAPSHOTS)}
    assert len(pages) > 20
    keys = {found for text in pages.values() for found in re.findall(r"sk_live_[\w.-]+", text)}
    assert keys == secret.SHOWN_KEYS
    streams = [it.stream_key for it in seed.DESTINATIONS if it.stream_key]
    assert len(streams) == 2
    for marked in (*streams, "X-Amz-Signature", "/uploads/", "c4n4ry"):
        assert [it.name for it, text in pages.items() if marked in text] == [], marked


def files(*patterns: str) -> Iterator[Path]:
    """The files of the repository that these name."""
    yield from (it for pattern in patterns for it in ROOT.glob(pattern) if it.is_file())


async def entered(hunt: Hunt, http: httpx.AsyncClient, key: str) -> HttpCaller:
    """A caller after its handshake; its session is a secret too."""
    caller = HttpCaller(http, hunt.era, x_api_key=key, authorization=f"Bearer {secret.TOKEN}")
    await caller.open()
    if caller.session is not None:
        hunt.plant({"session": caller.session})
    return caller


async def be_a_neighbour(hunt: Hunt, neighbour: HttpCaller) -> None:
    """Ask for one's own things, and for what another might have left behind."""
    for tool in ("list_studios", "list_connections", "list_media"):
        hunt.seen.add("neighbour", str(await neighbour.call(tool)))
    for studio in ("studio_99", "studio_42"):
        for tool in ("get_studio", "list_chat_messages", "check_readiness"):
            hunt.seen.add("neighbour", str(await neighbour.call(tool, studioId=studio)))


def knocks(era: str, own: HttpCaller) -> Iterator[dict[str, Any]]:
    """Requests with keys and canaries where none should be, and with what is no message."""
    message = request(era, "tools/list")
    known = own.all_headers(message)
    post: dict[str, Any] = {"method": "POST", "url": "/mcp", "json": message, "headers": known}
    yield post | {"headers": [*known.items(), ("X-API-Key", secret.SECOND_KEY)]}
    yield post | {"url": f"/mcp?key={secret.QUERY_KEY}"}
    yield post | {"url": f"/{secret.QUERY_KEY}"}
    yield {"method": "POST", "url": "/mcp", "content": secret.STRAY, "headers": known}
    for name, value in {
        "authorization": f"Bearer {secret.BEARER_KEY}",
        "x-api-key": secret.NEIGHBOURS_KEY,  # with a session that is not theirs
        "mcp-protocol-version": secret.STRAY,
        "mcp-session-id": secret.STRAY,
        "mcp-method": secret.STRAY,
        "host": f"{secret.HOST}.example",
        "origin": f"https://{secret.HOST}.example",
        "content-type": secret.STRAY,
    }.items():
        yield post | {"headers": {**known, name: value}}
    stream = {**known, "last-event-id": secret.STRAY, "accept": "text/plain"}
    yield {"method": "GET", "url": "/mcp", "headers": stream}
    for stray in strays(era):
        yield post | {"json": stray, "headers": {**known, "mcp-method": stray.get("method", "")}}
