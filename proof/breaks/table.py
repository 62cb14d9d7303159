"""The breaks of each promise of proof/README.md. mypy checks what is patched.

A lambda that takes `*_` fits any signature. Functions that are imported by name stay whole here.
"""

from __future__ import annotations

from typing import Final

from proof.breaks import (
    api,
    chat,
    consent,
    product,
    questions,
    replicas,
    room,
    server,
    sign_in,
    stops,
)
from proof.breaks.changes import Break

_AREAS: Final = (questions, consent, stops, sign_in, replicas, api, server, chat, room, product)

BREAKS: Final = [
    Break(promise, *row)
    for area in _AREAS
    for promise, rows in area.CHANGES.items()
    for row in rows
]
