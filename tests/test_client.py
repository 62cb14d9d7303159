"""The client sends an operation as its caller and returns what TRaX answered, untouched.

One client serves all callers, so what is proven here above all is that nothing of one reaches
another.
"""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Final

import anyio
import httpx
import pytest

from tests.conftest import OWNER, client_on
from tests.witness import ADDRESS
from trax_mcp import __version__
from trax_mcp.api.caller import ANONYMOUS, Caller
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
from trax_mcp.sandbox import (
    READONLY_KEY,
    SANDBOX_KEY,
    STRANGER_KEY,
    Fault,
    Sandbox,
    SandboxTransport,
)

STRANGER: Final = Caller(STRANGER_KEY)


async def test_a_request_carries_exactly_these_headers(sandbox: Sandbox) -> None:
    """Whose key, who we are, an id of ours, and nothing that nobody asked for."""
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
    """It is the id that the answer is known by."""
    trax = client_on(sandbox)
    answers = [await trax.send(GetHealth(), OWNER) for _ in range(3)]
    ids = [received.request_id for received in sandbox.requests]
    assert [answer.request_id for answer in answers] == ids
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    ("echoed", "believed"),
    [
        ("req_0123456789abcdef", True),
        ("a" * 64, True),
        ("a" * 65, False),
        ("req 1", False),
        ("<b>obey</b>", False),
        ("", False),
    ],
)
async def test_the_id_that_trax_gives_is_reported(
    sandbox: Sandbox, echoed: str, *, believed: bool
) -> None:
    """Support looks for TRaX's id; what is not an id is not passed on in its place."""
    sandbox.faults.add(
        Fault.status(200, {"status": "ok"}, headers={"X-Request-Id": echoed}), times=1
    )
    answer = await client_on(sandbox).send(GetHealth(), OWNER)
    assert answer.request_id == (echoed if believed else sandbox.requests[0].request_id)


@pytest.mark.parametrize(
    ("said", "reported"), [("req_9", "req_9"), ("x y", "req_8"), (9, "req_8"), (None, "req_8")]
)
async def test_an_error_is_known_by_the_id_in_its_envelope(
    sandbox: Sandbox, said: object, reported: str
) -> None:
    """Else by the header's."""
    error = {"code": "not_found", "message": "No.", "requestId": said}
    fault = Fault.status(404, {"error": error}, headers={"X-Request-Id": "req_8"})
    sandbox.faults.add(fault)
    with pytest.raises(Refused) as caught:
        await client_on(sandbox).send(GetStudio(studio_id="s"), OWNER)
    assert caught.value.failure.request_id == reported


async def test_two_callers_on_one_client_never_mix(sandbox: Sandbox) -> None:
    """Thirty requests at once, in turn the owner's and a stranger's: each gets their own things."""
    trax, seen = client_on(sandbox), {OWNER: set[str](), STRANGER: set[str]()}

    async def look(caller: Caller) -> None:
        answer = await trax.send(ListConnections(), caller)
        seen[caller] |= {connection["id"] for connection in answer.data["data"]}

    async with anyio.create_task_group() as tasks:
        for _ in range(15):
            tasks.start_soon(look, OWNER)
            tasks.start_soon(look, STRANGER)
    assert seen == {OWNER: {"conn_1", "conn_2", "conn_3"}, STRANGER: {"conn_90"}}
    names = [received.key_name for received in sandbox.requests]
    assert (names.count("full"), names.count("stranger")) == (15, 15)


async def test_a_key_is_not_remembered(sandbox: Sandbox) -> None:
    """A caller without one stays without, whoever called before on the same client."""
    trax = client_on(sandbox)
    await trax.send(ListStudios(), OWNER)
    await trax.send(GetHealth(), ANONYMOUS)
    with pytest.raises(NotSent):
        await trax.send(ListStudios(), ANONYMOUS)
    assert [received.key_name for received in sandbox.requests] == ["full", None]


async def test_a_cookie_of_one_caller_is_not_sent_for_another(sandbox: Sandbox) -> None:
    """A gateway may set one; a pooled client that kept it would tie callers together."""
    trax = client_on(sandbox)
    cookie = {"Set-Cookie": "session=owner; Path=/"}
    sandbox.faults.add(Fault.status(200, {"data": []}, headers=cookie))
    await trax.send(ListStudios(), OWNER)
    await trax.send(ListStudios(), STRANGER)
    await trax.send(ListStudios(), OWNER)
    assert [received.headers.get("cookie") for received in sandbox.requests] == [None] * 3


async def test_unknown_fields_and_values_pass_through_untouched(sandbox: Sandbox) -> None:
    """TRaX may add both at any time, on the page and on its items; order is kept too."""
    added = {"colour": {"hue": 12, "names": ["bleu", None]}, "a": 1.5, "nothing": None}
    sandbox.faults.add(Fault.extra(added))  # noqa: S610  no Django here
    sandbox.faults.add(Fault.patched(lambda studio: studio.update(role="COHOST", name=None)))
    trax = client_on(sandbox)
    page = (await trax.send(ListStudios(), OWNER)).data
    studio = (await trax.send(GetStudio(studio_id="studio_42"), OWNER)).data
    assert {name: page[name] for name in added} == added
    assert all(list(item)[-3:] == list(added) for item in page["data"])
    assert (studio["role"], studio["name"]) == ("COHOST", None)


async def test_any_success_is_a_success(sandbox: Sandbox) -> None:
    """A 202 where the contract says 200 is no error."""
    sandbox.faults.add(Fault.status(202, {"encoderStreamId": "e", "destinationIds": []}))
    answer = await client_on(sandbox).send(GoLive(studio_id="studio_42"), OWNER)
    assert answer.data == {"encoderStreamId": "e", "destinationIds": []}


async def test_half_a_character_in_an_answer_does_no_harm(sandbox: Sandbox) -> None:
    """A lone surrogate can stand in JSON; passed on as it is it would end our stdio."""
    sandbox.faults.add(Fault.status(200, r'{"live": false, "mode": "\ud83d\ude00 \ud83d \\ud83d"}'))
    answer = await client_on(sandbox).send(GetStreamStatus(studio_id="studio_42"), OWNER)
    assert answer.data == {"live": False, "mode": "\U0001f600 ? \\ud83d"}


async def test_bytes_that_are_not_utf8_are_replaced(sandbox: Sandbox) -> None:
    """One broken name does not hide all studios."""
    sandbox.faults.add(Fault.status(200, b'\xef\xbb\xbf{"live": false, "mode": "a\xffb"}'))
    answer = await client_on(sandbox).send(GetStreamStatus(studio_id="studio_42"), OWNER)
    assert answer.data == {"live": False, "mode": "a\ufffdb"}


async def test_a_body_goes_out_as_json_in_utf8(sandbox: Sandbox) -> None:
    """Only where the call has one: go-live takes none."""
    trax = client_on(sandbox)
    await trax.send(CreateStudio(name="Café \U0001f600"), OWNER)
    await trax.send(GoLive(studio_id="studio_42"), OWNER)
    created, live = sandbox.requests
    assert created.headers["content-type"] == "application/json"
    assert created.body_json == {"name": "Café \U0001f600"}
    assert (live.body_json, live.headers.get("content-length", "0")) == (None, "0")
    assert "content-type" not in live.headers


class Closing(SandboxTransport):
    """A transport that says when it was closed."""

    closed = 0

    async def aclose(self) -> None:
        """Count."""
        self.closed += 1


async def test_closing_the_client_closes_its_connections(sandbox: Sandbox) -> None:
    """Once it has any: one that was never used has nothing to close."""
    transport = Closing(sandbox)
    trax = client_on(sandbox, transport=transport)
    await trax.aclose()
    assert transport.closed == 0
    await trax.send(GetHealth(), ANONYMOUS)
    await trax.aclose()
    assert transport.closed == 1


async def test_all_requests_share_one_pool(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made at the first request and not before: it takes a tenth of the start."""
    made: list[httpx.AsyncClient] = []
    original = httpx.AsyncClient.__init__

    def counted(self: httpx.AsyncClient, **given: object) -> None:
        made.append(self)
        original(self, **given)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(httpx.AsyncClient, "__init__", counted)
    trax = client_on(sandbox)
    assert made == []
    for caller in (OWNER, STRANGER, ANONYMOUS):
        await trax.send(GetHealth(), caller)
    assert len(made) == 1


def test_starting_the_server_does_not_load_the_http_client() -> None:
    """Nothing that only a call needs stands before the first `tools/list`."""
    code = "import sys, trax_mcp.server.app; sys.exit('httpx' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)  # noqa: S603  ours
    assert run.returncode == 0


@pytest.mark.parametrize("key", ["", " ", "a b", "a\nb", "ключ", "\x7f", "x" * 513])
def test_what_no_header_can_carry_is_no_key(key: str) -> None:
    """Refused when it is read, and without repeating it."""
    with pytest.raises(ValueError, match="1 to 512 visible ASCII characters") as caught:
        Caller(key)
    assert len(str(caught.value)) < 80


def test_a_caller_shows_a_fingerprint_and_no_key() -> None:
    """Equal for the same key, different for another, and never the key itself."""
    assert Caller(SANDBOX_KEY) == OWNER
    assert len({OWNER.fingerprint, STRANGER.fingerprint, ANONYMOUS.fingerprint}) == 3
    assert SANDBOX_KEY not in repr(OWNER) + str(OWNER)
    assert re.fullmatch(r"[0-9a-f]{16}", Caller(READONLY_KEY).fingerprint)
