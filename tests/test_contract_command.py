"""`trax-mcp contract` as a person or a pipe sees it: real processes, and a TRaX on a port."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from tests import ROOT
from tests.edits import BAKED, CREATE, MEDIA, SCHEMAS, STUDIO, cut, put
from tests.ports import upstream
from tests.processes import PATIENCE_SECONDS, environment, running
from tests.wire import closed_port
from trax_mcp.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.edits import Edit

PLAIN: Final = {"COLUMNS": "80", "FORCE_COLOR": "", "PYTHONUTF8": "1"}
PAGE: Final = "<!doctype html><title>Welcome</title>"

ADDITIONS: Final = (
    put("info version", "1.4.0"),
    put("paths /v1/clips", {"get": {}}),
    put(f"{STUDIO} thumbnailUrl", {"type": "string"}),
    put(f"{MEDIA} summary", "List the caller's assets, newest first, those of all their studios."),
)
TOLD_OF_ADDITIONS: Final = """\
  The contract of {address}, beside the baked one (1.3.0)

  Added
    GET /v1/clips: a new call
    schema Studio.thumbnailUrl: a new field

  Changed
    GET /v1/media: summary is now "List the caller's assets, newest first,
      those of all their studios."
    document: version was "1.3.0", is "1.4.0"

  4 differences, none breaking.
  By TRaX's compatibility promise, this trax-mcp still fits.
"""

BREAKS: Final = (
    cut("paths /v1/connections"),
    put(f"{SCHEMAS} CreateStudioRequest required", ["name", "color"]),
    put(f"{MEDIA} description", "Requires scope media:list."),
    put(f"{CREATE} responses 409", {"description": "There is one."}),
)
TOLD_OF_BREAKS: Final = """\
  The contract of {address}, beside the baked one (1.3.0)

  Added
    BREAKING schema CreateStudioRequest.color: a new required field
    POST /v1/studios response 409: a new response

  Removed
    BREAKING GET /v1/connections: the call is gone

  Changed
    BREAKING GET /v1/media: scope was "media:read", is "media:list"
    GET /v1/media: description was "Requires scope media:read.", is
      "Requires scope media:list."

  5 differences, 3 breaking.
  What is marked may fail: update trax-mcp, or check TRAX_BASE_URL.
"""


class Said(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


async def said(*arguments: str, settings: Mapping[str, str] | None = None) -> Said:
    """Run `trax-mcp contract` to its end."""
    async with running("contract", *arguments, settings={**PLAIN, **(settings or {})}) as command:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await command.process.wait()
        return Said(await command.end(), command.stdout.text, command.stderr.text)


async def checked(fault: Fault | None = None, **settings: str) -> tuple[Said, str]:
    """Check the contract of a TRaX with this fault; what was said, and its address."""
    async with upstream() as sandbox:
        if fault is not None:
            sandbox.faults.add(fault, path="/v1/openapi.json")
        address = sandbox.base_url
        answer = await said("check", settings={"TRAX_BASE_URL": address, **settings})
        assert [received.path for received in sandbox.requests] == ["/v1/openapi.json"]
        assert not sandbox.requests[0].headers.keys() & {"authorization", "x-api-key"}
    return answer, address


def serving(*edits: Edit) -> Fault:
    """The contract with these edits."""

    def edit(document: dict[str, Any]) -> None:
        for change in edits:
            change(document)

    return Fault.patched(edit)


async def test_the_baked_contract_is_shown_as_json() -> None:
    """All of it and nothing else, so that it can be piped; whatever the settings are."""
    shown = await said(settings={"TRAX_BASE_URL": "not an address", "COLUMNS": "20"})
    assert (shown.code, shown.err) == (0, "")
    assert json.loads(shown.out) == BAKED
    assert shown.out.isascii()


def test_a_reader_who_has_seen_enough_is_no_error() -> None:
    """As in `trax-mcp contract | head`: no traceback."""
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "trax_mcp", "contract"],
        cwd=ROOT,
        env=environment(PLAIN),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(PATIENCE_SECONDS) == 1
        assert process.stderr.read() == b""


async def test_the_same_contract_is_said_to_be_the_same() -> None:
    """Exit code 0, and no key travels, even where there is one."""
    answer, address = await checked(TRAX_API_KEY="sk_live_mine")
    told = f"  The contract of {address}, beside the baked one (1.3.0)\n\n  They are the same.\n"
    assert answer == Said(0, told, "")


async def test_the_sandbox_is_checked_without_a_network() -> None:
    """As everything else with `TRAX_SANDBOX`."""
    answer = await said("check", settings={"TRAX_SANDBOX": "1"})
    told = "  The contract of the embedded sandbox, beside the baked one (1.3.0)\n\n"
    assert answer == Said(0, f"{told}  They are the same.\n", "")


async def test_additions_and_wording_are_told_and_are_fine() -> None:
    """Exit code 0: TRaX may add, by its own promise."""
    answer, address = await checked(serving(*ADDITIONS))
    assert answer == Said(0, TOLD_OF_ADDITIONS.format(address=address), "")


async def test_what_breaks_is_marked_and_ends_with_one() -> None:
    """The breaking ones come first, in words and not only in colour."""
    answer, address = await checked(serving(*BREAKS))
    assert answer == Said(1, TOLD_OF_BREAKS.format(address=address), "")


@pytest.mark.parametrize("columns", [40, 80, 300])
async def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    """Nor than can be read with ease; long words are folded."""
    long = put("paths", {**BAKED["paths"], f"/v1/{'long' * 40}": {"get": {}}})
    answer, _ = await checked(serving(long, *BREAKS), COLUMNS=str(columns))
    lines = answer.out.splitlines()
    assert max(map(len, lines)) <= min(columns, 78)
    assert [line for line in lines if line != line.rstrip()] == []
    assert "\x1b" not in answer.out


async def test_a_strangers_words_stay_words() -> None:
    """Neither rich's markup nor a terminal's control sequences get through."""
    words = "[bold]x[/bold] \x1b[31m:smile: \u202e"
    answer, _ = await checked(serving(put(f"{MEDIA} summary", words)))
    assert answer.code == 0
    assert r'is now "[bold]x[/bold] \u001b[31m:smile: \u202e"' in " ".join(answer.out.split())


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Fault.status(200, PAGE, content_type="text/html"), "its answer is not a JSON object"),
        (Fault.status(404, PAGE, content_type="text/html"), "TRaX refused the call (HTTP 404)"),
        (Fault.status(200, "[]"), "its answer is not a JSON object"),
        (Fault.dropped(), "The connection to TRaX broke before it answered"),
        (Fault.error(503, "maintenance"), "TRaX has trouble"),
    ],
    ids=["a page", "no page", "a list", "nothing", "an error"],
)
async def test_what_is_no_contract_ends_with_one_and_says_why(fault: Fault, why: str) -> None:
    """The failure's own sentence, on stderr; nothing is compared."""
    answer, _ = await checked(fault)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("trax-mcp: TR") or answer.err.startswith("trax-mcp: The ")
    assert why in answer.err
    assert answer.err.count("\n") == 1


async def test_json_that_is_no_contract_is_breaking() -> None:
    """Some other service answered: it is told as what it is."""
    answer, _ = await checked(Fault.status(200, {"hello": "world"}))
    assert (answer.code, answer.err) == (1, "")
    assert "BREAKING document: is no OpenAPI 3 document\n" in answer.out
    assert "1 difference, 1 breaking." in answer.out


async def test_a_trax_that_cannot_be_reached_ends_with_one_and_says_so() -> None:
    """With what to look at."""
    settings = {"TRAX_BASE_URL": f"http://127.0.0.1:{closed_port()}"}
    assert await said("check", settings=settings) == Said(
        1,
        "",
        "trax-mcp: TRaX could not be reached, so nothing was sent."
        " Check the network and TRAX_BASE_URL, then call again.\n",
    )


async def test_a_wrong_setting_stops_the_check() -> None:
    """As it stops the servers."""
    answer = await said("check", settings={"TRAX_BASE_URL": "http://trax.example"})
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("trax-mcp: TRAX_BASE_URL must begin with https://")


async def test_what_is_not_check_is_refused() -> None:
    """With exit code 2, as every word that is not understood."""
    answer = await said("chek")
    assert (answer.code, answer.out) == (2, "")
    assert "'chek'" in answer.err
