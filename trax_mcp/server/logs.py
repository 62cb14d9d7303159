"""Logging to stderr, never stdout: one line for each record, without secrets of other libraries.

HTTP libraries log whole URLs, presigned ones with their signature too. Text of others, such as a
Host header, cannot break a line.
"""

import logging
import sys

from trax_mcp.api.text_safety import escape_invisible

_VERBOSE_LOGGERS = ("httpx", "httpcore", "httpx2", "httpcore2", "mcp", "sse_starlette", "uvicorn")
_OPENTELEMETRY = "opentelemetry"  # repeats a trace header that it cannot read


class _OneLineFormatter(logging.Formatter):
    """Escapes line breaks and terminal sequences in messages."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's name
        """Format the line; a traceback follows it unchanged."""
        return escape_invisible(super().formatMessage(record).rstrip())


def set_up_logging(level: str) -> None:
    """Log to stderr from `level` up, but verbose libraries at least from WARNING up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLineFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in _VERBOSE_LOGGERS:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    logging.getLogger(_OPENTELEMETRY).setLevel(logging.CRITICAL)
