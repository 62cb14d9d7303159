"""Draws a paragraph in rows as clients with a terminal do: it is broken at blanks alone."""

from __future__ import annotations

from unicodedata import category, east_asian_width


def rows_of(text: str, columns: int) -> list[str]:
    """The rows. A word that is longer than a row begins one, and is cut where that ends.

    This is how Claude Code 2.1.332 draws. A client that breaks at hyphens needs no more rows.
    """
    rows = [""]
    for word in text.split(" "):
        longer = f"{rows[-1]} {word}" if rows[-1] else word
        if columns_of(longer) <= columns:
            rows[-1] = longer
            continue
        if rows[-1]:
            rows.append("")
        for character in word:
            if columns_of(rows[-1] + character) > columns:
                rows.append("")
            rows[-1] += character
    return rows


def columns_of(text: str) -> int:
    """The columns of a text. A mark is counted where it makes an emoji of a sign."""
    return sum(
        2
        if east_asian_width(it) in {"W", "F"}
        else int(category(it) not in {"Mn", "Me"} or it == "\ufe0f")
        for it in text
    )
