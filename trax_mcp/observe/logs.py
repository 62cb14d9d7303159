"""Logging to stderr, never stdout: each record is one line, text or JSON, without foreign secrets.

HTTP libraries log whole URLs, presigned ones with their signature too. Text of others, such as a
Host header, cannot break a line. A thread writes the lines, so a reader of stderr that stops
reading delays nothing.
"""

import json
import logging
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final

from trax_mcp.api.caller import redact
from trax_mcp.api.text_safety import escape_invisible
from trax_mcp.settings import LogFormat

_MAX_RECORDS: Final = 1000
_CLOSE_SECONDS: Final = 0.3
_LONGEST_LINE = 1024  # bytes, with the line break
_LONGEST_TRACE = 8000  # characters, of which the last ones say most
_ELLIPSIS = "…"
_AUDIT = "trax_mcp.consent.audit"  # limits its lines itself, so that they stay JSON
_MESSAGES = "trax_mcp.observe.messages"
_TOLD = "trax_mcp.told"
_VERBOSE_LOGGERS = ("httpx", "httpcore", "httpx2", "httpcore2", "mcp", "sse_starlette", "uvicorn")
_OPENTELEMETRY = "opentelemetry"  # repeats a trace header that it cannot read


@dataclass(slots=True)
class RequestIds:
    """The ids that tie the lines of one request together. All that it starts shares them."""

    request_id: str | None = None
    trace_id: str | None = None
    trax_request_id: str | None = None
    """Of TRaX's last answer, as TRaX's logs list it."""


CURRENT_IDS: Final = ContextVar[RequestIds | None]("request_ids", default=None)
"""Those of the request that is being answered, if there is one."""


@contextmanager
def logging_to_stderr(level: str, form: LogFormat = "text") -> Iterator[None]:
    """Log from `level` up within a block, but verbose libraries at least from WARNING up.

    As text, a line for each call of a tool is for DEBUG alone.
    """
    handler, is_json = _handler(), form == "json"
    text = _OneLineFormatter("%(levelname)s %(name)s: %(message)s")
    handler.setFormatter(_JsonFormatter() if is_json else text)
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.captureWarnings(capture=True)
    has_calls = is_json or level == "DEBUG"
    logging.getLogger(_MESSAGES).setLevel(logging.NOTSET if has_calls else logging.WARNING)
    for name in _VERBOSE_LOGGERS:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    logging.getLogger(_OPENTELEMETRY).setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        handler.close()


def announce(sentence: str) -> None:
    """Say a sentence to the person who started the server, without a level before it."""
    logging.getLogger(_TOLD).critical(sentence)


class _QueuedStderr(QueueHandler):
    """Queues lines for a thread that writes them. While nobody reads, new ones are dropped.

    No lock is held while the thread writes, so the process can end although nobody reads.
    """

    def __init__(self, descriptor: int) -> None:
        # Not `Queue`: a finalizer that logs in the middle of its `put` would wait for itself.
        self._records: SimpleQueue[Any] = SimpleQueue()
        super().__init__(self._records)
        self._writer: _Writer | None = _Writer(self._records, descriptor)
        self._writer.start()

    def enqueue(self, record: logging.LogRecord) -> None:
        """Add a record, unless there are too many."""
        if self._records.qsize() < _MAX_RECORDS:
            self._records.put_nowait(record)

    def close(self) -> None:
        """Write what is queued, but wait only a moment for the reader."""
        if self._writer is not None:
            end = Thread(target=self._writer.stop, daemon=True)
            self._writer = None
            end.start()
            end.join(_CLOSE_SECONDS)
        super().close()


class _Writer(QueueListener):
    """Writes formatted records to a file descriptor, however long that takes."""

    def __init__(self, records: SimpleQueue[Any], descriptor: int) -> None:
        super().__init__(records)
        self._descriptor = descriptor

    def handle(self, record: logging.LogRecord) -> None:
        """Write a record. Without a reader it is lost."""
        data = f"{record.getMessage()}\n".encode(errors="backslashreplace")
        with suppress(OSError):
            while data:
                try:
                    data = data[os.write(self._descriptor, data) :]
                except BlockingIOError:  # the process at the other end made it non-blocking
                    select.select([], [self._descriptor], [])


class _OneLineFormatter(logging.Formatter):
    """Escapes line breaks and terminal sequences in messages, and shortens lines."""

    def format(self, record: logging.LogRecord) -> str:
        """Format the record without keys. The lines of a traceback are shortened like the first."""
        # Redact before shortening, so that no part of a key remains.
        text = redact(super().format(record))
        if record.name == _AUDIT:
            return text
        return "\n".join(_shorten(line) for line in text.split("\n"))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's name
        """Format the line; a traceback follows it unescaped."""
        text = record.message if record.name == _TOLD else super().formatMessage(record)
        return escape_invisible(text.rstrip())


class _JsonFormatter(logging.Formatter):
    """Makes each record a JSON object of ASCII characters, with the ids of its request."""

    def format(self, record: logging.LogRecord) -> str:
        """Format the record without keys. A line of the audit log is an object in it."""
        # Redact before shortening, so that no part of a key remains.
        message = redact(record.getMessage())
        audit = _read_audit(message) if record.name == _AUDIT else None
        ids = CURRENT_IDS.get() or RequestIds()
        line = {
            "time": _iso_milliseconds(record.created),
            "level": "INFO" if record.name == _TOLD else record.levelname,
            "logger": record.name,
            "message": audit["event"] if audit else _shorten(message),
            "request_id": ids.request_id,
            "trace_id": ids.trace_id,
            "audit": audit,
            **{name: _safe(it) for name, it in getattr(record, "facts", {}).items()},
        }
        if record.exc_info:
            line["exception"] = redact(self.formatException(record.exc_info))[-_LONGEST_TRACE:]
        told = {name: value for name, value in line.items() if value is not None}
        return escape_invisible(json.dumps(told))


def _safe(fact: object) -> object:
    """A fact without keys. At DEBUG it may be a method that a client has invented."""
    return _shorten(redact(fact)) if isinstance(fact, str) else fact


def _read_audit(text: str) -> Any | None:  # noqa: ANN401  any JSON
    with suppress(ValueError):  # a sentence about the audit log
        return json.loads(text)
    return None


def _iso_milliseconds(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return moment.replace("+00:00", "Z")


def _handler() -> logging.Handler:
    """The handler for stderr. The process may have none, or one in memory."""
    try:
        return _QueuedStderr(sys.stderr.fileno())
    except (AttributeError, OSError):
        return logging.StreamHandler()


def _shorten(line: str) -> str:
    if len(encoded := line.encode(errors="backslashreplace")) < _LONGEST_LINE:
        return line
    longest = _LONGEST_LINE - len(f"{_ELLIPSIS}\n".encode())
    return encoded[:longest].decode(errors="ignore") + _ELLIPSIS
