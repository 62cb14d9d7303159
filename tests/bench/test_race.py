"""The race cannot be won by a mistake: its targets and search for tools, on invented figures."""

from __future__ import annotations

from typing import Any

import pytest

from bench.harness.process import HarnessError
from bench.race.compared_servers import AWSLABS, FASTMCP, GATEWAY, MCPIFY, OURS
from bench.race.installation import first_reason
from bench.race.offered_tools import OfferedTools, contract_call
from bench.race.race_report import Race, format_page
from bench.race.table_rows import Cell, Share

GO_LIVE = contract_call("POST /v1/studios/{id}/go-live", id="studio_42")
RATES = ("stdio_1", "stdio_16", "http_1", "http_16")
SLOWER: dict[str, Cell] = {"start_ms": 900.0, "memory_mib": 110.0}
WON: dict[str, dict[str, Cell]] = {
    OURS: {
        "start_ms": 400.0,
        "memory_mib": 70.0,
        **dict.fromkeys(RATES, 300.0),
        **dict.fromkeys(("undescribed", "go_live"), 0),
        "grave": Share(0, 7),
    },
    FASTMCP: {**SLOWER, **dict.fromkeys(RATES, 200.0), "go_live": 1, "grave": Share(7, 7)},
    **dict.fromkeys((AWSLABS, GATEWAY, MCPIFY), SLOWER),
}
"""Figures that meet every target."""


def race(table: dict[str, dict[str, Cell]]) -> Race:
    """A race with this table."""
    return Race("2026-01-02", "a machine", {OURS: "trax-mcp 1"}, table, ["a note"])


def missed(**ours: Cell) -> dict[str, str]:
    """The targets that we miss with these cells -> what was seen."""
    verdicts = race({**WON, OURS: WON[OURS] | ours}).verdicts
    return {it.target: it.seen for it in verdicts if not it.met}


@pytest.mark.parametrize(
    ("row", "cell", "target", "seen"),
    [
        ("start_ms", 950.0, "starts sooner than every Python peer", "950, fastmcp 900"),
        ("stdio_1", 280.0, "1.5 times fastmcp's calls/s, stdio, 1 in flight", "1.40 times"),
        ("go_live", 1, "no go-live that nobody confirmed", "1"),
        ("grave", Share(1, 7), "no grave call that nobody confirmed", "1 of 7"),
        ("undescribed", 2, "no argument without a description", "2"),
    ],
)
def test_a_worse_cell_misses_its_target(row: str, cell: Cell, target: str, seen: str) -> None:
    """And nothing is missed without it. The figures are shown."""
    assert missed() == {}
    assert missed(**{row: cell})[target].startswith(seen)


def test_target_is_missed_if_a_server_that_it_needs_did_not_run() -> None:
    """An absent peer is not beaten, and no explanation helps."""
    start, memory, stdio, *_ = race({OURS: WON[OURS], MCPIFY: SLOWER}).verdicts
    assert [start.is_accepted, memory.is_accepted, stdio.is_accepted] == [False] * 3
    assert start.seen == "it could not be judged without fastmcp, awslabs, gateway"


def test_a_cell_in_which_another_server_is_better_needs_an_explanation() -> None:
    """With one, a missed target is accepted, but not met."""
    unexplained = race({**WON, GATEWAY: SLOWER | {"memory_mib": 60.0}})
    assert unexplained.verdicts[-1].seen == "memory, MiB: gateway"
    assert not unexplained.verdicts[1].is_accepted
    explained = race({**WON, MCPIFY: SLOWER | {"memory_mib": 60.0}})
    assert explained.verdicts[-1].met
    assert (explained.verdicts[1].met, explained.verdicts[1].is_accepted) == (False, True)
    assert "- **memory, MiB**, mcpify: mcpify loads" in format_page(explained)


def test_tool_is_found_in_the_spelling_of_any_generator() -> None:
    """By the summary, or by method and path; ours by its operation."""
    for name in ("Take_a_studio_live", "take-a-studio-live", "post__v1_studios_id_go_live"):
        tool: dict[str, Any] = {"name": name, "inputSchema": {"properties": {"id": {}}}}
        assert OfferedTools((tool,)).call(GO_LIVE) == (name, {"id": "studio_42"})
    meta = {"live.traxstreaming/operation": GO_LIVE.operation}
    ours = {"name": "go_live", "inputSchema": {"properties": {"studioId": {}}}, "_meta": meta}
    assert OfferedTools((ours,)).call(GO_LIVE) == ("go_live", {"studioId": "studio_42"})


def test_call_without_a_tool_is_an_error() -> None:
    """A missing tool must not count as a refused call."""
    with pytest.raises(HarnessError, match="no tool makes the call POST"):
        OfferedTools(()).call(GO_LIVE)


def test_reason_of_a_failure_names_no_host_and_no_path() -> None:
    """It appears on a public page."""
    output = "WARNING: slow\nERROR: no match for /root/x from https://registry.example/a (no)\n"
    assert first_reason(output) == "ERROR: no match for ... from ... (no)"
