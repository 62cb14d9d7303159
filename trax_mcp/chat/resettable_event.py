"""An event that one task waits for, again and again, and others set."""

import anyio


class ResettableEvent:
    """An event that resets when a wait ends. Setting it twice before a wait counts once."""

    def __init__(self) -> None:
        self._event = anyio.Event()

    @property
    def is_set(self) -> bool:
        """Whether it was set since the last wait."""
        return self._event.is_set()

    def set(self) -> None:
        """Set the event."""
        self._event.set()

    async def wait(self) -> None:
        """Wait until it is set, or return at once if it is. Then reset it."""
        await self._event.wait()
        self._event = anyio.Event()
