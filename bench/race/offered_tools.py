"""The tools of a server, matched with the operations of the contract.

Generators name tools after the summary or after method and path; names are compared by their
letters and digits only.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from bench.harness.mcp_clients import McpClient
from bench.harness.process import HarnessError
from bench.race.compared_servers import CONTRACT

JsonObject = dict[str, Any]

_METHODS: Final = ("get", "post", "patch", "put", "delete")
_FIELDS: Final = ("name", "description", "inputSchema")
_OPERATION: Final = "live.traxstreaming/operation"


@dataclass(frozen=True, slots=True)
class ContractCall:
    """A call of an operation, with the ids in its path and its other arguments."""

    operation: str
    """Such as `POST /v1/studios/{id}/go-live`."""
    ids: Mapping[str, object]
    other: Mapping[str, object]


def contract_call(operation: str, /, **arguments: object) -> ContractCall:
    """A call; the arguments in the path of the operation are ids."""
    ids = {name: value for name, value in arguments.items() if f"{{{name}}}" in operation}
    other = {name: value for name, value in arguments.items() if name not in ids}
    return ContractCall(operation, ids, other)


@dataclass(frozen=True, slots=True)
class OfferedTools:
    """The tools of one server."""

    tools: tuple[JsonObject, ...]

    @classmethod
    def of(cls, client: McpClient) -> Self:
        """List the tools of a client's server."""
        return cls(tuple(client.ask("tools/list").result()["tools"]))

    def call(self, call: ContractCall) -> tuple[str, JsonObject]:
        """The name of the tool for a call, and its arguments.

        Raises:
            HarnessError: there is no such tool.
        """
        tool = self._tool(call.operation)
        properties: JsonObject = tool["inputSchema"].get("properties", {})
        ids = {_argument_name(name, properties): value for name, value in call.ids.items()}
        nested = "body" in properties and not call.other.keys() <= properties.keys()
        other = {"body": dict(call.other)} if nested else dict(call.other)
        return tool["name"], ids | other

    @property
    def seen_bytes(self) -> int:
        """All names, descriptions and input schemas, as compact JSON."""
        tools = [{name: tool.get(name) for name in _FIELDS} for tool in self.tools]
        return len(json.dumps(tools, ensure_ascii=False, separators=(",", ":")).encode())

    @property
    def undescribed(self) -> int:
        """Arguments without a description, nested ones included."""
        arguments = (it for tool in self.tools for it in _arguments(tool["inputSchema"]))
        return sum(not argument.get("description") for argument in arguments)

    @property
    def hinted(self) -> int:
        """Tools that say whether they only read, and if not, whether they can destroy."""
        return sum(_is_hinted(tool.get("annotations") or {}) for tool in self.tools)

    def _tool(self, name: str) -> JsonObject:
        for tool in self.tools:
            operation = str((tool.get("_meta") or {}).get(_OPERATION, ""))
            if {_plain(tool["name"]), _plain(operation)} & {_plain(name), SUMMARIES[name]}:
                return tool
        raise HarnessError(f"no tool makes the call {name}")


def _is_hinted(annotations: JsonObject) -> bool:
    reads = annotations.get("readOnlyHint")
    return reads is True or (reads is False and "destructiveHint" in annotations)


def _arguments(schema: JsonObject) -> Iterator[JsonObject]:
    for argument in schema.get("properties", {}).values():
        yield argument
        yield from _arguments(argument)
        yield from _arguments(argument.get("items") or {})


def _argument_name(name: str, properties: Mapping[str, object]) -> str:
    wanted = {_plain(name), "studioid"} if name == "id" else {_plain(name)}
    return next((it for it in properties if _plain(it) in wanted), name)


def _plain(text: str) -> str:
    return "".join(it for it in text.lower() if it.isalnum())


def _summaries() -> dict[str, str]:
    paths = json.loads(CONTRACT.read_text(encoding="utf-8"))["paths"]
    return {
        f"{method.upper()} {path}": _plain(item[method]["summary"])
        for path, item in paths.items()
        for method in _METHODS
        if method in item
    }


SUMMARIES: Final = _summaries()
"""Each operation -> the letters and digits of its summary."""
