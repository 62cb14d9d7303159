"""The demo's MCP client and its user: makes calls, answers questions, and prints both."""

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, TextIO

import anyio
from anyio import sleep
from mcp import Client, StdioServerParameters
from mcp.client import ClientRequestContext
from mcp.client.stdio import stdio_client
from mcp.shared.dispatcher import ProgressFnT
from mcp.types import CallToolResult, ElicitRequestFormParams, ElicitRequestParams, ElicitResult

from trax_mcp.api.contract import JsonObject
from trax_mcp.cli.demo.screen import Screen
from trax_mcp.settings import VARIABLE_PREFIX

_CALL_SECONDS: Final = 30
_FORM_SECONDS: Final = 1.5
"""To the server, a no within a second is the client's."""


class DemoFailed(Exception):
    """The show does not go as it should. The message says what is wrong."""


class DemoClient:
    """A client of the server, and its user: the person at the terminal, or a simulated one."""

    client: Client

    def __init__(self, screen: Screen, *, asks: bool) -> None:
        self.screen = screen
        self._asks = asks
        self._would_approve = False
        self._while_open: Callable[[], Awaitable[None]] | None = None
        self._has_approved: bool | None = None
        self._spoke_at = 0.0

    def you(self, text: str) -> None:
        """Let the user say something."""
        self.screen.you(text)
        self._spoke_at = anyio.current_time()

    def seconds_since_you(self) -> float:
        """The time since the user said something or answered a question."""
        return anyio.current_time() - self._spoke_at

    async def call(self, tool: str, **arguments: object) -> JsonObject:
        """Print a call, make it and return its structured content.

        Raises:
            DemoFailed: the server reports an error.
        """
        self.screen.call(tool, arguments)
        return await self.read(tool, **arguments)

    async def read(self, tool: str, **arguments: object) -> JsonObject:
        """The same without printing the call."""
        result = await self._send(tool, arguments)
        if result.is_error:
            raise DemoFailed(f"{tool} failed. {_text(result)}")
        return result.structured_content or {}

    async def ask(
        self,
        tool: str,
        *,
        approve: bool,
        while_open: Callable[[], Awaitable[None]] | None = None,
        **arguments: object,
    ) -> JsonObject | None:
        """Print a call that the user is asked about, and make it. None if they said no.

        `approve` is what a simulated user does.

        Raises:
            DemoFailed: nobody was asked, or it did not do as the user said.
        """
        self._would_approve, self._while_open, self._has_approved = approve, while_open, None
        self.screen.call(tool, arguments)
        result = await self._send(tool, arguments)
        content = result.structured_content or {}
        has_run = not result.is_error and content.get("executed") is not False
        if self._has_approved is None:
            raise DemoFailed(f"You should have been asked first. {_text(result)}")
        if has_run is not self._has_approved:
            raise DemoFailed(f"It didn't do as you said. {_text(result)}")
        return content if has_run else None

    async def answer_form(
        self,
        context: ClientRequestContext,  # noqa: ARG002  the SDK's name
        params: ElicitRequestParams,
    ) -> ElicitResult:
        """Print a question, and choose: the second of its two choices approves."""
        if not isinstance(params, ElicitRequestFormParams):
            return ElicitResult(action="cancel")
        ((field, schema),) = params.requested_schema["properties"].items()
        choices = [f"{number}  {it}" for number, it in enumerate(schema["enum"], 1)]
        self.screen.box("Your app asks you", params.message, choices)
        if self._while_open is not None:
            await self._while_open()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sleep, _FORM_SECONDS)
            self._has_approved = approves = await self._is_approved()
        self.you(choices[approves])
        return ElicitResult(action="accept", content={field: schema["enum"][approves]})

    async def _is_approved(self) -> bool:
        """Whether the user types 2 and not 1. Anything else is asked about again."""
        if not self._asks:
            return self._would_approve
        typed = ""
        while typed not in {"1", "2"}:
            self.screen.prompt("Press 1 or 2, then Enter: ")
            await anyio.wait_readable(sys.stdin)  # `input` would hold Ctrl-C up
            if not (line := sys.stdin.readline()):
                raise EOFError
            typed = line.strip()
        return typed == "2"

    async def _send(self, tool: str, arguments: dict[str, object]) -> CallToolResult:
        with self.screen.waiting(is_shown=not self._asks) as show:
            progress = _show_progress(show)
            return await self.client.call_tool(tool, arguments, progress_callback=progress)


@asynccontextmanager
async def connect(
    command: Sequence[str], screen: Screen, log: TextIO, *, asks: bool
) -> AsyncIterator[DemoClient]:
    """Start a server without TRAX_ variables, and connect to it over stdio.

    `asks`: the person at the terminal answers its questions.
    """
    program, *arguments = command
    environment = {it: os.environ[it] for it in os.environ if not it.startswith(VARIABLE_PREFIX)}
    environment |= {"TRAX_ASK": "form", "TRAX_CHAT_POLL_SECONDS": "0.5"}
    server = StdioServerParameters(command=program, args=arguments, env=environment)
    client = DemoClient(screen, asks=asks)
    async with Client(
        stdio_client(server, errlog=log),
        read_timeout_seconds=_CALL_SECONDS,
        elicitation_callback=client.answer_form,
    ) as client.client:
        tools = (await client.client.list_tools()).tools
        version = client.client.protocol_version
        screen.note(f"trax-mcp has started: {len(tools)} tools, MCP {version} over stdio")
        yield client


def _text(result: CallToolResult) -> str:
    return "\n\n".join(block.text for block in result.content if block.type == "text")


def _show_progress(show: Callable[[str], None]) -> ProgressFnT:
    async def on_progress(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001  the SDK's names
        show(message or "")

    return on_progress
