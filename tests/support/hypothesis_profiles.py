"""How many examples property tests try: a few fixed ones in `make test`, many in `make nightly`."""

from typing import Final

from hypothesis import HealthCheck, Phase, settings

GATE: Final = "gate"
LONG: Final = "long"

_LONG_FACTOR: Final = 20
_FEWEST: Final = 5


def register() -> None:
    """Register both profiles and load the gate's."""
    settings.register_profile(GATE, derandomize=True, deadline=None, database=None)
    settings.register_profile(LONG, deadline=None, database=None, max_examples=100 * _LONG_FACTOR)
    settings.load_profile(GATE)


def examples(usual: int) -> int:
    """The number of examples: a tenth of the usual ones, or twenty times as many."""
    return usual * _LONG_FACTOR if is_long() else max(_FEWEST, usual // 10)


def is_long() -> bool:
    """Whether this is `make nightly PART=fuzz`, which tries whole tables."""
    return settings.get_current_profile_name() == LONG


def unshrunk(usual: int) -> settings:
    """Settings for properties of a long-lived process, without shrinking."""
    return settings(
        max_examples=examples(usual),
        report_multiple_bugs=False,
        # Shrinking a crash would take minutes, with a new process for each try.
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
