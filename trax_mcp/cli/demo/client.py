"""The demo's MCP client and its user: makes calls, answers forms, and prints both."""

import os
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
    """A client of the server, and a simulated user who answers its forms."""

    client: Client

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self._agrees = False
        self._while_open: Callable[[], Awaitable[None]] | None = None
        self._expects_form = False
        self._spoke_at = 0.0

    def you(self, text: str) -> None:
        """Let the user say something."""
        self.screen.you(text)
        self._spoke_at = anyio.current_time()

    def seconds_since_you(self) -> float:
        """The time since the user said something or answered a form."""
        return anyio.current_time() - self._spoke_at

    def prepare_form(
        self, *, agree: bool, while_open: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Decide how the user answers the next form, and what happens while it is open."""
        self._agrees, self._while_open, self._expects_form = agree, while_open, True

    async def call(self, tool: str, **arguments: object) -> JsonObject:
        """Print a call, make it and return its structured content.

        Raises:
            DemoFailed: the server reports an error, or did not show the form that was prepared.
        """
        self.screen.call(tool, arguments)
        result = await self.read(tool, **arguments)
        if self._expects_form:
            raise DemoFailed("It ran, but should have asked you first.")
        return result

    async def read(self, tool: str, **arguments: object) -> JsonObject:
        """The same without printing the call."""
        result = await self._send(tool, arguments)
        if result.is_error:
            raise DemoFailed(f"{tool} failed. {_text(result)}")
        return result.structured_content or {}

    async def expect_refusal(self, code: str, tool: str, **arguments: object) -> None:
        """Print a call, make it, and check that it is refused with this reason or status.

        Raises:
            DemoFailed: it ran, or it failed in another way.
        """
        self.screen.call(tool, arguments)
        result = await self._send(tool, arguments)
        refusal = result.structured_content or {}
        if not result.is_error and refusal.get("executed") is not False:
            raise DemoFailed(f"{tool} should have been refused ({code}), but it ran.")
        if code not in (refusal.get("reason"), refusal.get("status")):
            raise DemoFailed(f"{tool} should have been refused ({code}). {_text(result)}")
        self.screen.refusal(refusal["status"], refusal["message"])

    async def answer_form(
        self,
        context: ClientRequestContext,  # noqa: ARG002  the SDK's name
        params: ElicitRequestParams,
    ) -> ElicitResult:
        """Print a form and make one of its two choices. The second one is consent."""
        if not isinstance(params, ElicitRequestFormParams):
            return ElicitResult(action="cancel")
        ((field, schema),) = params.requested_schema["properties"].items()
        self.screen.box("Your client asks you", params.message, schema["enum"])
        if self._while_open is not None:
            await self._while_open()
        await sleep(_FORM_SECONDS)
        choice = schema["enum"][1 if self._agrees else 0]
        self.you(choice)
        self._expects_form = False
        return ElicitResult(action="accept", content={field: choice})

    async def _send(self, tool: str, arguments: dict[str, object]) -> CallToolResult:
        with self.screen.waiting() as show:
            progress = _show_progress(show)
            return await self.client.call_tool(tool, arguments, progress_callback=progress)


@asynccontextmanager
async def connect(command: Sequence[str], screen: Screen, log: TextIO) -> AsyncIterator[DemoClient]:
    """Start a server without TRAX_ variables, and connect to it over stdio."""
    program, *arguments = command
    environment = {it: os.environ[it] for it in os.environ if not it.startswith(VARIABLE_PREFIX)}
    environment |= {"TRAX_ASK": "form", "TRAX_CHAT_POLL_SECONDS": "0.5"}
    server = StdioServerParameters(command=program, args=arguments, env=environment)
    client = DemoClient(screen)
    async with Client(
        stdio_client(server, errlog=log),
        read_timeout_seconds=_CALL_SECONDS,
        elicitation_callback=client.answer_form,
    ) as client.client:
        tools = (await client.client.list_tools()).tools
        version = client.client.protocol_version
        screen.checked(f"trax-mcp is up: {len(tools)} tools, MCP {version} over stdio")
        yield client


def _text(result: CallToolResult) -> str:
    return "\n\n".join(block.text for block in result.content if block.type == "text")


def _show_progress(show: Callable[[str], None]) -> ProgressFnT:
    async def on_progress(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001  the SDK's names
        show(message or "")

    return on_progress
