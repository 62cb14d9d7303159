"""The sandbox follows TRaX's documented rules and contract, checked over plain httpx."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from tests.support.operation_table import EXAMPLES, TABLE
from tests.support.product.contract import DOCUMENT
from tests.support.product.frozen_sandbox import STUDIO, code, connected, still
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


class Call(NamedTuple):
    """A documented call such as `GET /v1/health`, and a valid request for it."""

    name: str
    request: Request


EXAMPLE_CALLS: Final = [Call(entry.call, entry.request(example)) for entry, example in EXAMPLES]
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


def closed_schema(reference: str) -> dict[str, Any]:
    """A schema of the contract that forbids undocumented fields at every level."""
    components = {
        name: {**schema, "additionalProperties": "properties" not in schema}
        for name, schema in DOCUMENT["components"]["schemas"].items()
    }
    return {"$ref": reference, "components": {"schemas": components}}


def ids(sandbox: Sandbox, kind: str, *, of: str) -> set[str]:
    """The ids of the records of a kind that an owner has."""
    return {it["id"] for it in sandbox.records(kind, of=of)}


KEYED_CALLS: Final = [call for call in CALLS if documented(call).get("security") != []]
CHANGES: Final = [call for call in CALLS if not call.name.startswith("GET")]


# The contract


async def test_every_call_responds_as_the_contract_documents() -> None:
    """Status and body match, without undocumented fields."""
    for call in EXAMPLE_CALLS:
        async with connected(still()) as client:
            response = await send(client, call)
        answer = documented(call)["responses"][str(response.status_code)]
        schema = answer["content"]["application/json"]["schema"]
        if "$ref" in schema:
            schema = closed_schema(schema["$ref"])
        Draft202012Validator(schema).validate(response.json())


async def test_a_live_studio_responds_as_the_contract_documents() -> None:
    """Including the optional fields of stream status and chat messages."""
    sandbox = still()
    async with connected(sandbox) as client:
        await client.post(f"{STUDIO}/go-live")
        sandbox.clock.advance(60)
        status = await client.get(f"{STUDIO}/stream-status")
        chat = await client.get(f"{STUDIO}/chat/messages")
    reference = "#/components/schemas/"
    Draft202012Validator(closed_schema(f"{reference}StreamStatus")).validate(status.json())
    Draft202012Validator(closed_schema(f"{reference}ChatMessageList")).validate(chat.json())


async def test_the_sandbox_serves_the_contract_without_a_key() -> None:
    """It is the same document."""
    async with connected(still(), None) as client:
        assert (await client.get("/v1/openapi.json")).json() == DOCUMENT


# Keys, scopes, limits


@pytest.mark.parametrize("key", [None, "sk_live_unknown", REVOKED_KEY])
async def test_missing_unknown_and_revoked_keys_get_the_same_refusal(key: str | None) -> None:
    """401 `invalid_key`, without further details."""
    async with connected(still(), key) as client:
        for call in KEYED_CALLS:
            response = await send(client, call)
            assert code(response) == (401, "invalid_key"), call.name
            assert set(response.json()["error"]) == {"code", "message", "requestId"}


async def test_a_missing_scope_is_named_in_the_refusal() -> None:
    """It is the scope in the contract's description; the key has all others."""
    for call in KEYED_CALLS:
        scope = documented(call)["description"].split("Requires scope ")[1].split(".")[0]
        sandbox = still()
        sandbox.add_key(SANDBOX_KEY, scopes=SCOPES - {scope})
        async with connected(sandbox) as client:
            response = await send(client, call)
        assert code(response) == (403, "insufficient_scope"), call.name
        assert response.json()["error"]["requiredScope"] == scope


@pytest.mark.parametrize(
    ("key", "call", "status"),
    [
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
    """One reads only, one moderates the chat, one belongs to another account."""
    async with connected(still(), key) as client:
        assert (await client.request(*call)).status_code == status


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {SANDBOX_KEY}"},
        {"Authorization": f"bearer {SANDBOX_KEY}"},
        {"X-API-Key": SANDBOX_KEY},
    ],
)
async def test_a_key_is_accepted_in_either_header(headers: dict[str, str]) -> None:
    """As a bearer token or as X-API-Key."""
    async with connected(still(), None) as client:
        assert (await client.get("/v1/studios", headers=headers)).status_code == 200


async def test_disabled_writes_refuse_every_change() -> None:
    """503 `write_disabled`, and nothing changes."""
    for call in CHANGES:
        sandbox = still()
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
    async with connected(still()) as client:
        own = await client.get("/v1/nope", headers={"X-Request-Id": "mine-1"})
        generated = await client.get("/v1/health")
        invalid = await client.get("/v1/health", headers={"X-Request-Id": "two words"})
    assert own.headers["X-Request-Id"] == own.json()["error"]["requestId"] == "mine-1"
    assert generated.headers["X-Request-Id"].startswith("req_")
    assert int(generated.headers["X-Request-Id"].removeprefix("req_"), 16)
    assert invalid.headers["X-Request-Id"].startswith("req_")


@pytest.mark.parametrize(
    ("method", "path", "refusal"),
    [
        ("GET", "/", (404, "not_found")),
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
    async with connected(still()) as client:
        assert code(await client.request(method, path)) == refusal


FOREIGN: Final = [
    ("GET", "/v1/studios/studio_99"),
    ("GET", "/v1/studios/studio_99/destinations"),
    ("GET", "/v1/studios/studio_99/sources"),
    ("GET", "/v1/studios/studio_99/stream-status"),
    ("GET", "/v1/studios/studio_99/chat/messages"),
    ("POST", "/v1/studios/studio_99/go-live"),
    ("POST", "/v1/studios/studio_99/go-offline"),
    ("DELETE", "/v1/studios/studio_99/destinations/dest_90"),
    ("DELETE", f"{STUDIO}/destinations/dest_90"),
    ("DELETE", f"{STUDIO}/destinations/dest_4"),
    ("DELETE", f"{STUDIO}/sources/source_90"),
    ("DELETE", "/v1/connections/conn_90"),
    ("DELETE", "/v1/connections/conn_0"),
]


async def test_objects_of_another_account_are_not_found() -> None:
    """404, not 403; the same for objects of another studio."""
    sandbox = still()
    async with connected(sandbox) as client:
        for method, path in FOREIGN:
            assert code(await client.request(method, path)) == (404, "not_found"), path
    assert "dest_90" in ids(sandbox, "destinations", of="studio_99")
    assert "conn_90" in ids(sandbox, "connections", of="user_other")
    assert not sandbox.is_running("studio_99")


async def test_lists_contain_no_objects_of_another_account() -> None:
    """Neither studios nor connections nor assets."""
    async with connected(still()) as client:
        for path in ("/v1/studios", "/v1/connections", "/v1/media"):
            ids = [item["id"] for item in (await client.get(path)).json()["data"]]
            assert ids
            assert not [it for it in ids if it.endswith(("_90", "_99"))]
