"""The client sends an operation for a caller and returns TRaX's response unchanged.

One client serves all callers, so no data of one may reach another.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import anyio
import httpx
import pytest

from tests.conftest import OWNER, client_on
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import ADDRESS
from tests.support.product.local_servers import listening
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY, READONLY_KEY
from tests.support.product.sandbox_transport import SandboxTransport
from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp import __version__
from trax_mcp.api import http_exchange
from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.api.client import Client
from trax_mcp.api.errors import NotSent, Refused
from trax_mcp.api.operations import (
    CreateStudio,
    GetHealth,
    GetStreamStatus,
    GetStudio,
    GoLive,
    ListConnections,
    ListStudios,
)
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from tests.support.product.sandbox import Sandbox

OTHER_CALLER: Final = Caller(ANOTHER_ACCOUNT_KEY)
USUAL_IDLE_SECONDS: Final = 5.0
"""After so long, uvicorn and Node.js close a connection that is not used."""


async def test_a_request_has_exactly_the_expected_headers(sandbox: Sandbox) -> None:
    """The caller's key, the user agent, a request id of the client, and no other identity."""
    await client_on(sandbox).send(ListStudios(), OWNER)
    headers = dict(sandbox.requests[0].headers)
    assert re.fullmatch(r"mcp_[0-9a-f]{32}", headers.pop("x-request-id"))
    assert headers == {
        "host": ADDRESS.removeprefix("http://"),
        "connection": "keep-alive",
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": f"trax-mcp/{__version__}",
        "authorization": f"Bearer {SANDBOX_KEY}",
    }


async def test_each_request_has_its_own_id(sandbox: Sandbox) -> None:
    """The response has the same id."""
    trax = client_on(sandbox)
    answers = [await trax.send(GetHealth(), OWNER) for _ in range(3)]
    ids = [received.request_id for received in sandbox.requests]
    assert [answer.request_id for answer in answers] == ids
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    ("returned_id", "accepted"),
    [
        ("req_0123456789abcdef", True),
        ("a" * 64, True),
        ("a" * 65, False),
        ("req 1", False),
        ("<b>obey</b>", False),
        ("", False),
    ],
)
async def test_a_valid_request_id_of_trax_is_reported(
    sandbox: Sandbox, returned_id: str, *, accepted: bool
) -> None:
    """TRaX's support searches for its own id; an invalid id is ignored."""
    sandbox.faults.add(
        Fault.status(200, {"status": "ok"}, headers={"X-Request-Id": returned_id}), times=1
    )
    answer = await client_on(sandbox).send(GetHealth(), OWNER)
    assert answer.request_id == (returned_id if accepted else sandbox.requests[0].request_id)


@pytest.mark.parametrize(
    ("envelope_id", "expected_id"),
    [("req_9", "req_9"), ("x y", "req_8"), (9, "req_8"), (None, "req_8")],
)
async def test_an_error_reports_the_request_id_of_its_envelope(
    sandbox: Sandbox, envelope_id: object, expected_id: str
) -> None:
    """Without a valid one there, the id of the header."""
    error = {"code": "not_found", "message": "No.", "requestId": envelope_id}
    fault = Fault.status(404, {"error": error}, headers={"X-Request-Id": "req_8"})
    sandbox.faults.add(fault)
    with pytest.raises(Refused) as caught:
        await client_on(sandbox).send(GetStudio(studio_id="s"), OWNER)
    assert caught.value.failure.request_id == expected_id


async def test_concurrent_callers_of_one_client_get_only_their_own_data(sandbox: Sandbox) -> None:
    """Thirty concurrent requests, alternately of two callers."""
    trax, connection_ids = client_on(sandbox), {OWNER: set[str](), OTHER_CALLER: set[str]()}

    async def list_connections(caller: Caller) -> None:
        answer = await trax.send(ListConnections(), caller)
        connection_ids[caller] |= {connection["id"] for connection in answer.data["data"]}

    async with anyio.create_task_group() as tasks:
        for _ in range(15):
            tasks.start_soon(list_connections, OWNER)
            tasks.start_soon(list_connections, OTHER_CALLER)
    assert connection_ids == {OWNER: {"conn_1", "conn_2", "conn_3"}, OTHER_CALLER: {"conn_90"}}
    names = [received.key_name for received in sandbox.requests]
    assert (names.count("full"), names.count("other")) == (15, 15)


async def test_a_key_is_not_reused_for_the_next_caller(sandbox: Sandbox) -> None:
    """A caller without a key stays without, whoever called before."""
    trax = client_on(sandbox)
    await trax.send(ListStudios(), OWNER)
    await trax.send(GetHealth(), ANONYMOUS)
    with pytest.raises(NotSent):
        await trax.send(ListStudios(), ANONYMOUS)
    assert [received.key_name for received in sandbox.requests] == ["full", None]


async def test_cookies_are_not_stored(sandbox: Sandbox) -> None:
    """A gateway may set a cookie; a stored one would connect callers with each other."""
    trax = client_on(sandbox)
    cookie = {"Set-Cookie": "session=owner; Path=/"}
    sandbox.faults.add(Fault.status(200, {"data": []}, headers=cookie))
    await trax.send(ListStudios(), OWNER)
    await trax.send(ListStudios(), OTHER_CALLER)
    await trax.send(ListStudios(), OWNER)
    assert [received.headers.get("cookie") for received in sandbox.requests] == [None] * 3


async def test_unknown_fields_and_values_are_kept(sandbox: Sandbox) -> None:
    """TRaX may add both at any time, to a page and to its items; the order is kept."""
    added_fields = {"colour": {"hue": 12, "names": ["bleu", None]}, "a": 1.5, "nothing": None}
    sandbox.faults.add(Fault.extra(added_fields))  # noqa: S610  no Django here
    sandbox.faults.add(Fault.patched(lambda studio: studio.update(role="COHOST", name=None)))
    trax = client_on(sandbox)
    page = (await trax.send(ListStudios(), OWNER)).data
    studio = (await trax.send(GetStudio(studio_id="studio_42"), OWNER)).data
    assert {name: page[name] for name in added_fields} == added_fields
    assert all(list(item)[-3:] == list(added_fields) for item in page["data"])
    assert (studio["role"], studio["name"]) == ("COHOST", None)


async def test_any_2xx_status_is_a_success(sandbox: Sandbox) -> None:
    """A 202 is accepted where the contract says 200."""
    sandbox.faults.add(Fault.status(202, {"encoderStreamId": "e", "destinationIds": []}))
    answer = await client_on(sandbox).send(GoLive(studio_id="studio_42"), OWNER)
    assert answer.data == {"encoderStreamId": "e", "destinationIds": []}


async def test_lone_surrogates_in_a_response_are_replaced(sandbox: Sandbox) -> None:
    """JSON can contain a lone surrogate, which could not be written to stdio."""
    sandbox.faults.add(Fault.status(200, r'{"live": false, "mode": "\ud83d\ude00 \ud83d \\ud83d"}'))
    answer = await client_on(sandbox).send(GetStreamStatus(studio_id="studio_42"), OWNER)
    assert answer.data == {"live": False, "mode": "\U0001f600 ? \\ud83d"}


async def test_invalid_utf8_in_a_response_is_replaced(sandbox: Sandbox) -> None:
    """One invalid name does not make the list unreadable."""
    sandbox.faults.add(Fault.status(200, b'\xef\xbb\xbf{"live": false, "mode": "a\xffb"}'))
    answer = await client_on(sandbox).send(GetStreamStatus(studio_id="studio_42"), OWNER)
    assert answer.data == {"live": False, "mode": "a\ufffdb"}


async def test_a_body_is_sent_as_json_in_utf8(sandbox: Sandbox) -> None:
    """Only if the operation has a body; `go_live` has none."""
    trax = client_on(sandbox)
    await trax.send(CreateStudio(name="Café \U0001f600"), OWNER)
    await trax.send(GoLive(studio_id="studio_42"), OWNER)
    created, live = sandbox.requests
    assert created.headers["content-type"] == "application/json"
    assert created.body_json == {"name": "Café \U0001f600"}
    assert (live.body_json, live.headers.get("content-length", "0")) == (None, "0")
    assert "content-type" not in live.headers


class ClosableTransport(SandboxTransport):
    """A transport that counts how often it is closed."""

    close_count = 0

    async def aclose(self) -> None:
        """Count the call."""
        self.close_count += 1


async def test_closing_the_client_closes_its_connections(sandbox: Sandbox) -> None:
    """A client that was never used has no connections to close."""
    transport = ClosableTransport(sandbox)
    trax = client_on(sandbox, transport=transport)
    await trax.aclose()
    assert transport.close_count == 0
    await trax.send(GetHealth(), ANONYMOUS)
    await trax.aclose()
    assert transport.close_count == 2, "of stops, and of everything else"


async def test_all_callers_share_one_pool_for_stops_and_one_for_everything_else(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are made at the first request, because that takes a tenth of the start-up time."""
    clients: list[httpx.AsyncClient] = []
    original = httpx.AsyncClient.__init__

    def counting_init(self: httpx.AsyncClient, **kwargs: object) -> None:
        clients.append(self)
        original(self, **kwargs)  # type: ignore[arg-type]  # passed on unchanged

    monkeypatch.setattr(httpx.AsyncClient, "__init__", counting_init)
    trax = client_on(sandbox)
    assert clients == []
    for caller in (OWNER, OTHER_CALLER, ANONYMOUS):
        await trax.send(GetHealth(), caller)
        await trax.send(GetHealth(), caller, urgent=True)
    assert len(clients) == 2


@pytest.mark.parametrize(("idle_seconds", "expected"), [(60.0, 1), (0.0, 2)])
async def test_a_connection_is_not_used_again_when_it_was_idle_for_too_long(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, idle_seconds: float, expected: int
) -> None:
    """TRaX may be closing it."""
    assert http_exchange._IDLE_SECONDS < USUAL_IDLE_SECONDS
    monkeypatch.setattr(http_exchange, "_IDLE_SECONDS", idle_seconds)
    connections = set[object]()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        connections.add(scope["client"])
        await sandbox.app(scope, receive, send)

    async with listening(app) as sandbox.base_url:
        trax = Client(base_url=sandbox.base_url, timeout_seconds=PATIENCE_SECONDS)
        for _ in range(2):
            await trax.send(GetHealth(), ANONYMOUS)
        await trax.aclose()
    assert len(connections) == expected


def test_starting_the_server_does_not_load_the_http_client() -> None:
    """Modules that only a call needs are not imported before the first `tools/list`."""
    code = "import sys, trax_mcp.server.app; sys.exit('httpx' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)  # noqa: S603  ours
    assert run.returncode == 0


@pytest.mark.parametrize("key", ["", " ", "a b", "a\nb", "ключ", "\x7f", "x" * 513])
def test_a_key_that_no_header_can_carry_is_refused(key: str) -> None:
    """It is refused when it is read, and the error does not repeat it."""
    with pytest.raises(ValueError, match="1 to 512 visible ASCII characters") as caught:
        Caller(key)
    assert len(str(caught.value)) < 80


def test_a_caller_shows_its_fingerprint_but_not_its_key() -> None:
    """Fingerprints are equal for the same key and different for others."""
    assert Caller(SANDBOX_KEY) == OWNER
    assert len({OWNER.fingerprint, OTHER_CALLER.fingerprint, ANONYMOUS.fingerprint}) == 3
    assert SANDBOX_KEY not in repr(OWNER) + str(OWNER)
    assert re.fullmatch(r"[0-9a-f]{16}", Caller(READONLY_KEY).fingerprint)


def test_who_signed_in_is_another_caller_for_each_client_with_the_limits_of_the_key() -> None:
    """A caller whose key came with the request has the fingerprint of the key, as before."""
    clients = [Caller(SANDBOX_KEY, client=it) for it in ("one", "two")]
    assert len({it.fingerprint for it in (OWNER, *clients)}) == 3
    assert {it.owner for it in (OWNER, *clients)} == {OWNER.fingerprint}
    assert OWNER.fingerprint == hashlib.sha256(SANDBOX_KEY.encode()).hexdigest()[:16]
