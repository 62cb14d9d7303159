"""Sends doctor's reads to TRaX, each once, concurrently where one does not need another."""

from typing import Any

import anyio
from anyio.abc import TaskGroup
from pydantic import ValidationError

from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.api.client import Client
from trax_mcp.api.errors import Failure, TraxError
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.operations import GetHealth, GetOpenapi, ListStudios
from trax_mcp.cli.trax_checks import ACCOUNT_READS, STUDIO_READS, ProbeResult, Read

_SMALLEST_PAGE = {"limit": 1}


class Probe:
    """All reads for one caller."""

    def __init__(self, client: Client, caller: Caller) -> None:
        self._client = client
        self._caller = caller
        self._answers: dict[Read, Any] = {}
        self._failures: dict[Read, Failure] = {}

    async def run(self) -> ProbeResult:
        """Send all reads. The two public ones get no key."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._read, GetHealth())
            tasks.start_soon(self._read_contract)
            tasks.start_soon(self._read_studio, tasks)
            for kind in ACCOUNT_READS:
                if kind is not ListStudios:
                    tasks.start_soon(self._read, kind.model_validate(_SMALLEST_PAGE))
        return ProbeResult(self._answers, self._failures)

    async def _read_studio(self, tasks: TaskGroup) -> None:
        """Read the first studio, as soon as the list of studios is there."""
        await self._read(ListStudios.model_validate(_SMALLEST_PAGE))
        studios = self._answers.get(ListStudios)
        for studio in studios.data[:1] if studios else ():
            for kind in STUDIO_READS:
                page = _SMALLEST_PAGE if "limit" in kind.model_fields else {}
                try:
                    operation = kind.model_validate({"studioId": studio.id, **page})
                except ValidationError:
                    return  # its id cannot be sent
                tasks.start_soon(self._read, operation)

    async def _read(self, operation: Operation[Model]) -> None:
        kind = type(operation)
        caller = ANONYMOUS if operation.call.public else self._caller
        try:
            self._answers[kind] = await self._client.call(operation, caller, retry=False)
        except TraxError as error:
            self._failures[kind] = error.failure

    async def _read_contract(self) -> None:
        """Read the contract unparsed, for the comparison."""
        try:
            answer = await self._client.send(GetOpenapi(), ANONYMOUS, retry=False)
        except TraxError as error:
            self._failures[GetOpenapi] = error.failure
        else:
            self._answers[GetOpenapi] = answer.data
