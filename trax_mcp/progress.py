"""The type of progress callbacks."""

from collections.abc import Awaitable, Callable

Progress = Callable[[int, int, str], Awaitable[None]]
"""Gets the progress so far, the total, and a message. Clients draw the numbers as they are."""
