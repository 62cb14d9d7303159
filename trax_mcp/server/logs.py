"""The log: to stderr, never stdout, and without what other people's loggers would put into it.

The HTTP libraries print whole URLs, presigned ones with their signature too, and the SDK's
transports print session ids; whoever has those has the thing itself. What a stranger wrote, such
as a Host header, stays on its line.
"""

import logging
import re
import sys

from trax_mcp.api.text_safety import escape_invisible

_TALKATIVE = ("httpx", "httpcore", "httpx2", "httpcore2", "mcp", "sse_starlette", "uvicorn")
_REPEATS_INPUT = "opentelemetry"  # a trace header that it cannot read
_SESSIONS = "mcp.server.streamable_http_manager"
_SESSION_ID = re.compile(r"\b[0-9a-f]{32}\b")


def _hide_session_ids(record: logging.LogRecord) -> bool:
    """A filter that lets everything pass: even warnings name the session."""
    record.msg = _SESSION_ID.sub("...", record.getMessage())
    record.args = None
    return True


class _OneLine(logging.Formatter):
    """Messages without a line break or a terminal sequence, whoever wrote them."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's name
        """The line itself; a traceback follows it as it is."""
        return escape_invisible(super().formatMessage(record).rstrip())


def set_up_logging(level: str) -> None:
    """Log to stderr from `level` up; the talkative libraries from WARNING up, whatever it is."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    logging.getLogger(_REPEATS_INPUT).setLevel(logging.CRITICAL)
    logging.getLogger(_SESSIONS).addFilter(_hide_session_ids)
