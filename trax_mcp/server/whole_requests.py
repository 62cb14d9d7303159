"""Requests come whole or not at all: whoever hangs up in the middle of one is gone.

The SDK takes that for an error of the server's and prints a traceback. Nothing here knows what a
request asks for.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class _HungUpError(Exception):
    """The caller went away before their request was whole."""


async def run_whole(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Run an app, and end it without a word if the request breaks off; nobody is there to read."""
    whole = False

    async def read() -> Message:
        nonlocal whole
        message = await receive()
        if message["type"] == "http.disconnect" and not whole:
            raise _HungUpError
        whole = whole or not message.get("more_body", False)
        return message

    try:
        await app(scope, read, send)
    except* _HungUpError:
        pass
