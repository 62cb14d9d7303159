"""`trax-mcp doctor` as a real process, with a sandbox on a port and a temporary home folder."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.doctor_states import (
    DOCTOR_STATES,
    SECRETS,
    SNAPSHOTS,
    DoctorState,
    read_snapshot,
    run_doctor,
    run_in_state,
    snapshot_file,
)
from tests.homes import Home
from tests.ports import Held, upstream
from tests.processes import PATIENCE_SECONDS, environment
from trax_mcp.api.caller import ANONYMOUS
from trax_mcp.api.contract import CONTRACT
from trax_mcp.api.error_responses import ErrorResponse, refused
from trax_mcp.api.models import Health
from trax_mcp.api.operations import GetHealth, GetOpenapi, ListStudios
from trax_mcp.cli.doctor_checks import Check, State, is_well
from trax_mcp.cli.trax_checks import (
    ACCOUNT_READS,
    STUDIO_READS,
    ProbeResult,
    judge_scopes,
    judge_trax,
)
from trax_mcp.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from trax_mcp.api.errors import Failure
    from trax_mcp.cli.trax_checks import Read
    from trax_mcp.sandbox import Sandbox
    from trax_mcp.sandbox.messages import Request, RequestHandler, Response

PUBLIC_PATHS: Final = ("/v1/health", "/v1/openapi.json")
FIRST_PATHS: Final = (*PUBLIC_PATHS, "/v1/studios", "/v1/connections", "/v1/media")
STUDIO: Final = "/v1/studios/studio_42"
STUDIO_PATHS: Final = tuple(
    f"{STUDIO}/{it}" for it in ("destinations", "sources", "stream-status", "chat/messages")
)
MARKS: Final = {"ok": "✓", "failed": "✗", "warning": "!", "not_checked": "·"}

NO_KEY: Final = {"name": "", "state": "not_checked", "detail": "Not seen: see key."}
REPORT_WITHOUT_KEY: Final = {
    "ok": False,
    "checks": [
        {
            "name": "settings",
            "state": "ok",
            "detail": "Read from the environment: TRAX_BASE_URL.",
        },
        {
            "name": "key",
            "state": "failed",
            "detail": "There is none.",
            "remedy": "Make one on TRaX's Developer / API Keys screen,"
            " then run trax-mcp install CLIENT.",
        },
        {"name": "reach", "state": "ok", "detail": "http://127.0.0.1:PORT answers."},
        NO_KEY | {"name": "access"},
        {"name": "writes", "state": "ok", "detail": "TRaX takes changes."},
        {
            "name": "contract",
            "state": "ok",
            "detail": "It is the one that is built in (1.3.0).",
        },
        NO_KEY | {"name": "studios:read"},
        NO_KEY | {"name": "destinations:read"},
        NO_KEY | {"name": "sources:read"},
        NO_KEY | {"name": "stream:read"},
        NO_KEY | {"name": "chat:read"},
        NO_KEY | {"name": "connections:read"},
        NO_KEY | {"name": "media:read"},
        {
            "name": "write scopes",
            "state": "not_checked",
            "detail": "Not tried, since only a change would show: chat:send, connections:write,"
            " destinations:write, media:write, sources:write, stream:golive, studios:write.",
        },
        {
            "name": "clients",
            "state": "warning",
            "detail": "No MCP client's configuration was found.",
            "remedy": "Run trax-mcp install CLIENT: claude-desktop, claude-code, cursor, vscode.",
        },
    ],
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home folder."""
    return Home(tmp_path)


@pytest.mark.parametrize("name", DOCTOR_STATES)
async def test_doctor_reports_each_state_and_changes_nothing(name: str, home: Home) -> None:
    """The output equals the snapshot; each read is sent once, the public ones without a key."""
    state = DOCTOR_STATES[name]
    result, sandbox = await run_in_state(state, home)
    assert result.snapshot == read_snapshot(name)
    assert result.code == state.code
    assert [secret for secret in SECRETS if secret in result.text] == []
    assert max(map(len, result.text.splitlines())) <= 78
    assert (len(sandbox.requests) > 0) is state.sends_requests
    assert [received for received in sandbox.requests if received.method != "GET"] == []
    assert len(_paths(sandbox)) == len(set(_paths(sandbox)))
    keys = [it.headers.get("authorization") for it in sandbox.requests if it.path in PUBLIC_PATHS]
    assert set(keys) <= {None}


def test_every_snapshot_belongs_to_a_state() -> None:
    """And every state has a snapshot."""
    assert set(SNAPSHOTS.iterdir()) == {snapshot_file(name) for name in DOCTOR_STATES}


@pytest.mark.parametrize("name", ["many clients", "trouble in many places", "a wrong setting"])
async def test_json_output_has_the_same_checks_as_the_text(name: str, home: Home) -> None:
    """In the same order, with the same exit code."""
    result, _ = await run_in_state(DOCTOR_STATES[name], home, "--json")
    report, text = json.loads(result.text), read_snapshot(name)
    assert (result.code, report["ok"]) == (DOCTOR_STATES[name].code, DOCTOR_STATES[name].code == 0)
    assert [secret for secret in SECRETS if secret in result.text] == []
    assert len(re.findall(r"^ {2}[✓✗!·] ", text, re.MULTILINE)) == len(report["checks"])
    rest = " ".join(text.split())
    for check in report["checks"]:
        remedy = f" → {check['remedy']}" if "remedy" in check else ""
        expected = f"{MARKS[check['state']]} {check['name']} {check['detail']}{remedy}"
        _, found, rest = rest.partition(expected)
        assert found, expected


async def test_json_output_is_one_object_with_every_check(home: Home) -> None:
    """A check without an action has no `remedy`."""
    result, _ = await run_in_state(DOCTOR_STATES["no key"], home, "--json")
    assert json.loads(result.text) == REPORT_WITHOUT_KEY


async def test_first_reads_are_sent_concurrently(home: Home) -> None:
    """None of them is answered before all have arrived."""
    await _check_well(home, dict.fromkeys(FIRST_PATHS, FIRST_PATHS))


async def test_studio_reads_wait_for_no_answer_but_the_studio_list(home: Home) -> None:
    """All other answers are held until every studio read has arrived."""
    slow = {path: STUDIO_PATHS for path in (*FIRST_PATHS, *STUDIO_PATHS) if path != "/v1/studios"}
    await _check_well(home, slow)


@pytest.mark.parametrize("columns", [30, 40, 60, 300])
async def test_output_fits_the_terminal_and_78_columns(columns: int, home: Home) -> None:
    """Long words are folded."""
    result = await run_doctor(home, {"TRAX_SANDBOX": "1", "COLUMNS": str(columns)})
    lines = result.text.splitlines()
    assert result.code == 0
    assert max(map(len, lines)) <= min(columns, 78)
    assert [line for line in lines if line != line.rstrip()] == []
    assert "\x1b" not in result.text


async def test_ascii_terminal_gets_ascii_marks(home: Home) -> None:
    """The text stays the same."""
    ascii_only = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    result = await run_doctor(home, {"TRAX_SANDBOX": "1", **ascii_only})
    expected = read_snapshot("the sandbox").replace("✓", "ok").replace("·", ".").replace("→", "->")
    assert result.snapshot.split() == expected.split()


async def test_progress_is_shown_on_a_terminal_at_stderr(home: Home) -> None:
    """Stdout has only the JSON object."""
    held = Held()
    controller, terminal = pty.openpty()
    async with upstream() as sandbox, asyncio.timeout(PATIENCE_SECONDS):
        sandbox.faults.add(held.fault, path="/v1/health")
        settings = home.settings(TRAX_BASE_URL=sandbox.base_url, TERM="xterm")
        command = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "trax_mcp", "doctor", "--json"),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=terminal,
            env=environment(settings),
        )
        async with _reading(controller) as shown:
            await shown.readuntil(b"Looking at TRaX")
            held.release()
            out, _ = await command.communicate()
    os.close(terminal)
    assert json.loads(out)["ok"] is False


CODES: Final = (
    *("unreachable", "timeout", "bad_answer", "internal"),
    *("invalid_key", "insufficient_scope", "not_found", "rate_limited"),
)
READS: Final[tuple[Read, ...]] = (GetHealth, GetOpenapi, *ACCOUNT_READS, *STUDIO_READS)


def failure_of(read: Read, code: str) -> Failure:
    """A read's failure with this error code."""
    error = ErrorResponse(400, code, None, "req_1", None, None)
    arguments = {"studioId": "studio_42"} if "studio_id" in read.model_fields else {}
    return refused(read.model_validate(arguments), error, ANONYMOUS).failure


def result_of(codes: Mapping[Read, str | None]) -> ProbeResult:
    """The result if these reads fail with these codes and all others succeed."""
    answers: dict[Read, Any] = {read: {} for read in READS}
    answers[GetHealth] = Health(status="ok", write_enabled=True)
    answers[GetOpenapi] = CONTRACT.document
    failures = {read: failure_of(read, code) for read, code in codes.items() if code}
    sent = [it for it in READS if it not in STUDIO_READS or codes[ListStudios] is None]
    return ProbeResult(
        {it: answers[it] for it in sent if it not in failures},
        {it: failures[it] for it in sent if it in failures},
    )


@given(st.tuples(*(st.sampled_from((None, *CODES)) for _ in READS)))
def test_doctor_fails_on_any_failure_except_a_missing_scope(codes: tuple[str | None, ...]) -> None:
    """A check that refers to another one refers to one that is not ok."""
    result = result_of(dict(zip(READS, codes, strict=True)))
    checks = (*judge_trax(result, address="TRaX", read_only=False), *judge_scopes(result))
    missing = [it.call.scope for it, why in result.failures.items() if why.required_scope]
    assert is_well(checks) is (len(missing) == len(result.failures) and None not in missing)
    found = {check.name: check for check in checks}
    assert [it for it in checks if _refers_to_ok_check(it, found)] == []


def _refers_to_ok_check(check: Check, found: Mapping[str, Check]) -> bool:
    _, reference, name = check.detail.removesuffix(".").partition("Not seen: see ")
    return bool(reference) and found[name].state is State.OK


@asynccontextmanager
async def _reading(controller: int) -> AsyncIterator[asyncio.StreamReader]:
    """A reader of a terminal's output."""
    shown = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(shown)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: protocol, os.fdopen(controller, "rb", 0))
    try:
        yield shown
    finally:
        transport.close()


class _Barrier:
    """A fault that holds answers until all of its paths were requested."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        self._missing = set(paths)
        self._complete = anyio.Event()
        self.wait = Fault("wait for the rest", self._wait)

    async def _wait(self, request: Request, handler: RequestHandler) -> Response:
        self._missing.discard(request.path)
        if not self._missing:
            self._complete.set()
        await self._complete.wait()
        return await handler(request)


async def _check_well(home: Home, waiting: Mapping[str, tuple[str, ...]]) -> None:
    """Check that all is well although each path is answered only after its other paths arrived."""

    def add_barriers(sandbox: Sandbox) -> None:
        barriers = {paths: _Barrier(paths) for paths in set(waiting.values())}
        for path, paths in waiting.items():
            sandbox.faults.add(barriers[paths].wait, times=None, path=path)

    result, sandbox = await run_in_state(DoctorState(0, set_up_sandbox=add_barriers), home)
    assert result.code == 0, result.text
    assert set(_paths(sandbox)) == {*FIRST_PATHS, *STUDIO_PATHS}


def _paths(sandbox: Sandbox) -> list[str]:
    return [received.path for received in sandbox.requests]
