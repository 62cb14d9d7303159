"""A program that posts one message again and again, faster than a client of HTTP could.

`flooder.py ADDRESS CONNECTIONS KEY`, with the headers and the body as JSON on stdin. It writes a
byte for each answer.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress
from itertools import count
from urllib.parse import urlsplit

STDOUT = 1


async def flood(address: str, connections: int, key: str) -> None:
    """Post on so many connections at once, with this key, or else each with an invented one."""
    url = urlsplit(address)
    headers, body = json.load(sys.stdin)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    numbers = count()

    def post() -> bytes:
        secret = key or f"sk_live_invented_{next(numbers)}"
        return (
            f"POST /mcp HTTP/1.1\r\nHost: {url.netloc}\r\nX-API-Key: {secret}\r\n{head}"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    async def connect() -> None:
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        try:
            while True:
                writer.write(post())
                answer = (await reader.readuntil(b"\r\n\r\n")).lower()
                os.write(STDOUT, b".")
                _, is_sized, size = answer.partition(b"content-length:")
                if not is_sized or b"connection: close" in answer:
                    return
                await reader.readexactly(int(size.partition(b"\r\n")[0]))
        finally:
            writer.close()

    async def go_on() -> None:
        while True:
            with suppress(OSError, asyncio.IncompleteReadError):
                await connect()
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(connections):
            tasks.create_task(go_on())


if __name__ == "__main__":
    asyncio.run(flood(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
