"""A flag that one waits for and others set. It knows nothing of what it stands for."""

import anyio


class ResettableEvent:
    """Set any number of times, found set once."""

    def __init__(self) -> None:
        self._event = anyio.Event()

    @property
    def is_set(self) -> bool:
        """Whether it was set since the last wait."""
        return self._event.is_set()

    def set(self) -> None:
        """Set it. Never waits."""
        self._event.set()

    async def wait(self) -> None:
        """Wait until it is set, or has been since the last time; then it is not set any more."""
        await self._event.wait()
        self._event = anyio.Event()
