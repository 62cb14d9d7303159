"""`trax-mcp doctor --json` lists how TRaX's own contract differs from the built-in one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.document_edits import CREATE, MEDIA, SCHEMAS, STUDIO, cut, put
from tests.support.product.commands import run_command_beside
from tests.support.product.faults import Fault
from tests.support.product.local_servers import upstream
from tests.support.product.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from tests.support.document_edits import Edit

ADDITIONS: Final = (
    put("info version", "1.4.0"),
    put("paths /v1/clips", {"get": {}}),
    put(f"{STUDIO} thumbnailUrl", {"type": "string"}),
)
ADDED: Final = [
    'document: version was "1.3.0", is "1.4.0"',
    "GET /v1/studios response 200.data[].thumbnailUrl: is new",
    "POST /v1/studios response 201.thumbnailUrl: is new",
    "GET /v1/studios/{id} response 200.thumbnailUrl: is new",
    "PATCH /v1/studios/{id} response 200.thumbnailUrl: is new",
    "GET /v1/clips: is new",
]

ERROR: Final = f"{SCHEMAS} Error properties error"
IN_WORDS: Final = ("code", "message", "requestId")
TEXTS: Final = {name: {"type": "string"} for name in (*IN_WORDS, "requiredScope", "details")}
ERRORS: Final[dict[str, dict[str, Any]]] = {
    "an object": {"type": "object"},
    "its three fields": {"type": "object", "properties": {name: TEXTS[name] for name in IN_WORDS}},
    "required": {
        "type": "object",
        "properties": {name: TEXTS[name] for name in IN_WORDS},
        "required": [*IN_WORDS],
    },
}
"""How a document that is made from TRaX's reference may describe the error in an answer."""
REPEATED: Final = [
    'BREAKING in 23 answers, default.error.code: type was "string", is "integer"',
    "in 5 calls, query parameter cursor: type is gone",
    "in 23 answers, default.error.details: is new",
]

BREAKING_EDITS: Final = (
    cut("paths /v1/connections"),
    put(f"{SCHEMAS} CreateStudioRequest required", ["name", "color"]),
    put(f"{MEDIA} description", "Requires scope media:list."),
    put(f"{CREATE} responses 409", {"description": "There is one."}),
)
BREAKING: Final = [
    "BREAKING GET /v1/connections: is gone",
    'BREAKING GET /v1/media: scope was "media:read", is "media:list"',
    "BREAKING POST /v1/studios request.color: is new, and required",
    "POST /v1/studios response 409: is new",
]


async def check(*edits: Edit) -> tuple[int, str, list[str]]:
    """Examine a sandbox whose contract has these edits: exit code, state and the differences."""

    def edit(document: dict[str, Any]) -> None:
        for change in edits:
            change(document)

    async with upstream() as sandbox:
        sandbox.faults.add(Fault.patched(edit), path="/v1/openapi.json")
        settings = {"TRAX_BASE_URL": sandbox.base_url, "TRAX_API_KEY": SANDBOX_KEY}
        done = await run_command_beside("doctor", "--json", settings=settings)
    (found,) = (it for it in json.loads(done.out)["checks"] if it["name"] == "contract")
    differences = [
        f"{'BREAKING ' * it['breaking']}{it['where']}: {it['what']}"
        for it in found.get("differences", [])
    ]
    return done.code, found["state"], differences


async def test_an_equal_contract_has_no_differences() -> None:
    assert await check() == (0, "ok", [])


async def test_additions_are_a_warning() -> None:
    """TRaX's compatibility promise allows additions."""
    assert await check(*ADDITIONS) == (0, "warning", ADDED)


async def test_breaking_changes_come_first_and_fail() -> None:
    assert await check(*BREAKING_EDITS) == (1, "failed", BREAKING)


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
async def test_what_the_reference_says_in_words_is_no_difference(error: dict[str, Any]) -> None:
    """The fields of an error stand in its text, so a document may name them or not."""
    code, _, differences = await check(put(ERROR, error))
    assert (code, [it for it in differences if "BREAKING" in it]) == (0, [])


async def test_an_equal_difference_of_many_calls_is_one_line() -> None:
    """And one difference."""
    described = {"type": "object", "properties": {**TEXTS, "code": {"type": "integer"}}}

    def retype(document: dict[str, Any]) -> None:
        for path in document["paths"].values():
            for it in path.get("get", {}).get("parameters", ()):
                if it["name"] == "cursor":
                    it["schema"] = {}

    assert await check(put(ERROR, described), retype) == (1, "failed", REPEATED)
