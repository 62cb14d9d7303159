"""The audit log: one JSON line per decision, and for a call that runs, one before and one after.

A call never depends on it: lines that cannot be written go to the log, which says so once, and how
many they were when the file is back. No line holds a key, a stream key or a confirmation, and no
line is longer than 8 kB.
"""

import json
import logging
import os
import stat
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from trax_mcp.actions.change import Change
from trax_mcp.actions.results import ADDRESSES
from trax_mcp.api.caller import redact
from trax_mcp.api.text_safety import escape_invisible, host_of, truncate
from trax_mcp.clock import Clock, iso
from trax_mcp.consent.calls import Call
from trax_mcp.instruments import DECISIONS

_LOG = logging.getLogger(__name__)
_ARGUMENTS = "arguments"
_LOGGED_NAME = 64
_LONGEST_LINE = 8_000  # leaves room for level and logger, where it goes to the log
_LENGTHS = (2_048, 512, 128, 32, 8)  # tried in this order on the arguments of a longer line
_LONGEST_FACT = 64  # such as a request id
_OTHER_USERS = stat.S_IRWXG | stat.S_IRWXO
_FLAGS = (
    getattr(os, "O_NONBLOCK", 0)  # a pipe that nobody reads must not delay a stop
    | getattr(os, "O_NOFOLLOW", 0)  # a link could lead into any file of this user
)
"""Windows has neither."""


class Audit:
    """Writes to a file of JSON lines, or to the log if there is no file."""

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._in_log = 0
        """How many lines went to the log since the file could last be written."""
        self._warned = False

    def write_verdict(
        self, call: Call, facts: Mapping[str, str | None], *, digest: str | None = None
    ) -> None:
        """Write and count what was decided about a call."""
        self.write("decided", call, digest=digest, **facts)
        _count(
            call.tool,
            str(facts["verdict"]),
            facts["answeredIn"],
            reason=facts["reason"],
            by_wish=call.by_wish,
        )

    def write_not_asked_in_form(self, call: Call) -> None:
        """Write and count that a question is too long for a form, and is asked elsewhere."""
        self.write("not_asked", call, channel="form", reason="too_long")
        _count(call.tool, "NotAsked", "form", reason="too_long", by_wish=False)

    def write(self, event: str, call: Call, **facts: object) -> None:
        """Write one line about a call. Facts that are None are left out."""
        caller = call.caller
        secrets = [secret for it in call.operations for secret in it.secrets()]
        # Redact before shortening, so that no part of a key remains.
        safe = partial(_redact, secrets=(*secrets, caller.key))
        line = {
            "time": iso(self._clock.now()),
            "event": event,
            "caller": caller.owner,
            "client": safe(caller.client) or None,
            "actorClaimed": safe(call.claimed_name or "")[:_LOGGED_NAME] or None,
            "askedBy": "caller" if call.by_wish else None,
            "operation": call.tool,
            _ARGUMENTS: _arguments(call, safe),
            # Not the caller's own key: a short one could stand in a verdict.
            **{name: _map_texts(it, redact) for name, it in facts.items()},
        }
        text = _to_json({name: value for name, value in line.items() if value is not None})
        if self._path is None:
            _LOG.info("%s", text)
            return
        try:
            self._append(self._path, text + "\n")
        except OSError as error:
            self._write_to_log(text, error)

    def _append(self, path: Path, text: str) -> None:
        """Append a line. The file is opened each time, so that log rotation works."""
        with open(path, "a", encoding="utf-8", opener=_open_private) as file:
            self._warn_once(os.fstat(file.fileno()).st_mode)
            file.write(text)
        if self._in_log:
            _LOG.warning(
                "TRAX_AUDIT_LOG can be written again. Lines that are only in this log: %d.",
                self._in_log,
            )
            self._in_log = 0

    def _warn_once(self, mode: int) -> None:
        is_open = os.name == "posix" and stat.S_ISREG(mode) and mode & _OTHER_USERS
        if is_open and not self._warned:
            self._warned = True
            _LOG.warning(
                "TRAX_AUDIT_LOG is open to other users (%s). Run chmod 600 on it.",
                stat.filemode(mode),
            )

    def _write_to_log(self, text: str, error: OSError) -> None:
        if not self._in_log:
            _LOG.error(
                "TRAX_AUDIT_LOG can't be written (%s). Calls go on, and its lines are written"
                " here.",
                error.strerror,
            )
        self._in_log += 1
        _LOG.warning("%s", text)


def _count(
    tool: str, verdict: str, channel: str | None, *, reason: str | None, by_wish: bool
) -> None:
    """Count what was decided. `by_wish`: the caller has asked for a preview, not the server."""
    labels = {
        "gen_ai.tool.name": tool,
        "verdict": verdict,
        "channel": channel or "none",
        "reason": reason or "none",
        "asked_by": "caller" if by_wish else "server",
    }
    DECISIONS.add(1, labels)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags | _FLAGS, 0o600)


def _redact(text: str, *, secrets: Iterable[str | None]) -> str:
    return redact(text, *secrets)


def _arguments(call: Call, safe: Callable[[str], str]) -> Mapping[str, object]:
    """The arguments of a call without secrets."""
    masked = [_masked(it, safe) for it in call.operations]
    if len(masked) == 1:
        return masked[0]
    tools = [it.tool_name for it in call.operations]
    changes = [{"tool": tool, _ARGUMENTS: it} for tool, it in zip(tools, masked, strict=True)]
    return {"studioId": safe(call.studio), "changes": changes}


def _masked(operation: Change[Any], safe: Callable[[str], str]) -> Mapping[str, object]:
    """The arguments without secrets. Addresses lose their path, which may hold a key."""
    given = operation.model_dump(mode="json", by_alias=True, exclude_none=True)
    redacted = {name: _map_texts(value, safe) for name, value in given.items()}
    return {
        name: _origin(str(value)) if name in ADDRESSES else value
        for name, value in redacted.items()
    }


def _to_json(line: Mapping[str, object]) -> str:
    """The line as JSON. The longest texts and lists are shortened if it is over the limit."""
    text = escape_invisible(json.dumps(line))
    for longest in _LENGTHS:
        if len(text) < _LONGEST_LINE:
            break
        text = escape_invisible(json.dumps(_shortened(line, longest)))
    return text


def _shortened(line: Mapping[str, object], longest: int) -> Mapping[str, object]:
    limits = {name: max(longest, _LONGEST_FACT) for name in line} | {_ARGUMENTS: longest}
    return {
        name: _map_texts(value, partial(truncate, longest=limits[name]), most=limits[name])
        for name, value in line.items()
    }


def _map_texts(value: object, change: Callable[[str], str], *, most: int | None = None) -> object:
    """Change all nested strings. Of a list, only the first `most` items are kept."""
    match value:
        case str():
            return change(value)
        case dict():
            return {name: _map_texts(inner, change, most=most) for name, inner in value.items()}
        case list():
            return [_map_texts(inner, change, most=most) for inner in value[:most]]
    return value


def _origin(address: str) -> str:
    host = host_of(address)
    return f"{address.partition(':')[0].lower()}://{host}/..." if host else "..."
