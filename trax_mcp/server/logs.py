"""The log: to stderr, never stdout, and without what other people's loggers would put into it.

The HTTP libraries print whole URLs, presigned ones with their signature too, and the SDK's
transports print session ids; whoever has those has the thing itself.
"""

import logging
import re
import sys

_TALKATIVE = ("httpx", "httpcore", "httpx2", "httpcore2", "mcp", "sse_starlette", "uvicorn")
_SESSIONS = "mcp.server.streamable_http_manager"
_SESSION_ID = re.compile(r"\b[0-9a-f]{32}\b")


def _hide_session_ids(record: logging.LogRecord) -> bool:
    """A filter that lets everything pass: even warnings name the session."""
    record.msg = _SESSION_ID.sub("...", record.getMessage())
    record.args = None
    return True


def set_up_logging(level: str) -> None:
    """Log to stderr from `level` up; the talkative libraries from WARNING up, whatever it is."""
    logging.basicConfig(
        stream=sys.stderr, level=level, format="%(levelname)s %(name)s: %(message)s", force=True
    )
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    logging.getLogger(_SESSIONS).addFilter(_hide_session_ids)
