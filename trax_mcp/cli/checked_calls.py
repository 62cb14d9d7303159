"""The demo's tool calls: makes each one, prints it and checks its result."""

from collections.abc import Awaitable, Callable
from typing import Final, Self, TypeVar

import anyio
from mcp import Client, MCPError
from mcp.shared.dispatcher import ProgressFnT
from mcp.types import CallToolResult
from pydantic import BaseModel, ValidationError

from trax_mcp.cli.demo_output import DemoOutput
from trax_mcp.cli.expected_answers import Refusal

PAUSE_SECONDS: Final = 0.2
MAX_POLLS: Final = 75
"""15 s in all: more than twice the longest wait on the sandbox."""

ModelT = TypeVar("ModelT", bound=BaseModel)
ResultT = TypeVar("ResultT")


class Unexpected(Exception):
    """A step is not as expected."""

    def __init__(self, expected: str, *, seen: object) -> None:
        super().__init__(expected, seen)
        self.expected = expected
        self.seen = str(seen)

    @classmethod
    def invalid(cls, expected: str, error: ValidationError) -> Self:
        """Something does not match its model."""
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return cls(expected, seen=f"{where}: {first['msg']}")


class ToolCaller:
    """Calls the server's tools. `names` are the names of all tools."""

    def __init__(self, client: Client, output: DemoOutput, names: frozenset[str]) -> None:
        self._client = client
        self._output = output
        self.names = names

    @classmethod
    async def create(cls, client: Client, output: DemoOutput) -> Self:
        """List the server's tools.

        Raises:
            MCPError: that failed.
        """
        tools = (await client.list_tools()).tools
        return cls(client, output, frozenset(tool.name for tool in tools))

    async def call(self, kind: type[ModelT], tool: str, **arguments: object) -> ModelT:
        """Print a call, make it and parse its result; shows its progress.

        Raises:
            Unexpected: it failed, or its result is not of this kind.
        """
        self._output.call(tool, arguments)
        with self._output.waiting() as update:
            return _parse(kind, tool, await self._send(tool, arguments, _show_progress(update)))

    async def call_silently(self, kind: type[ModelT], tool: str, **arguments: object) -> ModelT:
        """Make a call and parse its result.

        Raises:
            Unexpected: it failed, or its result is not of this kind.
        """
        return _parse(kind, tool, await self._send(tool, arguments))

    async def expect_refusal(self, code: str, tool: str, **arguments: object) -> Refusal:
        """Print a guarded call, make it and check that it is refused with this code.

        Raises:
            Unexpected: it ran, or was refused with another code.
        """
        self._output.call(tool, arguments)
        expected = f"{tool} is refused: {code}."
        result = await self._send(tool, arguments)
        if not result.is_error:
            raise Unexpected(expected, seen=f"it ran: {_text(result)}")
        refusal = _parse_refusal(tool, result)
        if refusal.code != code:
            raise Unexpected(expected, seen=refusal.code)
        self._output.refused(refusal.status, refusal.why)
        return refusal

    async def poll(
        self, find: Callable[[], Awaitable[ResultT | None]], reason: str, *, expected: str
    ) -> ResultT:
        """Call `find` up to MAX_POLLS times until it has a result; shows `reason` meanwhile.

        Raises:
            Unexpected: there was none.
        """
        with self._output.waiting() as update:
            update(reason)
            for _ in range(MAX_POLLS):
                if (result := await find()) is not None:
                    return result
                await anyio.sleep(PAUSE_SECONDS)
        raise Unexpected(expected, seen=f"nothing of the kind, in {MAX_POLLS} looks")

    async def _send(
        self, tool: str, arguments: dict[str, object], progress: ProgressFnT | None = None
    ) -> CallToolResult:
        """Make a call.

        Raises:
            Unexpected: there was no valid response.
        """
        try:
            return await self._client.call_tool(tool, arguments, progress_callback=progress)
        except (MCPError, RuntimeError, ValidationError) as error:
            raise Unexpected(f"{tool} is answered.", seen=error) from error


def _show_progress(update: Callable[[str], None]) -> ProgressFnT:
    async def on_progress(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001  the SDK's names
        update(message or "")

    return on_progress


def _parse_refusal(tool: str, result: CallToolResult) -> Refusal:
    try:
        return Refusal.read(result.structured_content, _text(result))
    except ValidationError as error:
        raise Unexpected.invalid(f"The answer of {tool} is a Refusal.", error) from error


def _parse(kind: type[ModelT], tool: str, result: CallToolResult) -> ModelT:
    if result.is_error:
        raise Unexpected(f"{tool} succeeds.", seen=_text(result))
    try:
        return kind.model_validate(result.structured_content)
    except ValidationError as error:
        raise Unexpected.invalid(f"The answer of {tool} is a {kind.__name__}.", error) from error


def _text(result: CallToolResult) -> str:
    return " ".join(block.text for block in result.content if block.type == "text")
