"""The published /v1 contract as data.

All of it comes from `openapi.json`, a transcription of TRaX's reference. The contract does not say
which calls are dangerous; operations declare that.
"""

import json
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Literal, NamedTuple

JsonObject = dict[str, Any]
Location = Literal["path", "query", "body"]

_METHODS = ("get", "post", "patch", "delete")
_REQUIRED_SCOPE = re.compile(r"Requires scope ([a-z]+:[a-z]+)\.")
_JSON = "application/json"
_CREATED = "201"


class Param(NamedTuple):
    """A parameter of an endpoint, or a field of its request body, as documented."""

    name: str
    location: Location
    description: str


class Endpoint(NamedTuple):
    """One documented endpoint, such as `GET /v1/studios`.

    `scope` is the key scope that it requires, None for the public meta calls. `is_final`: it
    deletes something, or creates something that no endpoint deletes. `response` is the schema
    of the successful one, always an object. One that `mutates` needs writes to be enabled: all but
    GET (source: the reference). `has_body`: the request carries JSON.
    """

    name: str
    method: str
    path: str
    tag: str
    summary: str
    description: str
    scope: str | None
    public: bool
    is_final: bool
    params: Mapping[str, Param]
    response: JsonObject
    mutates: bool
    has_body: bool


class Contract:
    """The endpoints and schemas of the document.

    Raises:
        KeyError: the document lacks a part that OpenAPI 3.0 or one of its references requires.
    """

    def __init__(self, document: JsonObject) -> None:
        self.document = document
        self.schemas: Mapping[str, JsonObject] = document["components"]["schemas"]
        self.endpoints: Mapping[str, Endpoint] = {it.name: it for it in self._read_all()}

    @property
    def version(self) -> str:
        """The version of the contract, such as `1.3.0`."""
        return str(self.document["info"]["version"])

    def resolve(self, schema: JsonObject) -> JsonObject:
        """Follow one `$ref`. A schema without one is returned unchanged."""
        reference = schema.get("$ref")
        return schema if reference is None else self.schemas[reference.rpartition("/")[2]]

    def _read_all(self) -> Iterator[Endpoint]:
        paths = self.document["paths"]
        deletable = {it.rpartition("/")[0] for it in paths if "delete" in paths[it]}
        for path, item in paths.items():
            for method in _METHODS:
                if method in item:
                    is_deletable = path in deletable
                    yield self._read(method.upper(), path, item[method], is_deletable=is_deletable)

    def _read(self, method: str, path: str, item: JsonObject, *, is_deletable: bool) -> Endpoint:
        description = item.get("description", "")
        scope = _REQUIRED_SCOPE.search(description)
        status, success = next(it for it in item["responses"].items() if it[0][0] == "2")
        return Endpoint(
            name=f"{method} {path}",
            method=method,
            path=path,
            tag=item["tags"][0],
            summary=item["summary"],
            description=description,
            scope=scope.group(1) if scope else None,
            public=item.get("security") == [],
            is_final=method == "DELETE" or (status == _CREATED and not is_deletable),
            params={it.name: it for it in self._read_params(item)},
            response=success["content"][_JSON]["schema"],
            mutates=method != "GET",
            has_body="requestBody" in item,
        )

    def _read_params(self, item: JsonObject) -> Iterator[Param]:
        for parameter in item.get("parameters", ()):
            yield Param(
                name=parameter["name"],
                location=parameter["in"],
                description=parameter["description"],
            )
        if "requestBody" in item:
            body = self.resolve(item["requestBody"]["content"][_JSON]["schema"])
            for name, schema in body["properties"].items():
                yield Param(
                    name=name,
                    location="body",
                    description=schema.get("description", ""),
                )


CONTRACT = Contract(json.loads(files("trax_mcp.api").joinpath("openapi.json").read_bytes()))
"""The contract that this version is built on. Never changed after import."""
