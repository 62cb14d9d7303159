"""An upstream with one studio whose chat pages are always full.

Commands on stdin: `say` adds a message, `shown` prints the number and time of the first request
that returned it. The process ends when stdin closes.
"""

import asyncio
import json
import os
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.baselines.upstream_protocol import Respond, serve

_PAGE = 200
_STARTED_AT = datetime(2026, 3, 6, 20, tzinfo=UTC)


@dataclass
class Chat:
    """The latest messages, newest first, and the first request that returned the newest one."""

    messages: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_PAGE))
    said: int = 0
    requests: int = 0
    shown: dict[str, float] = field(default_factory=dict)

    def say(self) -> None:
        """Add a message."""
        self.said += 1
        self.shown = {}
        self.messages.appendleft(
            {
                "id": f"message_{self.said}",
                "platform": "youtube",
                "authorDisplayName": f"Viewer {self.said % 40}",
                "text": "Is that the old brewery? It looks great from up there.",
                "timestamp": (_STARTED_AT + timedelta(seconds=self.said)).isoformat(),
            }
        )

    def answer(self, _request: str, respond: Respond) -> None:
        """Answer with the latest messages."""
        self.requests += 1
        respond({"data": list(self.messages)})
        self.shown = self.shown or {"requests": self.requests, "seconds": time.monotonic()}

    def run_commands(self) -> None:
        """Run the commands on stdin, one per line."""
        lines = os.read(sys.stdin.fileno(), 4096).splitlines()
        if not lines:
            sys.exit()
        for line in lines:
            if line == b"say":
                self.say()
            print(json.dumps(self.shown), flush=True)


async def main() -> None:
    """Serve, and run commands."""
    chat = Chat()
    for _ in range(_PAGE):
        chat.say()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), chat.run_commands)
    await serve(chat.answer)


if __name__ == "__main__":
    asyncio.run(main())
