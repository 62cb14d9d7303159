"""Each secret is found in all places where it may be, and nowhere else.

Real processes at log level DEBUG with an audit log, and a TRaX with several failure modes. All
output is then searched for the canaries, in every spelling.
"""

from __future__ import annotations

import json
import re
import signal
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.canaries import secrets as secret
from tests.support.canaries.calls import SERVER_WITH_ERRORS, unsolicited_messages
from tests.support.canaries.search import CanarySearch, add_process_titles
from tests.support.http_clients import plain_http
from tests.support.media_folders import make_media_folder
from tests.support.product.commands import run_command
from tests.support.product.local_servers import upstream
from tests.support.repository import repository_files
from tests.support.server_process import running
from tests.world.wire import LEGACY, MODERN, HttpWire, error_code, request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from tests.support.product.sandbox import Sandbox
    from tests.world.wire import Message

_PROGRAM: Final = ("-c", SERVER_WITH_ERRORS)
_HTTP_SECRETS: Final = {
    "token": secret.TOKEN,
    "operator's key": secret.OPERATORS_KEY,
    "other account's key": secret.OTHER_ACCOUNT_KEY,
    "host": secret.HOST,
    "key in a query": secret.QUERY_KEY,
    "key as a request's id": secret.REQUEST_ID_KEY,
    "key in a second header": secret.SECOND_KEY,
    "key in the wrong header": secret.BEARER_KEY,
}
_PAGES: Final = ("*.md", "docs/**/*", "prompts/*", "examples/**/*", "manifest.json", "Dockerfile")
_SNAPSHOTS: Final = (
    "tests/toolsnaps/*",
    "tests/answers/**/*",
    "tests/**/__snapshots__/*",
    "tests/cli/*_states/*",
)


def settings(trax: Sandbox, audit: Path, **more: str) -> dict[str, str]:
    """The environment variables that the operator sets."""
    log = {"TRAX_LOG_LEVEL": "DEBUG", "TRAX_AUDIT_LOG": str(audit)}
    return {**log, "TRAX_BASE_URL": trax.base_url, **more}


async def test_secrets_appear_only_in_allowed_places_over_stdio(tmp_path: Path) -> None:
    """With the operator's key and a media folder. Only the later era hands a question out."""
    audit, folder, key = tmp_path / "audit", make_media_folder(tmp_path), secret.PLAIN_KEY
    async with upstream() as trax:
        search = CanarySearch(trax, MODERN, key)
        search.plant({"used upload URL": secret.UPLOADED_SIGNATURE})
        environment = settings(trax, audit, TRAX_API_KEY=key, TRAX_MEDIA_DIRS=str(folder))
        async with running(settings=environment, program=_PROGRAM) as server:

            async def ask(message: Message) -> str:
                return json.dumps(await server.ask(message), ensure_ascii=False)

            search.post = ask
            await server.write(f"{secret.UNSOLICITED}\n{{{secret.UNSOLICITED}\n")
            await server.tell(*unsolicited_messages(MODERN))
            await search.call_everything()
            add_process_titles(search.seen, server)
            assert await server.hang_up() == 0
        search.add_logs_and_requests(server, audit)
    assert search.differences() == ([], [])


async def test_secrets_appear_only_in_allowed_places_over_http(tmp_path: Path) -> None:
    """With a token, sessions, keys in wrong places, and a caller of another account.

    The log is JSON.
    """
    audit, key = tmp_path / "audit", secret.ODD_KEY
    async with upstream() as trax:
        search = CanarySearch(trax, LEGACY, key)
        search.plant(_HTTP_SECRETS)
        more = {
            "TRAX_MCP_TOKEN": secret.TOKEN,
            "TRAX_API_KEY": secret.OPERATORS_KEY,
            "TRAX_LOG_FORMAT": "json",
        }
        async with (
            running(
                "http", "--port", "0", settings=settings(trax, audit, **more), program=_PROGRAM
            ) as server,
            plain_http(await server.address()) as http,
        ):
            own = await connected(search, http, key)
            other = await connected(search, http, secret.OTHER_ACCOUNT_KEY)

            async def ask(message: Message) -> str:
                answer = await own.post(message)
                search.seen.add("headers", str(answer.headers))
                return answer.text

            search.post = ask
            await search.call_everything()
            search.seen.add("other account", str(await other.call("list_studios")))
            keyless = HttpWire(http, MODERN, authorization=f"Bearer {secret.TOKEN}")
            assert error_code(await keyless.call("list_studios")) == "no_key"
            for odd_request in odd_requests(search.era, own):
                search.seen.add("odd request", (await http.request(**odd_request)).text)
            add_process_titles(search.seen, server)
            assert await server.stop(signal.SIGTERM) == 0
        search.add_logs_and_requests(server, audit)
    assert search.differences() == ([], [])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRAX_BASE_URL", f"https://me:{secret.PASSWORD}@api.example"),
        ("TRAX_API_KEY", f"sk_live_ {secret.PASSWORD}"),
        ("TRAX_MCP_TOKEN", f"sk_live_{secret.PASSWORD}"),
    ],
)
def test_invalid_settings_are_refused_without_repeating_them(name: str, value: str) -> None:
    """The start fails and names the setting; the same for a wrong key or token."""
    ended = run_command(settings={"TRAX_LOG_LEVEL": "DEBUG", name: value})
    assert ended.code == 1
    assert name in ended.err
    assert [it for it in secret.spellings(secret.PASSWORD) if it in ended.err + ended.out] == []


def test_pages_and_snapshots_contain_no_secret() -> None:
    """No key, no signature, and none of the sandbox's stream keys."""
    files = repository_files(*_PAGES, *_SNAPSHOTS)
    pages = {it: it.read_text(encoding="utf-8") for it in files if it.suffix != ".png"}
    assert len(pages) > 20
    keys = {found for text in pages.values() for found in re.findall(r"sk_live_[\w.-]+", text)}
    assert keys == secret.DOCUMENTED_KEYS
    for found in (
        *("sandbox-kick-stream-key", "sandbox-preview-stream-key", "c4n4ry"),
        *("X-Amz-Signature", "(?<!tests)(?<!trax_mcp)/uploads/"),
    ):
        assert [it.name for it, text in pages.items() if re.search(found, text)] == [], found


async def connected(search: CanarySearch, http: httpx.AsyncClient, key: str) -> HttpWire:
    """A caller after its handshake; its session is planted too."""
    caller = HttpWire(http, search.era, x_api_key=key, authorization=f"Bearer {secret.TOKEN}")
    await caller.open()
    if caller.session is not None:
        search.plant({"session": caller.session})
    return caller


def odd_requests(era: str, own: HttpWire) -> Iterator[dict[str, Any]]:
    """Requests with keys and canaries in wrong places, and with invalid messages."""
    message = request(era, "tools/list")
    headers = own.all_headers(message)
    post: dict[str, Any] = {"method": "POST", "url": "/mcp", "json": message, "headers": headers}
    yield post | {"headers": [*headers.items(), ("X-API-Key", secret.SECOND_KEY)]}
    yield post | {"url": f"/mcp?key={secret.QUERY_KEY}"}
    yield post | {"url": f"/{secret.QUERY_KEY}"}
    yield {"method": "POST", "url": "/mcp", "content": secret.UNSOLICITED, "headers": headers}
    for name, value in {
        "authorization": f"Bearer {secret.BEARER_KEY}",
        "x-api-key": secret.OTHER_ACCOUNT_KEY,  # with a session of another key
        "mcp-protocol-version": secret.UNSOLICITED,
        "mcp-session-id": secret.UNSOLICITED,
        "mcp-method": secret.UNSOLICITED,
        "host": f"{secret.HOST}.example",
        "origin": f"https://{secret.HOST}.example",
        "content-type": secret.UNSOLICITED,
        "x-request-id": secret.REQUEST_ID_KEY,
        "traceparent": secret.UNSOLICITED,
    }.items():
        yield post | {"headers": {**headers, name: value}}
    stream = {**headers, "last-event-id": secret.UNSOLICITED, "accept": "text/plain"}
    yield {"method": "GET", "url": "/mcp", "headers": stream}
    for unsolicited in unsolicited_messages(era):
        yield post | {
            "json": unsolicited,
            "headers": {**headers, "mcp-method": unsolicited.get("method", "")},
        }
