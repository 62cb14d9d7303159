"""The pages of a list: their limits and cursors."""

from __future__ import annotations

from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import STUDIOS, by_name, fields
from tests.deviations.plays_of_lists import (
    empty_pages,
    expired_cursor,
    paged,
    same_cursor_at_the_end,
)
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="cursor_always_last_empty",
        trax="Gives a cursor on the last page, and an empty page with it after that.",
        play=paged(STUDIOS, same_cursor_at_the_end),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
    ),
    Row(
        name="cursor_expires",
        trax="Answers the first cursor of a list of studios with 410.",
        play=paged(STUDIOS, expired_cursor()),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
    ),
    Row(
        name="empty_pages_new_cursor",
        trax="Gives empty pages with new cursors between the studios.",
        play=paged(STUDIOS, empty_pages),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
    ),
    Row(
        name="limit_strict_100",
        trax="Refuses a limit above 100.",
        play=by_name("small-limit"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
    ),
    Row(
        name="cursor_empty_string",
        trax='Gives nextCursor: "" on the last page.',
        play=fields("GET */[dsc]*s", nextCursor=""),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
    ),
)
