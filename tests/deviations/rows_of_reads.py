"""Reads that fail, or that the key may not make."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import CONNECTIONS, DESTINATIONS, HEALTH, fields, rewritten, slow
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="health_degraded",
        trax="Says that its health is degraded.",
        play=fields(HEALTH, status="degraded"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
    ),
    Row(
        name="health_write_null",
        trax="Says writeEnabled: null.",
        play=fields(HEALTH, writeEnabled=None),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
    ),
    Row(
        name="connections_slow",
        trax="Takes a minute for the linked accounts.",
        play=slow(CONNECTIONS, 60),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
        passes=True,
    ),
    Row(
        name="destinations_206",
        trax="Answers the destinations with 206.",
        play=rewritten(DESTINATIONS, lambda it: replace(it, status=206)),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
    ),
)
