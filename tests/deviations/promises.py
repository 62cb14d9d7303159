"""What holds for each row, whatever TRaX does."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from tests.world.answers import WORDS, data_of, lines_of, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.deviations.row import Row
    from tests.deviations.scenarios import Evening, Told

_OFF_AIR: Final = re.compile(r"is off air(?! now\b)")
_TRACE: Final = re.compile(r'Traceback|File "/|\.py\b|Error\(')
_PAGE: Final = ("<html", "DOCTYPE", "ignore-me", "sk_live_leaked")
_AGAIN: Final = re.compile(r"[Cc]all again (later|in)|[Tt]ry again")


def broken_promises(row: Row, evening: Evening) -> list[str]:
    """What does not hold, in words."""
    return [
        *_sent_twice(row, evening),
        *_gaps(evening),
        *_harmless(evening),
        *(f"{it.label}: {what}" for it in evening.told for what in _of_one(row, evening, it)),
    ]


def _sent_twice(row: Row, evening: Evening) -> Iterator[str]:
    """No change is sent twice, but the documented stops, and a file to the storage."""
    for sent in dict.fromkeys(evening.sent):
        times = evening.sent.count(sent)
        is_stop_again = sent.endswith("go-offline") and row.stops_again
        if times > 1 and not is_stop_again and (sent, times) != ("PUT", 2):
            yield f"{sent} was sent {times} times"


def _gaps(evening: Evening) -> Iterator[str]:
    """Each message is shown, if only without its text, or it is said that some may be missing."""
    heard = [data_of(it.result) for it in evening.told if it.label.startswith("wait ")]
    shown = [message["text"] for it in heard for message in it.get("messages", ())]
    says_so = any(it.get("missed") or "error" in it for it in heard)
    lost = [it for it in evening.written if it not in shown]
    if len(lost) > shown.count(None) and not says_so:
        yield f"lost without a word: {lost}"


def _harmless(evening: Evening) -> Iterator[str]:
    """A question names each destination, or its choice names no platform."""
    for it in evening.told:
        preview = data_of(it.result).get("preview")
        if preview and it.label == "go_live asks" and " on " in preview["yes"]:
            there = [it for it in preview["effects"] if it.startswith("Streams to: ")]
            named = "".join(there).count('" (')
            if named < evening.started:
                yield f"asks for {named} destinations, and {evening.started} were started"


def _of_one(row: Row, evening: Evening, told: Told) -> Iterator[str]:
    text, data, everything = text_of(told.result), data_of(told.result), str(told.result)
    if told.live and not row.lies and says_off_air(told):
        yield "says that it is off air"
    if not told.live and data.get("observed", {}).get("state") == "on_air" and not row.lies:
        yield "says that it is on air"
    if secrets := [it for it in evening.secrets if it in everything]:
        yield f"tells {secrets}"
    if _TRACE.search(everything) or any(it in everything for it in _PAGE):
        yield f"holds what is no sentence of ours: {everything}"
    error = data.get("error", {}) if told.result.is_error else {}
    if (error.get("retryable") or _AGAIN.search(text)) and not row.passes:
        yield f"says to call again: {text}"
    if error and text != error["message"]:
        yield "the text of an error is not its message"
    if not error and (lone := _in_one_half(text, data)):
        yield f"one half alone has {lone}"


def _in_one_half(text: str, data: dict[str, Any]) -> list[str]:
    """The sentences that only one half of an answer has. A preview's text has no summary."""
    preview = data.get("preview", {})
    told = [it for name in ("effects", "warnings", "unknown") for it in preview.get(name, ())]
    words = told or lines_of({name: it for name, it in data.items() if name in WORDS})
    lines = [] if preview else [it for it in text.split("\n") if it[:1] not in {"", "{", "<"}]
    structure = json.dumps(data, ensure_ascii=False) + "\n".join(words)
    return [it for it in words if it not in text] + [it for it in lines if it not in structure]


def says_off_air(told: Told) -> bool:
    """Whether an answer says without a doubt that the show is off air."""
    data = data_of(told.result)
    summary = str(data.get("summary", ""))
    return (
        data.get("observed", {}).get("state") == "off_air"
        or _OFF_AIR.search(summary) is not None
        or (_sees_it_off(data.get("studios", ())) and "may be starting" not in summary)
    )


def _sees_it_off(studios: Sequence[dict[str, Any]]) -> bool:
    return any(it.get("live") is False for it in studios if "42" in str(it.get("id")))
