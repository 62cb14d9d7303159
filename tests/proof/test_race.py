"""The race's verdicts, tables and tool lookup, on invented measurements."""

from typing import Any

import pytest

from bench.measured_process import BenchError
from proof.race.compared_servers import (
    AWSLABS,
    COMPARED_SERVERS,
    FASTMCP,
    GATEWAY,
    IVOTOBY,
    MCPIFY,
    OURS,
)
from proof.race.explanations import EXPLANATIONS, Explanation
from proof.race.installation import first_reason
from proof.race.offered_tools import OfferedTools, contract_call
from proof.race.race_report import Race, format_columns, format_page
from proof.race.race_run import ROWS_FILLED
from proof.race.table_cells import Cell, Share, format_cell
from proof.race.table_rows import ROWS
from proof.race.targets import find_stale, judge

GO_LIVE = "POST /v1/studios/{id}/go-live"

SLOWER: dict[str, Cell] = {"start_ms": 900.0, "memory_mib": 110.0}

WON: dict[str, dict[str, Cell]] = {
    OURS: {
        "start_ms": 400.0,
        "memory_mib": 70.0,
        "stdio_1": 300.0,
        "stdio_16": 300.0,
        "http_1": 300.0,
        "http_16": 300.0,
        "seen_bytes": 14_000,
        "undescribed": 0,
        "go_live": 0,
        "grave": Share(0, 7),
        "chat": True,
    },
    FASTMCP: {
        "start_ms": 800.0,
        "memory_mib": 100.0,
        "stdio_1": 200.0,
        "stdio_16": 200.0,
        "http_1": 200.0,
        "http_16": 200.0,
        "seen_bytes": 8_000,
        "undescribed": 25,
        "go_live": 1,
        "grave": Share(7, 7),
        "chat": False,
    },
    AWSLABS: SLOWER,
    GATEWAY: SLOWER,
    MCPIFY: SLOWER,
}
"""Measurements that meet every target."""

EXPLAINED = (Explanation("seen_bytes", (FASTMCP,), "It copies the contract."),)


def table(name: str, cells: dict[str, Cell]) -> dict[str, dict[str, Cell]]:
    """The measurements of `WON`, with these cells of one server changed."""
    return {**WON, name: WON.get(name, {}) | cells}


def missed(cells: dict[str, dict[str, Cell]], *explanations: Explanation) -> list[tuple[str, str]]:
    """The missed targets, and the measurements for each."""
    verdicts = judge(cells, explanations or EXPLAINED)
    return [(it.target, it.seen) for it in verdicts if not it.met]


def test_won_race_misses_no_target() -> None:
    """So each missed target below is caused by the one changed cell."""
    assert missed(WON) == []


@pytest.mark.parametrize(
    ("cells", "target", "seen"),
    [
        ({"start_ms": 800.0}, "starts sooner than every Python peer", "800, fastmcp 800"),
        ({"memory_mib": 100.0}, "weighs less than every Python peer", "100, fastmcp 100"),
        (
            {"stdio_1": 280.0},
            "1.5 times fastmcp's calls/s, stdio, 1 in flight",
            "1.40 times (280, 200)",
        ),
        (
            {"http_16": 220.0},
            "1.5 times fastmcp's calls/s, HTTP, 16 in flight",
            "1.10 times (220, 200)",
        ),
        ({"http_1": None}, "1.5 times fastmcp's calls/s, HTTP, 1 in flight", "it could not be"),
        ({"go_live": 1}, "no go-live that nobody confirmed", "1"),
        ({"grave": Share(1, 7)}, "no grave call that nobody confirmed", "1 of 7"),
        ({"undescribed": 2}, "no argument without a description", "2"),
    ],
)
def test_worse_cell_misses_its_target(cells: dict[str, Cell], target: str, seen: str) -> None:
    """The measurements are shown."""
    ahead = Explanation("http_1", (FASTMCP,), "It answers over HTTP.")
    targets = dict(missed(table(OURS, cells), *EXPLAINED, ahead))

    assert [*targets] == [target]
    assert targets[target].startswith(seen)


def test_missed_target_with_an_explanation_is_accepted_but_not_met() -> None:
    """Without the explanation, or far behind fastmcp, it is not accepted."""
    known = Explanation("start_ms", (MCPIFY,), "It imports little.")
    sooner = table(MCPIFY, {"start_ms": 50.0})
    (start, *_) = judge(sooner, (*EXPLAINED, known))

    assert (start.met, start.is_accepted, start.why) == (False, True, "It imports little.")
    assert not judge(sooner, EXPLAINED)[0].is_accepted
    assert not judge({**sooner, FASTMCP: {"start_ms": 50.0}}, (known,))[0].is_accepted
    close, behind = (judge(table(OURS, {"stdio_1": it}), EXPLAINED)[2] for it in (250.0, 150.0))
    assert (close.met, close.is_accepted) == (False, True)
    assert (behind.met, behind.is_accepted) == (False, False)


def test_absent_peer_is_not_beaten() -> None:
    """Targets against absent peers are missed."""
    alone = {OURS: WON[OURS]}

    assert [target for target, _ in missed(alone)] == [
        "starts sooner than every Python peer",
        "weighs less than every Python peer",
        "1.5 times fastmcp's calls/s, stdio, 1 in flight",
        "1.5 times fastmcp's calls/s, stdio, 16 in flight",
        "1.5 times fastmcp's calls/s, HTTP, 1 in flight",
        "1.5 times fastmcp's calls/s, HTTP, 16 in flight",
    ]


@pytest.mark.parametrize("name", [FASTMCP, AWSLABS, GATEWAY, MCPIFY])
def test_target_against_every_python_peer_needs_all_of_them(name: str) -> None:
    """Even an explanation does not help if one is absent."""
    others = {it: cells for it, cells in WON.items() if it != name}
    start, memory, *_ = judge(others, EXPLAINED)

    seen = f"it could not be judged without {name}"
    assert (start.is_accepted, start.seen) == (memory.is_accepted, memory.seen) == (False, seen)


def test_peer_ahead_needs_an_explanation_for_its_row() -> None:
    """An explanation about another peer or another row does not count."""
    faster = table(MCPIFY, {"seen_bytes": 7_000, "chat": False})
    target = "no peer ahead without a sentence that says why"

    assert missed(faster) == [(target, f"bytes a model sees: {MCPIFY}")]
    assert missed(faster, *EXPLAINED, Explanation("seen_bytes", (MCPIFY,), "Short.")) == []


def test_explanation_for_a_peer_that_is_not_ahead_is_stale() -> None:
    """Unless that peer did not run."""
    explanations = (*EXPLAINED, Explanation("chat", (FASTMCP, IVOTOBY), "It marks the words."))

    assert find_stale(WON, EXPLAINED) == []
    assert find_stale(WON, explanations) == [f"chat marked as strangers' words: {FASTMCP}"]


def test_every_explanation_names_an_existing_row_and_peers() -> None:
    """So that renames are noticed."""
    rows = {row.key for row in ROWS}
    peers = {it.name for it in COMPARED_SERVERS} - {OURS}

    assert {it.row for it in EXPLANATIONS} <= rows
    assert {peer for it in EXPLANATIONS for peer in it.peers} <= peers


def test_every_row_is_measured_and_every_measurement_has_a_row() -> None:
    """So that renames are noticed."""
    keys = [row.key for row in ROWS]

    assert sorted(ROWS_FILLED) == sorted(keys)


def race(cells: dict[str, dict[str, Cell]], **missing: str) -> Race:
    """A race with this table."""
    return Race(
        date="2026-01-02",
        machine="a machine",
        versions={OURS: "trax-mcp 1"},
        table=cells,
        missing=missing,
        notes=["a note"],
        verdicts=judge(cells, EXPLAINED),
        explanations=EXPLAINED,
    )


def test_table_fits_100_columns_and_names_absent_peers() -> None:
    """The reasons follow the table."""
    cells = {it.name: WON[OURS] for it in COMPARED_SERVERS[:-1]}
    lines = format_columns(race(cells, ivotoby="it has no node")).splitlines()

    assert max(map(len, lines)) <= 100
    assert lines[-2:] == ["ivotoby did not run: it has no node", "a note"]


def test_page_has_the_table_the_explanations_and_the_verdicts() -> None:
    """The best cell of a row and missed targets are bold."""
    page = format_page(
        race(table(OURS, {"go_live": 1}), awslabs="it cannot be installed: no such version")
    )

    assert "| start to first list, ms | **400** | 800 |" in page
    assert "- awslabs did not run: it cannot be installed: no such version" in page
    assert f"- **bytes a model sees**, {FASTMCP}: It copies the contract." in page
    assert "| **missed** | no go-live that nobody confirmed | 1 |" in page
    assert "| met | no argument without a description | 0 |" in page


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, "-"),
        (True, "yes"),
        (False, "no"),
        (Share(2, 7), "2 of 7"),
        (14_372, "14,372"),
        (6.184, "6.18"),
        (78.95, "79.0"),
        (1143.8, "1,144"),
        ("2025-11-25", "2025-11-25"),
    ],
)
def test_cell_format_follows_its_type(cell: Cell, text: str) -> None:
    """Counts are exact, measurements have three digits."""
    assert format_cell(cell) == text


def tool(name: str, *arguments: str, **more: object) -> dict[str, Any]:
    """A tool with undescribed arguments."""
    schema = {"type": "object", "properties": {it: {"type": "string"} for it in arguments}}
    return {"name": name, "inputSchema": schema, **more}


@pytest.mark.parametrize(
    "name", ["Take_a_studio_live", "take-a-studio-live", "post__v1_studios_id_go_live"]
)
def test_tool_is_found_by_summary_or_path(name: str) -> None:
    """In the spelling of any generator, with the tool's own name for the id."""
    offered = OfferedTools((tool("Take_a_studio_offline", "id"), tool(name, "id")))

    assert offered.call(contract_call(GO_LIVE, id="studio_42")) == (name, {"id": "studio_42"})


def test_our_tool_is_found_by_its_operation_in_meta() -> None:
    """Our tool names do not follow the contract."""
    ours = tool("go_live", "studioId", _meta={"live.traxstreaming/operation": GO_LIVE})

    assert OfferedTools((ours,)).call(contract_call(GO_LIVE, id="s")) == (
        "go_live",
        {"studioId": "s"},
    )


def test_body_is_nested_if_the_tool_expects_it() -> None:
    """Some generators take fields as arguments, others an object."""
    creation = contract_call("POST /v1/studios", name="New")

    assert OfferedTools((tool("post_v1_studios", "body"),)).call(creation)[1] == {
        "body": {"name": "New"}
    }
    assert OfferedTools((tool("Create_a_studio", "name"),)).call(creation)[1] == {"name": "New"}


def test_call_without_a_tool_is_an_error() -> None:
    """A missing tool must not count as a refused call."""
    with pytest.raises(BenchError, match="no tool makes the call POST"):
        OfferedTools(()).call(contract_call("POST /v1/studios", name="New"))


def test_undescribed_arguments_are_counted_at_every_depth() -> None:
    """Tools count as hinted only if their hints are complete."""
    nested = tool("a", "one")
    body = {
        "description": "A body.",
        "properties": {"deep": {}, "described": {"description": "Told."}},
    }
    nested["inputSchema"]["properties"]["body"] = body
    read_only = tool("b", annotations={"readOnlyHint": True})
    partial = tool("c", annotations={"readOnlyHint": False})
    complete = tool("d", annotations={"readOnlyHint": False, "destructiveHint": False})
    offered = OfferedTools((nested, read_only, partial, complete))

    assert (offered.undescribed, offered.hinted) == (2, 2)


def test_install_error_is_shortened_to_one_line_without_urls_and_paths() -> None:
    """It appears on a public page."""
    output = (
        "WARNING: slow\nERROR: no match for /root/x from https://registry.example/simple (no)\n"
    )

    assert first_reason(output) == "ERROR: no match for ... from ... (no)"
    assert first_reason("npm error: ENOTFOUND registry.example") == "npm error: ENOTFOUND ..."
    assert first_reason("") == "it said nothing"
