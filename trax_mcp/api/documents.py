"""A contract document that may hold anything, read without trust: OpenAPI as far as it goes.

Unlike `contract`, which stands on a document of ours and may fail, this reader never does: what is
not as OpenAPI has it is complained of and left out. It compares nothing.
"""

from collections.abc import Callable, Iterator
from typing import Final

from trax_mcp.api.contract import JsonObject

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_VERSION: Final = "3."


def is_openapi(document: object) -> bool:
    """Whether it is an OpenAPI 3 document with paths, by its outermost parts."""
    return (
        isinstance(document, dict)
        and isinstance(version := document.get("openapi"), str)
        and version.startswith(_VERSION)
        and isinstance(document.get("paths"), dict)
    )


class Document:
    """An OpenAPI document; `complain` is told where something in it cannot be read."""

    def __init__(self, root: JsonObject, complain: Callable[[str], None]) -> None:
        self.root = root
        self.complain = complain

    def read(self, node: object, where: str) -> JsonObject | None:
        """An object, behind its references; None, after a complaint, if there is none."""
        met: set[str] = set()
        while isinstance(node, dict) and isinstance(reference := node.get("$ref"), str):
            node = None if reference in met else self._at(reference)
            met.add(reference)
        if isinstance(node, dict):
            return node
        self.complain(where)
        return None

    def part(self, owner: JsonObject, name: str, where: str) -> JsonObject:
        """An object inside another; empty if it is not there, or cannot be read."""
        return self.read(owner.get(name, {}), where) or {}

    def items(self, owner: JsonObject, name: str, where: str) -> list[object]:
        """A list inside an object; empty if it is not there, or cannot be read."""
        items = owner.get(name, [])
        if isinstance(items, list):
            return items
        self.complain(where)
        return []

    def component(self, kind: str) -> JsonObject:
        """The components of a kind, by name."""
        where = "components"
        return self.part(self.part(self.root, where, where), kind, f"{where} {kind}")

    def calls(self) -> Iterator[tuple[str, JsonObject]]:
        """Every call by its name, such as `GET /v1/studios`, with the parameters of its path."""
        for path, node in self.part(self.root, "paths", "paths").items():
            item = {} if path.startswith("x-") else self.read(node, f"path {path}") or {}
            for method in (method for method in _METHODS if method in item):
                name = f"{method.upper()} {path}"
                if (call := self.read(item[method], name)) is not None:
                    own = self.items(call, "parameters", f"{name} parameters")
                    shared = self.items(item, "parameters", f"path {path} parameters")
                    yield name, {**call, "parameters": [*shared, *own]}

    def _at(self, reference: str) -> object:
        """What stands where a JSON pointer points to (RFC 6901); None if nothing does."""
        first, *names = reference.split("/")
        node: object = self.root if first == "#" else None
        for name in names:
            if not isinstance(node, dict):
                return None
            node = node.get(name.replace("~1", "/").replace("~0", "~"))
        return node
