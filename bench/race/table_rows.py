"""The rows of the table: the meaning of each, which figure is better, and why a peer is ahead."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from bench.race.compared_servers import FASTMCP, GATEWAY, IVOTOBY, MCPIFY


class Better(Enum):
    """Which of two figures is better."""

    LESS = "less is better"
    MORE = "more is better"
    NEITHER = "to know"


@dataclass(frozen=True, slots=True)
class Share:
    """A count of a total."""

    count: int
    of: int

    def __str__(self) -> str:
        return f"{self.count} of {self.of}"


Cell = Share | float | bool | str | None
"""None if the server does not have it, or could not be measured."""


def cell_number(cell: Cell) -> float | None:
    """The cell as a number to compare, if there is one."""
    match cell:
        case Share(count, of):
            return count / of if of else None
        case bool() | int() | float():
            return float(cell)
        case _:
            return None


def format_cell(cell: Cell) -> str:
    """The cell as text; measured figures have three digits."""
    match cell:
        case None:
            return "-"
        case bool():
            return "yes" if cell else "no"
        case float():
            return f"{cell:,.{sum(cell < size for size in (10, 100))}f}"
        case int():
            return f"{cell:,}"
        case _:
            return str(cell)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `ahead`: peer -> why it is ahead in this row."""

    key: str
    label: str
    better: Better
    meaning: str
    ahead: Mapping[str, str] = field(default_factory=dict)


LEVEL: Final = (
    "trax-mcp and fastmcp stand on the same SDK and on sister HTTP clients, which take nine tenths "
    "of a call: what is left is too little for such a lead, and the order can change from run to "
    "run."
)
"""Why calls per second miss their target, if they are about equal to fastmcp's."""

_MCPIFY_START: Final = (
    "mcpify is written with the standard library alone, so there is little to import; trax-mcp "
    "imports the official SDK and pydantic, which bring both protocol eras and the checks of "
    "arguments and answers."
)
_MCPIFY_MEMORY: Final = (
    "mcpify loads neither an SDK nor a schema library nor an asynchronous HTTP client."
)
_MCPIFY_CALLS: Final = (
    "mcpify reads a line, makes one blocking request and writes a line; trax-mcp goes through the "
    "SDK's sessions and tasks, checks arguments and answers, and can be cancelled meanwhile."
)
_IVOTOBY_START: Final = (
    "ivotoby runs on node, which loads a bundled program sooner than Python imports an SDK module "
    "by module."
)
_IVOTOBY_CALLS: Final = (
    "ivotoby runs on node, whose event loop and HTTP client do the same work in a fraction of the "
    "CPU time that Python's need."
)
_COPIES: Final = (
    "They copy the contract; trax-mcp also describes the arguments that the contract leaves "
    "undescribed, adds advice and the arguments of a confirmation, and has tools beyond the "
    "contract's."
)
_FASTER: Final = {MCPIFY: _MCPIFY_CALLS, IVOTOBY: _IVOTOBY_CALLS, FASTMCP: LEVEL}

_RATE: Final = (
    "Calls of one read (one studio), each answered from the sandbox, per second, with {}; the "
    "median of the rounds."
)

ROWS: Final = (
    Row(
        "protocol",
        "protocol revision",
        Better.NEITHER,
        "What it agreed to when it was offered 2025-11-25, the revision that all of them speak and "
        "in which all was measured.",
    ),
    Row(
        "start_ms",
        "start to first list, ms",
        Better.LESS,
        "From the birth of the process to its answer to the first `tools/list`, over stdio; the "
        "median of the starts.",
        {MCPIFY: _MCPIFY_START, IVOTOBY: _IVOTOBY_START},
    ),
    Row(
        "memory_mib",
        "memory, MiB",
        Better.LESS,
        "Resident memory of the process and all that it started, after its first call, over stdio; "
        "the median of the starts.",
        {MCPIFY: _MCPIFY_MEMORY},
    ),
    Row(
        "stdio_1",
        "calls/s, stdio, 1 in flight",
        Better.MORE,
        _RATE.format("one call at a time over stdio"),
        _FASTER,
    ),
    Row(
        "stdio_16",
        "calls/s, stdio, 16 in flight",
        Better.MORE,
        _RATE.format("16 unanswered at any time over stdio"),
        _FASTER,
    ),
    Row(
        "http_1",
        "calls/s, HTTP, 1 in flight",
        Better.MORE,
        _RATE.format("one call at a time over Streamable HTTP"),
        _FASTER,
    ),
    Row(
        "http_16",
        "calls/s, HTTP, 16 in flight",
        Better.MORE,
        _RATE.format(
            "16 connections that each wait for an answer, and are opened again where the server "
            "closes them"
        ),
        {IVOTOBY: _IVOTOBY_CALLS, FASTMCP: LEVEL},
    ),
    Row("tools", "tools", Better.NEITHER, "How many tools are listed, for the same contract."),
    Row(
        "seen_bytes",
        "bytes a model sees",
        Better.LESS,
        "Names, descriptions and input schemas of all tools, as compact JSON in UTF-8.",
        dict.fromkeys((FASTMCP, MCPIFY, GATEWAY, IVOTOBY), _COPIES),
    ),
    Row(
        "undescribed",
        "arguments undescribed",
        Better.LESS,
        "Properties of the input schemas, at any depth, without a description.",
    ),
    Row(
        "hinted",
        "tools with safety hints",
        Better.MORE,
        "Tools whose annotations say that they only read, or else whether they can destroy.",
    ),
    Row(
        "go_live",
        "unasked go-live upstream",
        Better.LESS,
        "Go-live requests that reached the sandbox after one call of that tool with nothing but "
        "the studio's id.",
    ),
    Row(
        "grave",
        "unasked grave calls upstream",
        Better.LESS,
        "Of the calls that go public, end a show or cannot be taken back (go-live, go-offline of "
        "a live studio, auto-go-live, another stream key, three deletions), those that reached the "
        "sandbox at the first call with plain arguments.",
    ),
    Row(
        "other_writes",
        "other writes at first call",
        Better.NEITHER,
        "Of all other writes, in a studio that is not live, those that reached the sandbox "
        "at the first call. trax-mcp asks before these only where the studio is live, or where a "
        "setting says so.",
    ),
    Row(
        "hidden_failures",
        "failures told as success",
        Better.LESS,
        "Of the ways in which a read can fail (404, 429, 500, 503, a page of HTML with 200, "
        "broken JSON with 200, a dropped connection), those answered with neither `isError` nor a "
        "JSON-RPC error.",
    ),
    Row(
        "invalid",
        "invalid calls upstream",
        Better.LESS,
        "Of calls whose arguments the contract's types rule out or TRaX documents as a 400 "
        "(a limit that is no number, a limit of 0, no id, no name, a number for a text, a text for "
        "a number), those that were sent all the same.",
    ),
    Row(
        "hint",
        "Retry-After reaches the model",
        Better.MORE,
        "Whether the seconds of a 429's Retry-After can be read in the answer.",
    ),
    Row(
        "secrets",
        "places that show a key",
        Better.LESS,
        "Of these places, those that show the API key or a stream key, at least half of it in one "
        "piece: the answers to calls that add a destination with its stream key (one that is "
        "accepted, one that lacks an argument, one met by a 500, one by a dropped connection), and "
        "all of stderr, with the log level that it comes with.",
    ),
    Row(
        "chat",
        "chat marked as strangers' words",
        Better.MORE,
        "Whether an answer with viewers' messages says, outside of the messages, that they are not "
        "to be trusted or obeyed.",
    ),
    Row(
        "subscription",
        "chat can be subscribed to",
        Better.MORE,
        "Whether there is a resource with the chat that can be subscribed to, and a notification "
        "comes when somebody speaks.",
    ),
)
