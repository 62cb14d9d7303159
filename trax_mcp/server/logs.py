"""Logging to stderr, never stdout: one line for each record, without secrets of other libraries.

HTTP libraries log whole URLs, presigned ones with their signature too. Text of others, such as a
Host header, cannot break a line. A reader of stderr that stops reading delays nothing.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from trax_mcp.api.caller import ANONYMOUS, redact_keys
from trax_mcp.api.text_safety import escape_invisible
from trax_mcp.server.queued_stderr import queued_stderr

_LONGEST_LINE = 1024  # bytes, with the line break
_ELLIPSIS = "…"
_AUDIT = "trax_mcp.consent.audit"  # limits its lines itself, so that they stay JSON
_VERBOSE_LOGGERS = ("httpx", "httpcore", "httpx2", "httpcore2", "mcp", "sse_starlette", "uvicorn")
_OPENTELEMETRY = "opentelemetry"  # repeats a trace header that it cannot read


class _OneLineFormatter(logging.Formatter):
    """Escapes line breaks and terminal sequences in messages, and shortens lines."""

    def format(self, record: logging.LogRecord) -> str:
        """Format the record without keys. The lines of a traceback are shortened like the first."""
        # Redact before shortening, so that no part of a key remains.
        text = redact_keys(super().format(record), ANONYMOUS)
        if record.name == _AUDIT:
            return text
        return "\n".join(_shorten(line) for line in text.split("\n"))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's name
        """Format the line; a traceback follows it unescaped."""
        return escape_invisible(super().formatMessage(record).rstrip())


@contextmanager
def logging_to_stderr(level: str) -> Iterator[None]:
    """Log from `level` up within a block, but verbose libraries at least from WARNING up.

    Nothing that is written to `sys.stderr` in the block waits for its reader.
    """
    with queued_stderr():
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(_OneLineFormatter("%(levelname)s %(name)s: %(message)s"))
        logging.basicConfig(handlers=[handler], level=level, force=True)
        logging.captureWarnings(capture=True)
        for name in _VERBOSE_LOGGERS:
            logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
        logging.getLogger(_OPENTELEMETRY).setLevel(logging.CRITICAL)
        yield


def _shorten(line: str) -> str:
    if len(encoded := line.encode(errors="backslashreplace")) < _LONGEST_LINE:
        return line
    longest = _LONGEST_LINE - len(f"{_ELLIPSIS}\n".encode())
    return encoded[:longest].decode(errors="ignore") + _ELLIPSIS
