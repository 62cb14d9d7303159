"""How many examples property tests try: fixed ones in the gate, many new ones in `make fuzz`."""

from typing import Final

from hypothesis import HealthCheck, Phase, settings

GATE: Final = "gate"
LONG: Final = "long"

_LONG_FACTOR: Final = 20


def register() -> None:
    """Register both profiles and load the gate's."""
    settings.register_profile(GATE, derandomize=True, deadline=None, database=None)
    settings.register_profile(LONG, deadline=None, database=None, max_examples=100 * _LONG_FACTOR)
    settings.load_profile(GATE)


def examples(usual: int) -> int:
    """The number of examples, given the number in the gate."""
    return usual * _LONG_FACTOR if settings.get_current_profile_name() == LONG else usual


def unshrunk(usual: int) -> settings:
    """Settings for properties of a long-lived process, without shrinking."""
    return settings(
        max_examples=examples(usual),
        report_multiple_bugs=False,
        # Shrinking a crash would take minutes, with a new process for each try.
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
