"""What replicas keep: a change of it shows here, so that two versions never misread each other."""

from __future__ import annotations

import dataclasses
import hashlib
from types import UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

from trax_mcp.replicas.records import (
    FORMAT,
    Guests,
    StoredConfirmation,
    StoredLook,
    StoredPlace,
)
from trax_mcp.replicas.shared_questions import StoredQuestion

KINDS: Final = (StoredPlace, StoredConfirmation, Guests, StoredLook, StoredQuestion)
KNOWN: Final = (b"1", "3072833c8fac15ce")
"""The format, and a digest of the names and types of all fields that are kept."""


def type_name(kind: Any) -> str:  # noqa: ANN401  any annotation
    """A type as text, in the same way in each version of Python."""
    origin = get_origin(kind)
    if origin is None:
        return str(getattr(kind, "__name__", kind))
    parts = ", ".join(map(type_name, get_args(kind)))
    return f"{'Union' if origin is UnionType else type_name(origin)}[{parts}]"


def add_fields(kind: Any, found: dict[str, list[str]]) -> None:  # noqa: ANN401  any annotation
    """Add the fields of a type, and of all types in it."""
    for it in get_args(kind):
        add_fields(it, found)
    kind = get_origin(kind) or kind
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind.__name__ not in found:
        hints = get_type_hints(kind)
        fields = [it.name for it in dataclasses.fields(kind)]
        found[kind.__name__] = [f"{it}: {type_name(hints[it])}" for it in fields]
        for it in fields:
            add_fields(hints[it], found)


def test_the_format_is_raised_with_each_change_of_what_replicas_keep() -> None:
    """After a release: raise `FORMAT`, and write both here. Say so in the changelog."""
    found: dict[str, list[str]] = {}
    for kind in KINDS:
        add_fields(kind, found)
    kept = [list(map(type_name, KINDS)), sorted(found.items())]
    digest = hashlib.sha256(repr(kept).encode()).hexdigest()[:16]
    assert (FORMAT, digest) == KNOWN
