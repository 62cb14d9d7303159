"""What an entrant offers a model, held against the contract: which tool is which call.

Pure. Generators name tools after the summary or after method and path; both are found by their
letters and digits alone, so that no table of names is needed.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from bench.processes import ROOT, BenchError

JsonObject = dict[str, Any]

_DOCUMENT: Final = ROOT / "trax_mcp" / "api" / "openapi.json"
_METHODS: Final = ("get", "post", "patch", "put", "delete")
_SEEN: Final = ("name", "description", "inputSchema")
_OPERATION: Final = "live.traxstreaming/operation"


@dataclass(frozen=True, slots=True)
class Act:
    """A call of the contract with arguments: the ids of its path, and what is given beside them."""

    where: str
    """As `POST /v1/studios/{id}/go-live`."""
    ids: Mapping[str, object]
    given: Mapping[str, object]


def act(where: str, /, **arguments: object) -> Act:
    """A call; the arguments that its path names are ids, the others are given."""
    ids = {name: value for name, value in arguments.items() if f"{{{name}}}" in where}
    given = {name: value for name, value in arguments.items() if name not in ids}
    return Act(where, ids, given)


@dataclass(frozen=True, slots=True)
class Offered:
    """The tools of one entrant."""

    tools: tuple[JsonObject, ...]

    @classmethod
    def of(cls, listed: JsonObject) -> Self:
        """From the answer to `tools/list`.

        Raises:
            BenchError: it is an error.
        """
        if "result" not in listed:
            raise BenchError(f"tools/list was answered {listed}")
        return cls(tuple(listed["result"]["tools"]))

    def call(self, wanted: Act) -> tuple[str, JsonObject]:
        """The name of the tool that makes this call, and its arguments.

        Raises:
            BenchError: there is none.
        """
        tool = self._tool(wanted.where)
        properties: JsonObject = tool["inputSchema"].get("properties", {})
        ids = {_id_named(name, properties): value for name, value in wanted.ids.items()}
        nested = "body" in properties and not wanted.given.keys() <= properties.keys()
        given = {"body": dict(wanted.given)} if nested else dict(wanted.given)
        return tool["name"], ids | given

    @property
    def seen_bytes(self) -> int:
        """All names, descriptions and input schemas, as compact JSON."""
        seen = [{name: tool.get(name) for name in _SEEN} for tool in self.tools]
        return len(json.dumps(seen, ensure_ascii=False, separators=(",", ":")).encode())

    @property
    def undescribed(self) -> int:
        """Arguments without a description, those inside of others as well."""
        arguments = (it for tool in self.tools for it in _arguments(tool["inputSchema"]))
        return sum(not argument.get("description") for argument in arguments)

    @property
    def hinted(self) -> int:
        """Tools that say whether they only read, and if not, whether they can destroy."""
        return sum(_is_hinted(tool.get("annotations") or {}) for tool in self.tools)

    def _tool(self, where: str) -> JsonObject:
        for tool in self.tools:
            operation = str((tool.get("_meta") or {}).get(_OPERATION, ""))
            if {_plain(tool["name"]), _plain(operation)} & {_plain(where), SUMMARIES[where]}:
                return tool
        raise BenchError(f"no tool makes the call {where}")


def _is_hinted(annotations: JsonObject) -> bool:
    reads = annotations.get("readOnlyHint")
    return reads is True or (reads is False and "destructiveHint" in annotations)


def _arguments(schema: JsonObject) -> Iterator[JsonObject]:
    for argument in schema.get("properties", {}).values():
        yield argument
        yield from _arguments(argument)
        yield from _arguments(argument.get("items") or {})


def _id_named(name: str, properties: Mapping[str, object]) -> str:
    wanted = {_plain(name), "studioid"} if name == "id" else {_plain(name)}
    return next((it for it in properties if _plain(it) in wanted), name)


def _plain(text: str) -> str:
    return "".join(it for it in text.lower() if it.isalnum())


def _summaries() -> dict[str, str]:
    paths = json.loads(_DOCUMENT.read_text(encoding="utf-8"))["paths"]
    return {
        f"{method.upper()} {path}": _plain(item[method]["summary"])
        for path, item in paths.items()
        for method in _METHODS
        if method in item
    }


SUMMARIES: Final = _summaries()
"""Each call of the contract -> the letters and digits of its summary."""
