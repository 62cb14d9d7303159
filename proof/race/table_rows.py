"""The rows of the table: the meaning of each, and which figure is better."""

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Better(Enum):
    """Which of two figures is better."""

    LESS = "less is better"
    MORE = "more is better"
    NEITHER = "to know"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    key: str
    label: str
    better: Better
    meaning: str


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
    ),
    Row(
        "memory_mib",
        "memory, MiB",
        Better.LESS,
        "Resident memory of the process and all that it started, after its first call, over stdio; "
        "the median of the starts.",
    ),
    Row(
        "stdio_1",
        "calls/s, stdio, 1 in flight",
        Better.MORE,
        _RATE.format("one call at a time over stdio"),
    ),
    Row(
        "stdio_16",
        "calls/s, stdio, 16 in flight",
        Better.MORE,
        _RATE.format("16 unanswered at any time over stdio"),
    ),
    Row(
        "http_1",
        "calls/s, HTTP, 1 in flight",
        Better.MORE,
        _RATE.format("one call at a time over Streamable HTTP"),
    ),
    Row(
        "http_16",
        "calls/s, HTTP, 16 in flight",
        Better.MORE,
        _RATE.format(
            "16 connections that each wait for an answer, and are opened again where the server "
            "closes them"
        ),
    ),
    Row("tools", "tools", Better.NEITHER, "How many tools are listed, for the same contract."),
    Row(
        "seen_bytes",
        "bytes a model sees",
        Better.LESS,
        "Names, descriptions and input schemas of all tools, as compact JSON in UTF-8.",
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
        "swallowed",
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
