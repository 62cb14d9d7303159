"""Reads an untrusted OpenAPI document.

Unlike `contract`, which reads our own document and may fail, this reader never raises: it reports
parts that break the OpenAPI format and leaves them out.
"""

from collections.abc import Callable, Iterator
from typing import Final

from trax_mcp.api.contract import JsonObject

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_VERSION: Final = "3."


def is_openapi(document: object) -> bool:
    """Whether the root looks like an OpenAPI 3 document with paths."""
    return (
        isinstance(document, dict)
        and isinstance(version := document.get("openapi"), str)
        and version.startswith(_VERSION)
        and isinstance(document.get("paths"), dict)
    )


class Document:
    """An OpenAPI document. `report_unreadable` gets the location of each unreadable part."""

    def __init__(self, root: JsonObject, report_unreadable: Callable[[str], None]) -> None:
        self.root = root
        self.report_unreadable = report_unreadable

    def read(self, node: object, where: str) -> JsonObject | None:
        """Follow references to an object. If there is none, report that and return None."""
        visited: set[str] = set()
        while isinstance(node, dict) and isinstance(reference := node.get("$ref"), str):
            node = None if reference in visited else self._follow(reference)
            visited.add(reference)
        if isinstance(node, dict):
            return node
        self.report_unreadable(where)
        return None

    def part(self, owner: JsonObject, name: str, where: str) -> JsonObject:
        """An object inside another. Empty if it is missing or cannot be read."""
        return self.read(owner.get(name, {}), where) or {}

    def items(self, owner: JsonObject, name: str, where: str) -> list[object]:
        """A list inside an object. Empty if it is missing or cannot be read."""
        items = owner.get(name, [])
        if isinstance(items, list):
            return items
        self.report_unreadable(where)
        return []

    def components(self, kind: str) -> JsonObject:
        """The components of one kind, by name."""
        where = "components"
        return self.part(self.part(self.root, where, where), kind, f"{where} {kind}")

    def calls(self) -> Iterator[tuple[str, JsonObject]]:
        """Every call with its name, such as `GET /v1/studios`, and the parameters of its path."""
        for path, node in self.part(self.root, "paths", "paths").items():
            item = {} if path.startswith("x-") else self.read(node, f"path {path}") or {}
            for method in (method for method in _METHODS if method in item):
                name = f"{method.upper()} {path}"
                if (call := self.read(item[method], name)) is not None:
                    own = self.items(call, "parameters", f"{name} parameters")
                    shared = self.items(item, "parameters", f"path {path} parameters")
                    yield name, {**call, "parameters": [*shared, *own]}

    def _follow(self, reference: str) -> object:
        """The value at a JSON pointer (RFC 6901). None if there is none."""
        first, *names = reference.split("/")
        node: object = self.root if first == "#" else None
        for name in names:
            if not isinstance(node, dict):
                return None
            node = node.get(name.replace("~1", "/").replace("~0", "~"))
        return node
