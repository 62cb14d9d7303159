"""What replicas keep: a change of it shows here, so that two versions never misread each other."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any, Final, get_args, get_type_hints

from trax_mcp.replicas.records import (
    FORMAT,
    Guests,
    StoredConfirmation,
    StoredLook,
    StoredPlace,
)
from trax_mcp.replicas.shared_questions import StoredQuestion

KINDS: Final = (StoredPlace, StoredConfirmation, Guests, StoredLook, StoredQuestion)
KNOWN: Final = (b"1", "8da01f3b8caa02d9")
"""The format, and a digest of the names of all fields that are kept."""


def add_fields(kind: Any, found: dict[str, list[str]]) -> None:  # noqa: ANN401  any annotation
    """Add the fields of a type, and of all types in it."""
    for it in get_args(kind):
        add_fields(it, found)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind.__name__ not in found:
        found[kind.__name__] = [it.name for it in dataclasses.fields(kind)]
        for it in get_type_hints(kind).values():
            add_fields(it, found)


def test_the_format_is_raised_with_each_change_of_what_replicas_keep() -> None:
    """After a release: raise `FORMAT`, and write both here. Say so in the changelog."""
    found: dict[str, list[str]] = {}
    for kind in KINDS:
        add_fields(kind, found)
    digest = hashlib.sha256(repr(sorted(found.values())).encode()).hexdigest()[:16]
    assert (FORMAT, digest) == KNOWN
