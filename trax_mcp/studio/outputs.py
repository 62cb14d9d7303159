"""Answers of this server's own tools as pydantic models, which are their JSON schemas too."""

from functools import cache
from typing import Annotated, Any, ClassVar, Final, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from trax_mcp.api.arguments import LONGEST_ID, LONGEST_SHORT_TEXT
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.operation import ToolInput
from trax_mcp.api.text_safety import truncate

ShortText = Annotated[str, AfterValidator(lambda it: truncate(it, longest=LONGEST_SHORT_TEXT))]
"""A text of TRaX, cut: a model reads all of it."""
ShortId = Annotated[str, AfterValidator(lambda it: truncate(it, longest=LONGEST_ID))]

_REFERENCE: Final = "#/$defs/"


class PlainSchema(GenerateJsonSchema):
    """Omits titles and defaults: a field that may be left out is left out, not null."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """The schema of a value that may be null."""
        inner = self.generate_inner(schema["schema"])
        return {**inner, "type": [inner["type"], "null"]}

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """The schema without its default, which some clients refuse."""
        inner = schema["schema"]
        if schema.get("default") is None and inner["type"] == "nullable":
            inner = inner["schema"]
        return self.generate_inner(inner)

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """The schema of an object, without the docstring of its class."""
        fields = super().model_schema(schema)
        return {name: it for name, it in fields.items() if name not in {"title", "description"}}

    def field_title_should_be_set(self, _schema: Any) -> bool:  # noqa: ANN401  pydantic's own type
        """Never: a title only repeats the name."""
        return False


class Words(NamedTuple):
    """What an answer says in words.

    `summary` and `warnings` are for a person, and a bot can post them as they are: they name no
    tool and give no order. `message` is for the model: what to do next.
    """

    summary: str = ""
    warnings: tuple[str, ...] = ()
    message: str = ""


class Output(BaseModel):
    """An answer. A field with a default is left out where it has no other value."""

    model_config = ConfigDict(
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=True,
        serialize_by_alias=True,
        defer_build=True,
        from_attributes=True,
    )

    def data(self) -> JsonObject:
        """The answer as JSON."""
        return self.model_dump(exclude_defaults=True)

    @classmethod
    @cache
    def json_schema(cls) -> JsonObject:
        """The JSON schema, in one piece. Callers must not change it."""
        schema = cls.model_json_schema(schema_generator=PlainSchema)
        inlined: JsonObject = _inline(schema, schema.pop("$defs", {}))
        return inlined


class StudioTool(ToolInput, abstract=True):
    """A tool whose output is made here, so that its schema says exactly what is in it."""

    output: ClassVar[type[Output]]

    @classmethod
    def output_schema(cls) -> JsonObject:
        """The schema of the output."""
        return cls.output.json_schema()


def _inline(schema: Any, definitions: JsonObject) -> Any:  # noqa: ANN401  any JSON
    """The schema with each definition in the place of its references.

    Nothing is required: some clients check the content of a failed call too.
    """
    match schema:
        case {"$ref": str(name), **rest}:
            definition = definitions[name.removeprefix(_REFERENCE)]
            return _inline({**definition, **rest}, definitions)
        case dict():
            fields = sorted(
                schema.items(), key=lambda it: it[0] != "type" or isinstance(it[1], dict)
            )
            return {name: _inline(it, definitions) for name, it in fields if name != "required"}
        case list():
            return [_inline(it, definitions) for it in schema]
        case _:
            return schema
