"""The report: figures beside their baselines and targets, for a person, in 80 columns.

A report and not a gate: where a target is missed, it says by how much.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from bench.chat import CROWDS, POLL_SECONDS
from bench.consent import PAUSE_MS, Call, Cost
from bench.measure import Paired
from bench.wire import Era

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


@dataclass(frozen=True, slots=True)
class ConsentLine:
    """What consent adds to one act. A report: it depends on the upstream more than on us."""

    cost: Cost

    def __str__(self) -> str:
        """As a line under `CONSENT_HEAD`."""
        act = self.cost.act
        when = "" if not act.on_air and act.needs_yes else ", live" if act.on_air else ", not live"
        columns = (_added(it) for it in (self.cost.preview, self.cost.confirmed, self.cost.flag))
        return f"  {act.tool + when:26}{''.join(columns)}"


CONSENT_HEAD = f"""\
what consent adds to a bare send, where TRaX takes {PAUSE_MS} ms for each answer:
requests, so many of them one after another, and ms
{"":28}{"preview":>17}{"confirmed call":>17}{"TRAX_CONFIRM=flag":>18}"""


@dataclass(frozen=True, slots=True)
class CrowdLine:
    """A figure for each crowd, and the one of them that is judged."""

    what: str
    figures: Sequence[float | None]
    target: float | None = None
    judged: float = 0.0

    def __str__(self) -> str:
        """As a line under `CHAT_HEAD`."""
        columns = ("" if it is None else _number(it) for it in self.figures)
        line = f"{self.what:27}{''.join(f'{it:>9}' for it in columns)}"
        if self.target is None:
            return line
        verdict = _verdict(self.target - self.judged, digits=2)
        return f"{line:57}{self.target:8.2f}  {verdict}"


CHAT_HEAD = f"""\
what chat costs over HTTP, where all are subscribed to one studio, of which TRaX
is asked every {POLL_SECONDS:g} s, and by chance up to a fifth later; delays are from TRaX's
answer to the notification, and judged at 100 subscribers
{"subscribers":27}{"".join(f"{it:>9,}" for it in CROWDS[Era.MODERN]):30}{"target":>8}"""


def _added(call: Call | None) -> str:
    if call is None:
        return f"{'none given':>17}"
    return f"{call.requests:>8}{call.in_turn:>3}{call.ms:>6.1f}"


def _number(value: float) -> str:
    """Three digits, as far as there are so many."""
    digits = sum(value < size for size in (10, 100))
    return f"{value:.{digits}f}"


def _verdict(margin: float, *, digits: int) -> str:
    return "ok" if margin >= 0 else f"over by {-margin:,.{digits}f}"
