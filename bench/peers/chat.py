"""An upstream with one studio, in which so many chat that every page is full.

On stdin it is told to `say` something, or asked what was `shown`: which of all requests was the
first that showed the last message, and when that was answered. It ends with its stdin.
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

_PAGE = 200
_BEGAN = datetime(2026, 3, 6, 20, tzinfo=UTC)


@dataclass
class Chat:
    """The last messages, newest first, and who has seen them."""

    messages: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_PAGE))
    said: int = 0
    requests: int = 0
    shown: dict[str, float] = field(default_factory=dict)

    def say(self) -> None:
        """Have a viewer say something."""
        self.said += 1
        self.shown = {}
        self.messages.appendleft(
            {
                "id": f"message_{self.said}",
                "platform": "youtube",
                "authorDisplayName": f"Viewer {self.said % 40}",
                "text": "Is that the old brewery? It looks great from up there.",
                "timestamp": (_BEGAN + timedelta(seconds=self.said)).isoformat(),
            }
        )

    def answer(self) -> bytes:
        """What whoever looks is answered, at once."""
        self.requests += 1
        body = json.dumps({"data": list(self.messages)}).encode()
        head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-Id: req_1\r\n"
        answer = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        self.shown = self.shown or {"requests": self.requests, "seconds": time.monotonic()}
        return answer

    def listen(self) -> None:
        """Do what stands on stdin, a line each, and answer it."""
        lines = os.read(sys.stdin.fileno(), 4096).splitlines()
        if not lines:
            sys.exit()
        for line in lines:
            if line == b"say":
                self.say()
            print(json.dumps(self.shown), flush=True)


async def main() -> None:
    """Serve on a free port of loopback, named on stderr."""
    chat = Chat()
    for _ in range(_PAGE):
        chat.say()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await _asked(reader):
            writer.write(chat.answer())
        writer.close()

    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), chat.listen)
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(f"http://127.0.0.1:{port}", file=sys.stderr, flush=True)
    await server.serve_forever()


async def _asked(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


if __name__ == "__main__":
    asyncio.run(main())
