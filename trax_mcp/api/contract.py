"""The published /v1 contract as data.

All of it comes from `openapi.json`, a transcription of TRaX's reference. The contract does not say
which calls are dangerous; operations declare that.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

JsonObject = dict[str, Any]
Location = Literal["path", "query", "body"]

_METHODS = ("get", "post", "patch", "delete")
_REQUIRED_SCOPE = re.compile(r"Requires scope ([a-z]+:[a-z]+)\.")
_JSON = "application/json"
_CREATED = "201"


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter of a call, or a field of its request body, as documented."""

    name: str
    location: Location
    required: bool
    description: str
    type: str


@dataclass(frozen=True, slots=True)
class Call:
    """One documented call, such as `GET /v1/studios`.

    `scope` is the key scope that it requires, None for the public meta calls. `creates` is whether
    something new is there afterwards. `answer` is the schema of the successful response, always an
    object.
    """

    name: str
    method: str
    path: str
    tag: str
    summary: str
    description: str
    scope: str | None
    public: bool
    creates: bool
    fields: Mapping[str, Field]
    answer: JsonObject

    @property
    def mutates(self) -> bool:
        """Whether it needs writes to be enabled: all but GET (source: the reference)."""
        return self.method != "GET"

    @property
    def has_body(self) -> bool:
        """Whether the request carries JSON."""
        return any(field.location == "body" for field in self.fields.values())


class Contract:
    """The calls and schemas of the document.

    Raises:
        KeyError: the document lacks a part that OpenAPI 3.0 or one of its references requires.
    """

    def __init__(self, document: JsonObject) -> None:
        self.document = document
        self.schemas: Mapping[str, JsonObject] = document["components"]["schemas"]
        self.calls: Mapping[str, Call] = {call.name: call for call in self._read_calls()}

    @property
    def version(self) -> str:
        """The version of the contract, such as `1.3.0`."""
        return str(self.document["info"]["version"])

    def resolve(self, schema: JsonObject) -> JsonObject:
        """Follow one `$ref`. A schema without one is returned unchanged."""
        reference = schema.get("$ref")
        return schema if reference is None else self.schemas[reference.rpartition("/")[2]]

    def is_final(self, call: Call) -> bool:
        """Whether a call deletes something, or creates something that no call deletes."""
        deletable = {
            it.path.rpartition("/")[0] for it in self.calls.values() if it.method == "DELETE"
        }
        return call.method == "DELETE" or (call.creates and call.path not in deletable)

    def _read_calls(self) -> Iterator[Call]:
        for path, item in self.document["paths"].items():
            for method in _METHODS:
                if method in item:
                    yield self._read_call(method.upper(), path, item[method])

    def _read_call(self, method: str, path: str, item: JsonObject) -> Call:
        description = item.get("description", "")
        scope = _REQUIRED_SCOPE.search(description)
        status, success = next(it for it in item["responses"].items() if it[0][0] == "2")
        return Call(
            name=f"{method} {path}",
            method=method,
            path=path,
            tag=item["tags"][0],
            summary=item["summary"],
            description=description,
            scope=scope.group(1) if scope else None,
            public=item.get("security") == [],
            creates=status == _CREATED,
            fields={field.name: field for field in self._read_fields(item)},
            answer=success["content"][_JSON]["schema"],
        )

    def _read_fields(self, item: JsonObject) -> Iterator[Field]:
        for parameter in item.get("parameters", ()):
            yield Field(
                name=parameter["name"],
                location=parameter["in"],
                required=parameter["required"],
                description=parameter["description"],
                type=parameter["schema"]["type"],
            )
        if "requestBody" in item:
            body = self.resolve(item["requestBody"]["content"][_JSON]["schema"])
            required = body.get("required", ())
            for name, schema in body["properties"].items():
                yield Field(
                    name=name,
                    location="body",
                    required=name in required,
                    description=schema.get("description", ""),
                    type=schema["type"],
                )


CONTRACT = Contract(json.loads(files("trax_mcp.api").joinpath("openapi.json").read_bytes()))
"""The contract that this version is built on. Never changed after import."""
