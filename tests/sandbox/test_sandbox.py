"""The sandbox's rules that no schema states: keys, ids, lists and bodies.

`test_sandbox_contract` judges each call by the contract. Some tests advance the clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from tests.support.operation_table import TABLE
from tests.support.product.contract import DOCUMENT
from tests.support.product.frozen_sandbox import STUDIO, code, connected, frozen_sandbox
from tests.support.product.manual_clock import ManualClock
from tests.support.product.sandbox import SANDBOX_KEY, SCOPES, RateLimit, Sandbox
from tests.support.product.sandbox_accounts import (
    ANOTHER_ACCOUNT_KEY,
    MODERATOR_KEY,
    READONLY_KEY,
    REVOKED_KEY,
)

if TYPE_CHECKING:
    import httpx

    from tests.support.operation_table import Request

LISTS: Final = (f"{STUDIO}/destinations", f"{STUDIO}/sources", "/v1/studios", "/v1/media")


class Call(NamedTuple):
    """A documented call such as `GET /v1/health`, and a valid request for it."""

    name: str
    request: Request


CALLS: Final = [Call(entry.call, entry.request(entry.examples[0])) for entry in TABLE]


def documented(call: Call) -> dict[str, Any]:
    """The contract's operation of a call."""
    method, path = call.name.split(" ")
    operation: dict[str, Any] = DOCUMENT["paths"][path][method.lower()]
    return operation


async def send(client: httpx.AsyncClient, call: Call) -> httpx.Response:
    """Make one valid call."""
    it = call.request
    return await client.request(it.method, it.path, params=dict(it.query), json=it.body)


def ids(sandbox: Sandbox, kind: str, *, of: str) -> set[str]:
    """The ids of the records of a kind that an owner has."""
    return {it["id"] for it in sandbox.records(kind, of=of)}


KEYED_CALLS: Final = [call for call in CALLS if documented(call).get("security") != []]
CHANGES: Final = [call for call in CALLS if not call.name.startswith("GET")]


# Keys, scopes, limits


async def test_a_missing_scope_is_named_in_the_refusal() -> None:
    """It is the scope in the contract's description; the key has all others."""
    for call in KEYED_CALLS:
        scope = documented(call)["description"].split("Requires scope ")[1].split(".")[0]
        sandbox = frozen_sandbox()
        sandbox.add_key(SANDBOX_KEY, scopes=SCOPES - {scope})
        async with connected(sandbox) as client:
            response = await send(client, call)
        assert code(response) == (403, "insufficient_scope"), call.name
        assert response.json()["error"]["requiredScope"] == scope


@pytest.mark.parametrize(
    ("key", "call", "status"),
    [
        (REVOKED_KEY, ("GET", "/v1/studios"), 401),
        (READONLY_KEY, ("GET", f"{STUDIO}/chat/messages"), 200),
        (READONLY_KEY, ("POST", f"{STUDIO}/go-offline"), 403),
        (MODERATOR_KEY, ("GET", f"{STUDIO}/stream-status"), 200),
        (MODERATOR_KEY, ("GET", "/v1/media"), 403),
        (ANOTHER_ACCOUNT_KEY, ("GET", "/v1/studios/studio_99"), 200),
    ],
)
async def test_each_exported_key_has_the_scopes_of_its_name(
    key: str, call: tuple[str, str], status: int
) -> None:
    """One is revoked, one only reads, one moderates, one belongs to another account."""
    async with connected(frozen_sandbox(), key) as client:
        assert (await client.request(*call)).status_code == status


async def test_disabled_writes_refuse_every_change() -> None:
    """503 `write_disabled`, and nothing changes."""
    for call in CHANGES:
        sandbox = frozen_sandbox()
        sandbox.write_enabled = False
        async with connected(sandbox) as client:
            assert code(await send(client, call)) == (503, "write_disabled"), call.name
            assert (await client.get("/v1/health")).json()["writeEnabled"] is False
            assert (await client.get(STUDIO)).json()["name"] == "Friday Night Show"
        assert not sandbox.is_running()
        assert {"dest_1", "dest_2"} <= ids(sandbox, "destinations", of="studio_42")


async def test_a_rate_limit_says_how_long_to_wait() -> None:
    """429 with Retry-After, for this key only and until that time."""
    sandbox = Sandbox(ManualClock.frozen(), rate_limit=RateLimit(burst=2, per_second=0.5))
    async with connected(sandbox) as client:
        assert [(await client.get("/v1/studios")).status_code for _ in range(2)] == [200, 200]
        refused = await client.get("/v1/studios")
        assert code(refused) == (429, "rate_limited")
        assert refused.headers["Retry-After"] == "2"
        other_key = await client.get("/v1/studios", headers={"X-API-Key": READONLY_KEY})
        assert other_key.status_code == 200
        sandbox.clock.advance(2)
        assert (await client.get("/v1/studios")).status_code == 200


# Envelopes and ids


async def test_every_response_has_a_request_id() -> None:
    """A valid id of the caller is echoed; errors repeat it in the body."""
    async with connected(frozen_sandbox()) as client:
        own = await client.get("/v1/nope", headers={"X-Request-Id": "mine-1"})
        invalid = await client.get("/v1/health", headers={"X-Request-Id": "two words"})
    assert own.headers["X-Request-Id"] == own.json()["error"]["requestId"] == "mine-1"
    assert int(invalid.headers["X-Request-Id"].removeprefix("req_"), 16)


@pytest.mark.parametrize(
    ("method", "path", "refusal"),
    [
        ("GET", "/v1/studios/", (404, "not_found")),
        ("GET", "/v1/studios/studio_42%2Fdestinations", (404, "not_found")),
        ("GET", "/v1/studios/..%2Fstudios", (404, "not_found")),
        ("DELETE", STUDIO, (405, "method_not_allowed")),
        ("PUT", "/uploads/nothing", (403, "upload_forbidden")),
    ],
)
async def test_unknown_path_or_method_gets_the_error_envelope(
    method: str, path: str, refusal: tuple[int, str]
) -> None:
    """No redirect and no HTML; an encoded slash does not lead to another path."""
    async with connected(frozen_sandbox()) as client:
        assert code(await client.request(method, path)) == refusal


FOREIGN: Final = [
    ("GET", "/v1/studios/studio_99"),
    ("GET", "/v1/studios/studio_99/stream-status"),
    ("GET", "/v1/studios/studio_99/chat/messages"),
    ("POST", "/v1/studios/studio_99/go-live"),
    ("DELETE", f"{STUDIO}/destinations/dest_90"),
    ("DELETE", f"{STUDIO}/destinations/dest_4"),
    ("DELETE", f"{STUDIO}/sources/source_90"),
    ("DELETE", "/v1/connections/conn_90"),
    ("DELETE", "/v1/connections/conn_0"),
]


async def test_objects_of_another_account_are_not_found() -> None:
    """404, not 403, and in no list; the same for objects of another studio."""
    sandbox = frozen_sandbox()
    async with connected(sandbox) as client:
        for method, path in FOREIGN:
            assert code(await client.request(method, path)) == (404, "not_found"), path
        for path in ("/v1/studios", "/v1/connections", "/v1/media"):
            listed = [item["id"] for item in (await client.get(path)).json()["data"]]
            assert listed
            assert not [it for it in listed if it.endswith(("_90", "_99"))]
    assert "dest_90" in ids(sandbox, "destinations", of="studio_99")
    assert "conn_90" in ids(sandbox, "connections", of="user_other")
    assert not sandbox.is_running("studio_99")


# Lists


@pytest.mark.parametrize("path", LISTS)
async def test_pages_together_are_the_whole_list_in_order(path: str) -> None:
    """Ids ascend without gaps or duplicates; only the last page has no cursor."""
    async with connected(frozen_sandbox()) as client:
        whole = (await client.get(path)).json()
        cursor, items, pages = "", [], 0
        while True:
            page = (await client.get(path, params={"limit": 1, "cursor": cursor})).json()
            items += page["data"]
            pages += 1
            if "nextCursor" not in page:
                break
            cursor = page["nextCursor"]
    assert items == whole["data"]
    assert "nextCursor" not in whole
    assert pages == len(items)
    assert [item["id"] for item in items] == sorted(item["id"] for item in items)


async def test_page_has_50_items_by_default_and_at_most_200() -> None:
    """Larger limits are reduced, not refused."""
    sandbox = frozen_sandbox()
    async with connected(sandbox) as client:
        for number in range(205):
            sandbox.add_studio(f"Studio {number}")
        for params, size in (({}, 50), ({"limit": "201"}, 200), ({"limit": "99999"}, 200)):
            page = (await client.get("/v1/studios", params=params)).json()
            assert len(page["data"]) == size


# Bodies


async def test_a_destination_has_an_address_or_a_connection_of_its_own_account() -> None:
    """Both together are refused, and a connection of another account is not found."""
    both = {"connectionId": "conn_1", "streamKey": "k"}
    body = {"name": "Side", "platform": "youtube"}
    answers = []
    async with connected(frozen_sandbox()) as client:
        for fields in ({"connectionId": "conn_1"}, both, {"connectionId": "conn_90"}):
            answer = await client.post(f"{STUDIO}/destinations", json={**body, **fields})
            answers.append(answer.status_code)
    assert answers == [201, 400, 404]


async def test_written_fields_are_returned_except_secrets() -> None:
    """On create, update and delete; the stream key is never returned."""
    async with connected(frozen_sandbox()) as client:
        body = {"name": "Side", "platform": "kick", "rtmpUrl": "rtmp://x.example", "streamKey": "s"}
        created = (await client.post(f"{STUDIO}/destinations", json=body)).json()
        path = f"{STUDIO}/destinations/{created['id']}"
        changed = (await client.patch(path, json={"enabled": False, "streamKey": "t"})).json()
        assert changed == {**created, "enabled": False}
        assert created["platform"] == "kick"
        assert not {"streamKey", "rtmpUrl"} & changed.keys()
        await client.delete(path)
        assert code(await client.delete(path)) == (404, "not_found")
