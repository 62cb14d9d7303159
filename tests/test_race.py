"""The race's own judgement: what is found, shown and judged, without a race."""

from typing import Any

import pytest

from bench.processes import BenchError
from proof.race.cells import Cell, Share, shown
from proof.race.course import ROWS_FILLED
from proof.race.entrants import AWSLABS, ENTRANTS, FASTMCP, GATEWAY, IVOTOBY, MCPIFY, OURS
from proof.race.installing import first_reason
from proof.race.offered import Offered, act
from proof.race.report import Race, as_page, in_columns
from proof.race.rows import ROWS
from proof.race.sentences import SENTENCES, Sentence
from proof.race.verdicts import judge, needless

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
"""A race in which every target is met."""

SHORT = (Sentence("seen_bytes", (FASTMCP,), "It copies the contract."),)


def table(name: str, cells: dict[str, Cell]) -> dict[str, dict[str, Cell]]:
    """The race that was won, but for these cells of one entrant."""
    return {**WON, name: WON.get(name, {}) | cells}


def missed(raced: dict[str, dict[str, Cell]], *sentences: Sentence) -> list[tuple[str, str]]:
    """The targets that are missed, and what was seen."""
    verdicts = judge(raced, sentences or SHORT)
    return [(it.target, it.seen) for it in verdicts if not it.met]


def test_a_race_that_is_won_misses_nothing() -> None:
    """All targets are met, so each of the misses below comes of the one figure it changes."""
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
def test_each_target_that_is_missed_is_told(cells: dict[str, Cell], target: str, seen: str) -> None:
    """With one worse figure of ours, its target is missed, and the figures are shown."""
    ahead = Sentence("http_1", (FASTMCP,), "It answers over HTTP.")
    told = dict(missed(table(OURS, cells), *SHORT, ahead))

    assert [*told] == [target]
    assert told[target].startswith(seen)


def test_a_target_that_is_missed_for_a_known_reason_is_told_as_missed() -> None:
    """The race is not lost by it; without the reason, or far behind fastmcp, it is."""
    known = Sentence("start_ms", (MCPIFY,), "It imports little.")
    sooner = table(MCPIFY, {"start_ms": 50.0})
    (start, *_) = judge(sooner, (*SHORT, known))

    assert (start.met, start.stands, start.why) == (False, True, "It imports little.")
    assert not judge(sooner, SHORT)[0].stands
    assert not judge({**sooner, FASTMCP: {"start_ms": 50.0}}, (known,))[0].stands
    close, behind = (judge(table(OURS, {"stdio_1": it}), SHORT)[2] for it in (250.0, 150.0))
    assert (close.met, close.stands) == (False, True)
    assert (behind.met, behind.stands) == (False, False)


def test_a_peer_that_did_not_run_cannot_be_beaten() -> None:
    """Without fastmcp and without any Python peer nothing is won by default."""
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
def test_every_python_peer_means_every_one(name: str) -> None:
    """Where one could not be installed, nobody can say that it was beaten."""
    others = {it: cells for it, cells in WON.items() if it != name}
    start, memory, *_ = judge(others, SHORT)

    seen = f"it could not be judged without {name}"
    assert (start.stands, start.seen) == (memory.stands, memory.seen) == (False, seen)


def test_a_peer_ahead_needs_a_sentence_for_its_row() -> None:
    """A sentence about another peer, or another row, does not count."""
    faster = table(MCPIFY, {"seen_bytes": 7_000, "chat": False})
    target = "no peer ahead without a sentence that says why"

    assert missed(faster) == [(target, f"bytes a model sees: {MCPIFY}")]
    assert missed(faster, *SHORT, Sentence("seen_bytes", (MCPIFY,), "Short.")) == []


def test_a_sentence_about_who_is_not_ahead_is_told() -> None:
    """Such sentences are named, unless they speak of who did not run."""
    boasts = (*SHORT, Sentence("chat", (FASTMCP, IVOTOBY), "It marks the words."))

    assert needless(WON, SHORT) == []
    assert needless(WON, boasts) == [f"chat marked as strangers' words: {FASTMCP}"]


def test_every_sentence_speaks_of_a_row_and_of_peers() -> None:
    """A row or a peer that was renamed takes its sentence along."""
    rows = {row.key for row in ROWS}
    peers = {it.name for it in ENTRANTS} - {OURS}

    assert {it.row for it in SENTENCES} <= rows
    assert {peer for it in SENTENCES for peer in it.peers} <= peers


def test_every_row_is_filled_by_the_course_and_every_cell_has_a_row() -> None:
    """A row or a question that was renamed takes the other along."""
    keys = [row.key for row in ROWS]

    assert sorted(ROWS_FILLED) == sorted(keys)


def raced(raced_table: dict[str, dict[str, Cell]], **absent: str) -> Race:
    """A race to be shown."""
    return Race(
        date="2026-01-02",
        machine="a machine",
        versions={OURS: "trax-mcp 1"},
        table=raced_table,
        absent=absent,
        notes=["a note"],
        verdicts=judge(raced_table, SHORT),
        sentences=SHORT,
    )


def test_the_table_fits_a_terminal_and_names_who_did_not_run() -> None:
    """With every entrant it is no wider than 100 columns; the reason stands under it."""
    everybody = {it.name: WON[OURS] for it in ENTRANTS[:-1]}
    lines = in_columns(raced(everybody, ivotoby="it has no node")).splitlines()

    assert max(map(len, lines)) <= 100
    assert lines[-2:] == ["ivotoby did not run: it has no node", "a note"]


def test_the_page_holds_the_table_the_reasons_and_the_verdicts() -> None:
    """The best of a row is bold, an absent peer is named, a missed target stands out."""
    page = as_page(
        raced(table(OURS, {"go_live": 1}), awslabs="it cannot be installed: no such version")
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
def test_a_cell_is_shown_as_what_it_is(cell: Cell, text: str) -> None:
    """Counts exactly, measured figures with three digits."""
    assert shown(cell) == text


def tool(name: str, *arguments: str, **more: object) -> dict[str, Any]:
    """A tool with undescribed arguments."""
    schema = {"type": "object", "properties": {it: {"type": "string"} for it in arguments}}
    return {"name": name, "inputSchema": schema, **more}


@pytest.mark.parametrize(
    "name", ["Take_a_studio_live", "take-a-studio-live", "post__v1_studios_id_go_live"]
)
def test_a_tool_is_found_by_summary_or_by_path(name: str) -> None:
    """However a generator writes it, with the id under the name that the tool has for it."""
    offered = Offered((tool("Take_a_studio_offline", "id"), tool(name, "id")))

    assert offered.call(act(GO_LIVE, id="studio_42")) == (name, {"id": "studio_42"})


def test_our_tool_is_found_by_its_operation() -> None:
    """Names of our own are found by what they say in `_meta`."""
    ours = tool("go_live", "studioId", _meta={"live.traxstreaming/operation": GO_LIVE})

    assert Offered((ours,)).call(act(GO_LIVE, id="s")) == ("go_live", {"studioId": "s"})


def test_a_body_is_nested_where_the_tool_wants_it() -> None:
    """One generator takes the fields one by one, another as an object."""
    creation = act("POST /v1/studios", name="New")

    assert Offered((tool("post_v1_studios", "body"),)).call(creation)[1] == {
        "body": {"name": "New"}
    }
    assert Offered((tool("Create_a_studio", "name"),)).call(creation)[1] == {"name": "New"}


def test_a_call_without_a_tool_is_said() -> None:
    """A generator that leaves one out is not counted as careful."""
    with pytest.raises(BenchError, match="no tool makes the call POST"):
        Offered(()).call(act("POST /v1/studios", name="New"))


def test_what_a_model_sees_is_counted_at_every_depth() -> None:
    """Nested arguments count too, and hints only where they say enough."""
    nested = tool("a", "one")
    body = {"description": "A body.", "properties": {"deep": {}, "told": {"description": "Told."}}}
    nested["inputSchema"]["properties"]["body"] = body
    reading = tool("b", annotations={"readOnlyHint": True})
    half = tool("c", annotations={"readOnlyHint": False})
    whole = tool("d", annotations={"readOnlyHint": False, "destructiveHint": False})
    offered = Offered((nested, reading, half, whole))

    assert (offered.undescribed, offered.hinted) == (2, 2)


def test_a_reason_is_one_line_without_addresses_and_paths() -> None:
    """It goes into a page that others read."""
    told = "WARNING: slow\nERROR: no match for /root/x from https://registry.example/simple (no)\n"

    assert first_reason(told) == "ERROR: no match for ... from ... (no)"
    assert first_reason("npm error: ENOTFOUND registry.example") == "npm error: ENOTFOUND ..."
    assert first_reason("") == "it said nothing"
