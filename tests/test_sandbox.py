"""The sandbox keeps every rule that TRaX documents, and answers nothing that the contract does not.

What is proven here is the witness that all other tests lean on, so it is asked over plain httpx.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

import trax_mcp.sandbox
from tests.witness import STUDIO, code, connected, still
from trax_mcp.sandbox import (
    MODERATOR_KEY,
    READONLY_KEY,
    REVOKED_KEY,
    SANDBOX_KEY,
    STRANGER_KEY,
    Clock,
    RateLimit,
    Sandbox,
)
from trax_mcp.sandbox.app import judged
from trax_mcp.sandbox.handlers import HANDLERS

if TYPE_CHECKING:
    import httpx

DOCUMENT: Final = json.loads(
    resources.files("trax_mcp").joinpath("api/openapi.json").read_text(encoding="utf-8")
)
CALLS: Final = [
    (method.upper(), path, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
]
IDS: Final = {
    "{id}": "studio_42",
    "{destId}": "dest_1",
    "{sourceId}": "source_1",
    "{connectionId}": "conn_1",
}
BODIES: Final[dict[str, dict[str, Any]]] = {
    "CreateStudioRequest": {"name": "New Show"},
    "UpdateStudioRequest": {"name": "Renamed", "autoGoLive": True},
    "CreateDestinationRequest": {"name": "Side stage", "platform": "kick", "streamKey": "shh"},
    "UpdateDestinationRequest": {"enabled": False, "streamKey": "shh"},
    "CreateSourceRequest": {"name": "Second camera", "type": "webcam"},
    "UpdateSourceRequest": {"active": False},
    "SendChatMessageRequest": {"text": "Hello", "platforms": ["twitch"]},
    "CreateMediaUploadRequest": {
        "filename": "clip.mp4",
        "contentType": "video/mp4",
        "byteSize": 4,
    },
}


def body_of(operation: dict[str, Any]) -> dict[str, Any] | None:
    """A good body for a documented call, if it takes one."""
    if "requestBody" not in operation:
        return None
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    return BODIES[reference.rpartition("/")[2]]


def filled(path: str) -> str:
    """A documented path with the ids of seeded things."""
    for name, value in IDS.items():
        path = path.replace(name, value)
    return path


async def ask(client: httpx.AsyncClient, call: tuple[str, str, Any]) -> httpx.Response:
    """Make one documented call as it should be made."""
    method, path, operation = call
    return await client.request(method, filled(path), json=body_of(operation))


def closed_schema(reference: str) -> dict[str, Any]:
    """A schema of the contract, with undocumented fields forbidden at every level."""
    components = {
        name: {**schema, "additionalProperties": "properties" not in schema}
        for name, schema in DOCUMENT["components"]["schemas"].items()
    }
    return {"$ref": reference, "components": {"schemas": components}}


def named(call: tuple[str, str, Any]) -> str:
    """A readable test id."""
    return f"{call[0]} {call[1]}"


every_call = pytest.mark.parametrize("call", CALLS, ids=named)
every_keyed_call = pytest.mark.parametrize(
    "call", [call for call in CALLS if call[2].get("security") != []], ids=named
)
every_mutation = pytest.mark.parametrize(
    "call", [call for call in CALLS if call[0] != "GET"], ids=named
)


# The contract


@every_call
async def test_every_documented_call_answers_what_the_contract_says(
    call: tuple[str, str, Any],
) -> None:
    """Status and body follow the document, without a single undocumented field."""
    async with connected(still()) as client:
        response = await ask(client, call)
    documented = call[2]["responses"][str(response.status_code)]
    schema = documented["content"]["application/json"]["schema"]
    if "$ref" in schema:
        schema = closed_schema(schema["$ref"])
    Draft202012Validator(schema).validate(response.json())


async def test_a_live_studio_answers_what_the_contract_says() -> None:
    """The optional fields of a stream status and of chat messages are documented ones too."""
    sandbox = still()
    async with connected(sandbox) as client:
        await client.post(f"{STUDIO}/go-live")
        sandbox.clock.advance(60)
        status = await client.get(f"{STUDIO}/stream-status")
        chat = await client.get(f"{STUDIO}/chat/messages")
    reference = "#/components/schemas/"
    Draft202012Validator(closed_schema(f"{reference}StreamStatus")).validate(status.json())
    Draft202012Validator(closed_schema(f"{reference}ChatMessageList")).validate(chat.json())


async def test_it_serves_the_contract_document() -> None:
    """The document is public and exactly the one it was built from."""
    async with connected(still(), None) as client:
        assert (await client.get("/v1/openapi.json")).json() == DOCUMENT


def test_it_does_not_start_when_handlers_and_contract_disagree() -> None:
    """A documented call without a handler, or a handler without a call, stops the start."""
    missing = {where: handler for where, handler in HANDLERS.items() if "media" not in where[1]}
    stray = {**HANDLERS, ("GET", "/v1/invented"): HANDLERS["GET", "/v1/health"]}
    with pytest.raises(RuntimeError, match="/v1/media"):
        judged(missing)
    with pytest.raises(RuntimeError, match="/v1/invented"):
        judged(stray)


def test_it_knows_nothing_of_ours_but_the_contract() -> None:
    """No module of the sandbox imports from any other room."""
    for module in Path(trax_mcp.sandbox.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            ours = [name for name in names if name.startswith("trax_mcp")]
            assert all(name.startswith("trax_mcp.sandbox") for name in ours), module.name


def test_importing_it_loads_no_other_room() -> None:
    """Not even indirectly does the witness meet what it witnesses."""
    script = (
        "import sys, trax_mcp.sandbox;"
        "print([m for m in sys.modules if m.startswith(('trax_mcp.', 'mcp', 'uvicorn'))"
        " and not m.startswith('trax_mcp.sandbox')])"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter, our own words
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=20
    )
    assert done.stdout.strip() == "[]"


# Keys, scopes, gates


@every_keyed_call
@pytest.mark.parametrize("key", [None, "sk_live_unknown", REVOKED_KEY])
async def test_no_key_an_unknown_one_and_a_revoked_one_are_one_refusal(
    call: tuple[str, str, Any], key: str | None
) -> None:
    """401 `invalid_key` for all of them, and nothing is told about which it was."""
    async with connected(still(), key) as client:
        response = await ask(client, call)
    assert code(response) == (401, "invalid_key")
    assert set(response.json()["error"]) == {"code", "message", "requestId"}


@every_keyed_call
async def test_a_key_without_the_scope_is_told_which_one_it_lacks(
    call: tuple[str, str, Any],
) -> None:
    """403 names the scope of the contract's description, however many others the key has."""
    scope = call[2]["description"].split("Requires scope ")[1].split(".")[0]
    sandbox = still()
    key = sandbox.world.keys[SANDBOX_KEY]
    sandbox.world.keys[SANDBOX_KEY] = replace(key, scopes=key.scopes - {scope})
    async with connected(sandbox) as client:
        response = await ask(client, call)
    assert code(response) == (403, "insufficient_scope")
    assert response.json()["error"]["requiredScope"] == scope


@pytest.mark.parametrize(
    ("key", "call", "status"),
    [
        (READONLY_KEY, ("GET", f"{STUDIO}/chat/messages"), 200),
        (READONLY_KEY, ("POST", f"{STUDIO}/go-offline"), 403),
        (MODERATOR_KEY, ("GET", f"{STUDIO}/stream-status"), 200),
        (MODERATOR_KEY, ("GET", "/v1/media"), 403),
        (STRANGER_KEY, ("GET", "/v1/studios/studio_99"), 200),
    ],
)
async def test_each_exported_key_can_do_what_its_name_says(
    key: str, call: tuple[str, str], status: int
) -> None:
    """Read-only reads, a moderator minds the chat, a stranger has a world of their own."""
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
async def test_a_key_may_come_in_either_header(headers: dict[str, str]) -> None:
    """Bearer and X-API-Key are the same thing."""
    async with connected(still(), None) as client:
        assert (await client.get("/v1/studios", headers=headers)).status_code == 200


@every_mutation
async def test_the_write_gate_stops_every_mutation(call: tuple[str, str, Any]) -> None:
    """503 `write_disabled`, and the world is as it was."""
    sandbox = still()
    sandbox.write_enabled = False
    async with connected(sandbox) as client:
        assert code(await ask(client, call)) == (503, "write_disabled")
        assert (await client.get("/v1/health")).json()["writeEnabled"] is False
        assert (await client.get(STUDIO)).json()["name"] == "Friday Night Show"
    assert not sandbox.world.streams
    assert {"dest_1", "dest_2"} <= set(sandbox.world.destinations)


async def test_an_empty_bucket_says_how_long_to_wait() -> None:
    """429 with Retry-After; after that time the same key is served, and others always were."""
    sandbox = Sandbox(Clock.frozen(), rate_limit=RateLimit(burst=2, per_second=0.5))
    async with connected(sandbox) as client:
        assert [(await client.get("/v1/studios")).status_code for _ in range(2)] == [200, 200]
        refused = await client.get("/v1/studios")
        assert code(refused) == (429, "rate_limited")
        assert refused.headers["Retry-After"] == "2"
        other = await client.get("/v1/studios", headers={"X-API-Key": READONLY_KEY})
        assert other.status_code == 200
        sandbox.clock.advance(2)
        assert (await client.get("/v1/studios")).status_code == 200


# Envelopes and ids


async def test_every_answer_carries_a_request_id() -> None:
    """A caller's own is echoed, one of the sandbox's has its form, and the envelope repeats it."""
    async with connected(still()) as client:
        own = await client.get("/v1/nope", headers={"X-Request-Id": "mine-1"})
        made = await client.get("/v1/health")
        odd = await client.get("/v1/health", headers={"X-Request-Id": "two words"})
    assert own.headers["X-Request-Id"] == own.json()["error"]["requestId"] == "mine-1"
    assert made.headers["X-Request-Id"].startswith("req_")
    assert int(made.headers["X-Request-Id"].removeprefix("req_"), 16)
    assert odd.headers["X-Request-Id"].startswith("req_")


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
async def test_what_is_not_there_answers_with_the_envelope(
    method: str, path: str, refusal: tuple[int, str]
) -> None:
    """No redirects, no HTML, and an encoded slash never reaches another path."""
    async with connected(still()) as client:
        assert code(await client.request(method, path)) == refusal


@pytest.mark.parametrize(
    "call",
    [
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
    ],
)
async def test_another_tenants_things_read_as_absent(call: tuple[str, str]) -> None:
    """404, never 403; and a thing of another studio is not found in this one."""
    sandbox = still()
    async with connected(sandbox) as client:
        assert code(await client.request(*call)) == (404, "not_found")
    assert {"dest_90", "dest_4"} <= set(sandbox.world.destinations)
    assert "conn_90" in sandbox.world.connections
    assert not sandbox.world.streams


async def test_lists_never_show_another_tenants_things() -> None:
    """The stranger's studio, connection and asset are in nobody else's list."""
    async with connected(still()) as client:
        for path in ("/v1/studios", "/v1/connections", "/v1/media"):
            ids = [item["id"] for item in (await client.get(path)).json()["data"]]
            assert ids
            assert not [one for one in ids if one.endswith(("_90", "_99"))]
