"""What was decided and what came of it, written down.

One JSON line per decision, and for an act one before it is sent and one after.

The call's result never depends on it: a line that cannot be written is said on stderr once. No key,
no stream key and no confirmation is ever in a line.
"""

import errno
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from trax_mcp.api.caller import KEY, Caller, redact_keys
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.clock import Clock, iso

_LOG = logging.getLogger(__name__)
_ADDRESSES = frozenset({"rtmpUrl", "url"})
_LONGEST_ACTOR = 64
_NEVER_WAIT = getattr(os, "O_NONBLOCK", 0)
"""A pipe that nobody reads must not hold up a stop. Windows has no such flag, and no such pipes."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks, and who a bot says it is for. Of the key only the fingerprint is written down."""

    caller: Caller
    claims: str | None = None


class Audit:
    """A file of JSON lines, or the log where there is none."""

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._failed = False

    def write(self, event: str, operation: Operation[Model], asker: Actor, **facts: object) -> None:
        """Write one line. Facts that are None are left out."""
        claims = redact_keys(asker.claims or "", asker.caller)  # before it is cut, lest a part stay
        line = {
            "time": iso(self._clock.now()),
            "event": event,
            "caller": asker.caller.fingerprint,
            "actorClaimed": claims[:_LONGEST_ACTOR] or None,
            "operation": operation.tool_name,
            "arguments": _redacted(_masked(operation), asker.caller),
            **facts,
        }
        known = {name: value for name, value in line.items() if value is not None}
        text = KEY.sub("[key]", json.dumps(known))
        if self._path is None:
            _LOG.info("%s", text)
            return
        try:
            _append(self._path, text + "\n")
        except OSError as error:
            self._complain(error)

    def _complain(self, error: OSError) -> None:
        if not self._failed:
            self._failed = True
            _LOG.error("TRAX_AUDIT_LOG cannot be written (%s); calls go on.", error.strerror)


def _append(path: Path, text: str) -> None:
    """Opened for each line, so that a rotated file is never written to."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _NEVER_WAIT, 0o600)
    try:
        if os.write(file, text.encode()) < len(text):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(file)


def _masked(operation: Operation[Model]) -> Mapping[str, object]:
    """The arguments without what opens anything: an address may carry a key in its path."""
    given = operation.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {
        name: _origin(str(value)) if name in _ADDRESSES else value for name, value in given.items()
    }


def _redacted(value: object, caller: Caller) -> object:
    """The same without a key, wherever a model or a bot has put one."""
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
