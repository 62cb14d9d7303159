"""The report: figures beside their baselines and targets, for a person, in 80 columns.

A report and not a gate: where a target is missed, it says by how much.
"""

from dataclasses import dataclass
from statistics import median, quantiles

from bench.measure import Paired

HEAD = f"{'':22}{'trax-mcp':>8} {'bare':>7} {'':3} {'ratio':>6} {'spread':>6} {'target':>7}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Ours beside the bare one; without a target it is there to know, not to reach."""

    what: str
    figures: Paired[float]
    unit: str
    target: float | None = None

    def __str__(self) -> str:
        """As a line under `HEAD`."""
        ours, bare = median(self.figures.ours), median(self.figures.bare)
        seen = f"{self.what:22}{_number(ours):>8} {_number(bare):>7} {self.unit:3}"
        line = f"{seen} {ours / bare:6.2f} {self._spread():>6}"
        if self.target is None:
            return line
        return f"{line} {self.target:7.2f}  {_verdict(self.target - ours / bare, digits=2)}"

    def _spread(self) -> str:
        """Half of the range in which the middle half of the pairs has its ratios."""
        pairs = zip(self.figures.ours, self.figures.bare, strict=True)
        low, _, high = quantiles((ours / bare for ours, bare in pairs), method="inclusive")
        return f"±{(high - low) / 2:.2f}"


@dataclass(frozen=True, slots=True)
class Count:
    """A figure that is what it is, with no baseline and no noise."""

    what: str
    figure: int
    target: int

    def __str__(self) -> str:
        """As a line under `HEAD`."""
        verdict = _verdict(self.target - self.figure, digits=0)
        return f"{self.what:22}{self.figure:8,}{'':26} {self.target:7,}  {verdict}"


def _number(value: float) -> str:
    """Three digits, as far as there are so many."""
    digits = sum(value < size for size in (10, 100))
    return f"{value:.{digits}f}"


def _verdict(margin: float, *, digits: int) -> str:
    return "ok" if margin >= 0 else f"over by {-margin:,.{digits}f}"
