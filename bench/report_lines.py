"""The lines of the report: figures, baselines and targets, in 80 columns.

A missed target is reported, but is no failure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from bench.call_cost import Paired
from bench.chat_cost import POLL_SECONDS, SUBSCRIBER_COUNTS
from bench.consent_cost import RESPONSE_MS, CallCost, ConsentCost
from bench.harness.mcp_clients import Era

HEAD = f"{'':22}{'trax-mcp':>8} {'bare':>7} {'':3} {'ratio':>6} {'spread':>6} {'target':>7}"


@dataclass(frozen=True, slots=True)
class ComparisonLine:
    """A figure of trax-mcp and of the bare server, with a target or without."""

    label: str
    figures: Paired[float]
    unit: str
    target: float | None = None

    def __str__(self) -> str:
        """The line under `HEAD`."""
        ours, bare = median(self.figures.ours), median(self.figures.bare)
        figures = f"{self.label:22}{_number(ours):>8} {_number(bare):>7} {self.unit:3}"
        line = f"{figures} {ours / bare:6.2f} {self._spread():>6}"
        if self.target is None:
            return line
        return f"{line} {self.target:7.2f}  {_verdict(self.target - ours / bare, digits=2)}"

    def _spread(self) -> str:
        """Half of the interquartile range of the ratios."""
        pairs = zip(self.figures.ours, self.figures.bare, strict=True)
        low, _, high = quantiles((ours / bare for ours, bare in pairs), method="inclusive")
        return f"±{(high - low) / 2:.2f}"


@dataclass(frozen=True, slots=True)
class CountLine:
    """An exact figure without a baseline."""

    label: str
    figure: int
    target: int

    def __str__(self) -> str:
        """The line under `HEAD`."""
        verdict = _verdict(self.target - self.figure, digits=0)
        return f"{self.label:22}{self.figure:8,}{'':26} {self.target:7,}  {verdict}"


@dataclass(frozen=True, slots=True)
class ConsentLine:
    """What consent adds to one call. It depends mostly on the upstream, so it has no target."""

    cost: ConsentCost

    def __str__(self) -> str:
        """The line under `CONSENT_HEAD`."""
        case = self.cost.case
        when = (
            ""
            if not case.on_air and case.needs_confirmation
            else ", live"
            if case.on_air
            else ", not live"
        )
        columns = (
            _cost_columns(it) for it in (self.cost.preview, self.cost.confirmed, self.cost.flag)
        )
        return f"  {case.tool + when:26}{''.join(columns)}"


CONSENT_HEAD = f"""\
what consent adds to a bare send, where TRaX takes {RESPONSE_MS} ms for each answer:
requests, so many of them one after another, and ms
{"":28}{"preview":>17}{"confirmed call":>17}{"TRAX_CONFIRM=flag":>18}"""


@dataclass(frozen=True, slots=True)
class ChatLine:
    """A figure for each number of subscribers, and the one that has a target."""

    label: str
    figures: Sequence[float | None]
    target: float | None = None
    judged_figure: float = 0.0

    def __str__(self) -> str:
        """The line under `CHAT_HEAD`."""
        columns = ("" if it is None else _number(it) for it in self.figures)
        line = f"{self.label:27}{''.join(f'{it:>9}' for it in columns)}"
        if self.target is None:
            return line
        verdict = _verdict(self.target - self.judged_figure, digits=2)
        return f"{line:57}{self.target:8.2f}  {verdict}"


CHAT_HEAD = f"""\
what chat costs over HTTP, where all are subscribed to one studio, of which TRaX
is asked every {POLL_SECONDS:g} s, and by chance up to a fifth later; delays are from TRaX's
answer to the notification, and judged at 100 subscribers. In the earlier era
the second column is for {SUBSCRIBER_COUNTS[Era.LEGACY][1]}
{"subscribers":27}{"".join(f"{it:>9,}" for it in SUBSCRIBER_COUNTS[Era.MODERN]):30}{"target":>8}"""


def _cost_columns(call: CallCost | None) -> str:
    if call is None:
        return f"{'none given':>17}"
    return f"{call.requests:>8}{call.sequential:>3}{call.ms:>6.1f}"


def _number(value: float) -> str:
    """The value with three significant digits."""
    digits = sum(value < size for size in (10, 100))
    return f"{value:.{digits}f}"


def _verdict(margin: float, *, digits: int) -> str:
    return "ok" if margin >= 0 else f"over by {-margin:,.{digits}f}"
