"""Draws the icon: `python -m tests.icon` writes `icon.svg`, and `icon.png` for the bundle.

Both come from one table of shapes. A pixel's colour comes from its distance to each shape's edge.
"""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from tests import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

SIDE: Final = 512
"""Width and height, in pixels."""

PNG: Final = ROOT / "icon.png"
SVG: Final = ROOT / "icon.svg"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_NIGHT, _PAPER, _LIVE = "#16213e", "#f7f7fb", "#e5383b"


class Shape(Protocol):
    """A shape of one colour."""

    @property
    def colour(self) -> str:
        """As `#rrggbb`."""

    def distance(self, x: float, y: float) -> float:
        """A point's distance from the edge in pixels; negative inside."""

    def svg(self) -> str:
        """The shape as an SVG element."""


@dataclass(frozen=True, slots=True)
class RoundedRectangle:
    """A filled rectangle with round corners."""

    colour: str
    left: float
    top: float
    width: float
    height: float
    corner: float

    def distance(self, x: float, y: float) -> float:
        """See `Shape`."""
        across = abs(x - self.left - self.width / 2) - self.width / 2 + self.corner
        down = abs(y - self.top - self.height / 2) - self.height / 2 + self.corner
        outside = math.hypot(max(across, 0), max(down, 0))
        return outside + min(max(across, down), 0) - self.corner

    def svg(self) -> str:
        """See `Shape`."""
        return (
            f'<rect x="{self.left}" y="{self.top}" width="{self.width}" height="{self.height}"'
            f' rx="{self.corner}" fill="{self.colour}"/>'
        )


@dataclass(frozen=True, slots=True)
class Triangle:
    """A filled triangle with a horizontal top side, a vertical right side and its tip below."""

    colour: str
    left: float
    right: float
    top: float
    tip: float

    def distance(self, x: float, y: float) -> float:
        """See `Shape`."""
        width, height = self.right - self.left, self.tip - self.top
        slope = (height * (self.left - x) + width * (y - self.top)) / math.hypot(width, height)
        return max(slope, x - self.right, self.top - y)

    def svg(self) -> str:
        """See `Shape`."""
        return f'<path d="M{self.left} {self.top}H{self.right}V{self.tip}Z" fill="{self.colour}"/>'


@dataclass(frozen=True, slots=True)
class Circle:
    """A filled circle."""

    colour: str
    x: float
    y: float
    radius: float

    def distance(self, x: float, y: float) -> float:
        """See `Shape`."""
        return math.hypot(x - self.x, y - self.y) - self.radius

    def svg(self) -> str:
        """See `Shape`."""
        return f'<circle cx="{self.x}" cy="{self.y}" r="{self.radius}" fill="{self.colour}"/>'


@dataclass(frozen=True, slots=True)
class Arc:
    """An arc with round ends, 45 degrees up and down. `side` is 1 for right, -1 for left."""

    colour: str
    x: float
    y: float
    radius: float
    side: int
    width: float = 24

    def distance(self, x: float, y: float) -> float:
        """See `Shape`."""
        across, down = (x - self.x) * self.side, abs(y - self.y)
        if down <= across:
            return abs(math.hypot(across, down) - self.radius) - self.width / 2
        return math.hypot(across - self._end, down - self._end) - self.width / 2

    def svg(self) -> str:
        """See `Shape`."""
        x, reach, sweep = self.x + self._end * self.side, 2 * self._end, int(self.side > 0)
        return (
            f'<path d="M{x:.2f} {self.y - self._end:.2f}a{self.radius} {self.radius} 0 0 {sweep}'
            f' 0 {reach:.2f}" fill="none" stroke="{self.colour}" stroke-width="{self.width}"'
            ' stroke-linecap="round"/>'
        )

    @property
    def _end(self) -> float:
        return self.radius * math.sqrt(0.5)


SHAPES: Final[tuple[Shape, ...]] = (
    RoundedRectangle(_NIGHT, 0, 0, SIDE, SIDE, corner=112),
    RoundedRectangle(_PAPER, 72, 100, 368, 264, corner=72),
    Triangle(_PAPER, 136, 232, 350, 436),
    Circle(_LIVE, 256, 232, 46),
    *(Arc(_NIGHT, 256, 232, radius, side) for radius in (84, 130) for side in (1, -1)),
)
"""A broadcast symbol in a speech bubble. Later shapes cover earlier ones."""


def drawing() -> str:
    """The icon as SVG."""
    shapes = "".join(f"  {shape.svg()}\n" for shape in SHAPES)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}">'
    return f"{head}\n  <title>trax-mcp</title>\n{shapes}</svg>\n"


def row(y: int) -> bytes:
    """One row of pixels as RGBA."""
    return bytes(value for x in range(SIDE) for value in _pixel(x + 0.5, y + 0.5))


def _pixel(x: float, y: float) -> Iterator[int]:
    red = green = blue = opacity = 0.0
    for shape in SHAPES:
        covered = min(max(0.5 - shape.distance(x, y), 0), 1)
        new = bytes.fromhex(shape.colour[1:])
        red, green, blue = (
            old + (value - old) * covered if opacity else value
            for old, value in zip((red, green, blue), new, strict=True)
        )
        opacity += (1 - opacity) * covered
    return (round(value) for value in (red, green, blue, opacity * 255))


def pixels(png: bytes) -> bytes:
    """The pixels of a PNG from `encode_png`, row by row."""
    at, data = len(_SIGNATURE), b""
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        kind, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        data += body if kind == b"IDAT" else b""
        at += 12 + length
    stride = 4 * SIDE + 1
    lines = zlib.decompress(data)
    return b"".join(lines[start + 1 : start + stride] for start in range(0, len(lines), stride))


def encode_png(rows: bytes) -> bytes:
    """Encode pixels as PNG: 8 bits per channel, no filter, not interlaced."""
    stride = 4 * SIDE
    lines = b"".join(b"\0" + rows[start : start + stride] for start in range(0, len(rows), stride))
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def main() -> None:
    """Write both files; the PNG only if pixels changed, as zlib's bytes vary between machines."""
    SVG.write_text(drawing(), encoding="utf-8")
    rows = b"".join(row(y) for y in range(SIDE))
    if not PNG.exists() or pixels(PNG.read_bytes()) != rows:
        PNG.write_bytes(encode_png(rows))


if __name__ == "__main__":
    main()
