"""`trax-mcp doctor` as a real process, with a sandbox on a port and a temporary home folder."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.doctor_states import (
    DOCTOR_STATES,
    SECRETS,
    SNAPSHOTS,
    DoctorState,
    doctor_on_terminal,
    read_snapshot,
    run_doctor,
    run_in_state,
    snapshot_file,
    with_cursor,
)
from tests.support.home_folder import Home
from tests.support.product.local_servers import Held, upstream
from tests.support.server_process import PATIENCE_SECONDS, environment
from tests.support.terminal_screen import reading

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


PUBLIC_PATHS: Final = ("/v1/health", "/v1/openapi.json")
MARKS: Final = {"ok": "✓", "failed": "✗", "warning": "!", "not_checked": "·"}

NO_KEY: Final = {"name": "", "state": "not_checked", "detail": "Skipped: see key."}
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
            "detail": "No MCP client starts trax-mcp yet.",
            "remedy": "Run trax-mcp install CLIENT: claude-desktop, claude-code, cursor, vscode,"
            " windsurf, zed, gemini-cli, codex, jetbrains, other.",
        },
    ],
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home folder."""
    return Home(tmp_path)


@pytest.mark.parametrize("name", DOCTOR_STATES)
async def test_doctor_reports_each_state_and_changes_nothing(name: str, home: Home) -> None:
    """The output equals the snapshot; only reads are sent, the public ones without a key."""
    state = DOCTOR_STATES[name]
    result, sandbox = await run_in_state(state, home)
    assert result.snapshot == read_snapshot(name)
    assert result.code == state.code
    assert [secret for secret in SECRETS if secret in result.text] == []
    assert max(map(len, result.text.splitlines())) <= 78
    assert (len(sandbox.requests) > 0) is state.sends_requests
    assert [received for received in sandbox.requests if received.method != "GET"] == []
    keys = [it.headers.get("authorization") for it in sandbox.requests if it.path in PUBLIC_PATHS]
    assert set(keys) <= {None}


@pytest.mark.parametrize("name", DOCTOR_STATES)
async def test_doctor_shows_the_same_on_a_terminal(name: str, home: Home) -> None:
    """When it has ended: its progress is erased."""
    screen, _ = await run_in_state(DOCTOR_STATES[name], home, run=doctor_on_terminal)
    assert screen.snapshot.split("\n") == read_snapshot(name).split("\n")
    assert [secret for secret in SECRETS if secret in screen.text] == []


def test_every_doctor_snapshot_belongs_to_a_state() -> None:
    """And every state has a snapshot."""
    assert set(SNAPSHOTS.iterdir()) == {snapshot_file(name) for name in DOCTOR_STATES}


@pytest.mark.parametrize("name", ["broken clients", "trouble in many places", "a wrong setting"])
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


async def test_a_refused_key_is_sent_no_second_time(home: Home) -> None:
    """The checks that need it are skipped; the others are not."""
    _, sandbox = await run_in_state(DOCTOR_STATES["a key that is repeated"], home)
    assert [it.path for it in sandbox.requests] == ["/v1/health", "/v1/studios", "/v1/openapi.json"]


async def test_a_clients_key_is_not_sent_to_an_address_in_the_environment(home: Home) -> None:
    """Key and address have one source."""
    state = DoctorState(1, {"TRAX_API_KEY": ""}, set_up_home=with_cursor)
    result, sandbox = await run_in_state(state, home)
    assert "There is none." in result.text
    assert [it.path for it in sandbox.requests] == list(PUBLIC_PATHS)


@pytest.mark.parametrize("columns", [40, 60, 300])
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
        async with reading(controller) as shown:
            await shown.readuntil(b"Checking reach")
            held.release()
            out, _ = await command.communicate()
    os.close(terminal)
    assert json.loads(out)["ok"] is False
