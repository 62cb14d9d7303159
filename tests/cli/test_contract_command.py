"""`trax-mcp contract` prints the built-in contract, or how TRaX's own differs from it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests import ROOT
from tests.support.document_edits import BAKED, CREATE, MEDIA, SCHEMAS, STUDIO, cut, put
from tests.support.product.commands import Outcome, run_command, run_command_beside
from tests.support.product.faults import Fault
from tests.support.product.local_servers import upstream
from tests.support.server_process import PATIENCE_SECONDS, environment

if TYPE_CHECKING:
    from tests.support.document_edits import Edit

PAGE: Final = "<!doctype html><title>Welcome</title>"

ADDITIONS: Final = (
    put("info version", "1.4.0"),
    put("paths /v1/clips", {"get": {}}),
    put(f"{STUDIO} thumbnailUrl", {"type": "string"}),
)
ADDITIONS_REPORT: Final = """\
  The contract of {address}, beside the built-in one (1.3.0)

    document: version was "1.3.0", is "1.4.0"
    GET /v1/studios response 200.data[].thumbnailUrl: is new
    POST /v1/studios response 201.thumbnailUrl: is new
    GET /v1/studios/{{id}} response 200.thumbnailUrl: is new
    PATCH /v1/studios/{{id}} response 200.thumbnailUrl: is new
    GET /v1/clips: is new

  6 differences, none breaking.
  By TRaX's compatibility promise, this trax-mcp still fits.
"""

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
REPEATED_REPORT: Final = """\
  The contract of {address}, beside the built-in one (1.3.0)

    BREAKING in 23 answers, default.error.code: type was "string", is
      "integer"
    in 5 calls, query parameter cursor: type is gone
    in 23 answers, default.error.details: is new

  3 differences, 1 breaking.
  What is marked may fail: update trax-mcp, or check TRAX_BASE_URL.
"""

BREAKING_EDITS: Final = (
    cut("paths /v1/connections"),
    put(f"{SCHEMAS} CreateStudioRequest required", ["name", "color"]),
    put(f"{MEDIA} description", "Requires scope media:list."),
    put(f"{CREATE} responses 409", {"description": "There is one."}),
)
BREAKING_REPORT: Final = """\
  The contract of {address}, beside the built-in one (1.3.0)

    BREAKING GET /v1/connections: is gone
    BREAKING GET /v1/media: scope was "media:read", is "media:list"
    BREAKING POST /v1/studios request.color: is new, and required
    POST /v1/studios response 409: is new

  4 differences, 3 breaking.
  What is marked may fail: update trax-mcp, or check TRAX_BASE_URL.
"""


async def check(fault: Fault | None = None, **settings: str) -> tuple[Outcome, str]:
    """Check the contract of a sandbox with this fault; returns the result and the address."""
    async with upstream() as sandbox:
        if fault is not None:
            sandbox.faults.add(fault, path="/v1/openapi.json")
        address = sandbox.base_url
        given = {"TRAX_BASE_URL": address, **settings}
        result = await run_command_beside("contract", "check", settings=given)
        assert [received.path for received in sandbox.requests] == ["/v1/openapi.json"]
        assert not sandbox.requests[0].headers.keys() & {"authorization", "x-api-key"}
    return result, address


def contract_with(*edits: Edit) -> Fault:
    """A fault that serves the contract with these edits."""

    def edit(document: dict[str, Any]) -> None:
        for change in edits:
            change(document)

    return Fault.patched(edit)


def test_built_in_contract_is_printed_as_json() -> None:
    """Stdout has nothing else, whatever the settings are."""
    settings = {"TRAX_BASE_URL": "not an address", "COLUMNS": "20"}
    result = run_command("contract", settings=settings)
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out) == BAKED
    assert result.out.isascii()


def test_closed_stdout_ends_the_command_without_a_traceback() -> None:
    """As a process, and as in `trax-mcp contract | head`."""
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "trax_mcp", "contract"],
        cwd=ROOT,
        env=environment({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(PATIENCE_SECONDS) == 1
        assert process.stderr.read() == b""


async def test_equal_contract_exits_with_0() -> None:
    """The configured key is not sent."""
    result, address = await check(TRAX_API_KEY="sk_live_mine")
    report = (
        f"  The contract of {address}, beside the built-in one (1.3.0)\n\n  They are the same.\n"
    )
    assert result == Outcome(0, report, "")


async def test_additions_are_reported_with_exit_code_0() -> None:
    """TRaX's compatibility promise allows additions."""
    result, address = await check(contract_with(*ADDITIONS))
    assert result == Outcome(0, ADDITIONS_REPORT.format(address=address), "")


async def test_breaking_changes_are_marked_and_exit_with_1() -> None:
    """They come first, and are marked with a word, not only with colour."""
    result, address = await check(contract_with(*BREAKING_EDITS))
    assert result == Outcome(1, BREAKING_REPORT.format(address=address), "")


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
async def test_what_the_reference_says_in_words_is_no_difference(error: dict[str, Any]) -> None:
    """The fields of an error stand in its text, so a document may name them or not."""
    result, _ = await check(contract_with(put(ERROR, error)))
    assert (result.code, result.out.endswith("  They are the same.\n")) == (0, True)


async def test_an_equal_difference_of_many_calls_is_one_line() -> None:
    """And one difference."""
    described = {"type": "object", "properties": {**TEXTS, "code": {"type": "integer"}}}

    def retype(document: dict[str, Any]) -> None:
        for path in document["paths"].values():
            for it in path.get("get", {}).get("parameters", ()):
                if it["name"] == "cursor":
                    it["schema"] = {}

    result, address = await check(contract_with(put(ERROR, described), retype))
    assert result == Outcome(1, REPEATED_REPORT.format(address=address), "")


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (
            Fault.status(200, PAGE, content_type="text/html"),
            "A page (text/html), not TRaX's API, answered",
        ),
        (Fault.dropped(), "The connection to TRaX broke before it answered"),
    ],
    ids=["HTML page", "dropped connection"],
)
async def test_invalid_contract_response_exits_with_1_and_the_reason(
    fault: Fault, why: str
) -> None:
    """Nothing is compared."""
    result, _ = await check(fault)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("trax-mcp: ")
    assert why in result.err
    assert result.err.count("\n") == 1
