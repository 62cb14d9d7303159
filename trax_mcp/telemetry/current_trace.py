"""The trace that the current code belongs to. The MCP SDK brings what this needs."""

from opentelemetry.trace import format_trace_id, get_current_span


def current_trace_id() -> str | None:
    """The id of the current trace in hexadecimal. None if there is none."""
    span = get_current_span().get_span_context()
    return format_trace_id(span.trace_id) if span.is_valid else None
