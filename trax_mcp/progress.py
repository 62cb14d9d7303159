"""The type of progress callbacks."""

from collections.abc import Awaitable, Callable

Progress = Callable[[float, float, str], Awaitable[None]]
"""Gets the progress so far, the total, and a message."""
