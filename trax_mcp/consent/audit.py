"""The audit log: one JSON line per decision, and for a call that runs, one before and one after.

A call never depends on it: a line that cannot be written is reported on stderr once. No line holds
a key, a stream key or a confirmation.
"""

import errno
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from trax_mcp.api.caller import KEY_PATTERN, Caller, redact_keys
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.clock import Clock, iso

_LOG = logging.getLogger(__name__)
_ADDRESSES = frozenset({"rtmpUrl", "url"})
_LONGEST_NAME = 64
_NEVER_WAIT = getattr(os, "O_NONBLOCK", 0)
"""A pipe that nobody reads must not delay a stop. Windows does not have this flag."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The caller, and the user that a bot claims to act for. The key itself is not logged."""

    caller: Caller
    claimed_name: str | None = None


class Audit:
    """Writes to a file of JSON lines, or to the log if there is no file."""

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._failed = False

    def write(self, event: str, operation: Operation[Model], actor: Actor, **facts: object) -> None:
        """Write one line. Facts that are None are left out."""
        # Redact before truncating, so that no part of a key remains.
        claimed_name = redact_keys(actor.claimed_name or "", actor.caller)
        line = {
            "time": iso(self._clock.now()),
            "event": event,
            "caller": actor.caller.fingerprint,
            "actorClaimed": claimed_name[:_LONGEST_NAME] or None,
            "operation": operation.tool_name,
            "arguments": _redacted(_masked(operation), actor.caller),
            **facts,
        }
        known = {name: value for name, value in line.items() if value is not None}
        text = KEY_PATTERN.sub("[key]", json.dumps(known))
        if self._path is None:
            _LOG.info("%s", text)
            return
        try:
            _append(self._path, text + "\n")
        except OSError as error:
            self._report_once(error)

    def _report_once(self, error: OSError) -> None:
        if not self._failed:
            self._failed = True
            _LOG.error("TRAX_AUDIT_LOG cannot be written (%s); calls go on.", error.strerror)


def _append(path: Path, text: str) -> None:
    """Append a line. The file is opened each time, so that log rotation works."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _NEVER_WAIT, 0o600)
    try:
        if os.write(file, text.encode()) < len(text):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(file)


def _masked(operation: Operation[Model]) -> Mapping[str, object]:
    """The arguments without secrets. Addresses lose their path, which may hold a key."""
    given = operation.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {
        name: _origin(str(value)) if name in _ADDRESSES else value for name, value in given.items()
    }


def _redacted(value: object, caller: Caller) -> object:
    """Replace keys in all nested strings."""
    match value:
        case str():
            return redact_keys(value, caller)
        case dict():
            return {name: _redacted(inner, caller) for name, inner in value.items()}
        case list():
            return [_redacted(inner, caller) for inner in value]
    return value


def _origin(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        return "..."
    return f"{parts.scheme}://{parts.hostname}/..." if parts.hostname else "..."
