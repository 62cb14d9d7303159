"""How hard the property tests try: the same examples each time in the gate, many new ones beyond.

`make fuzz` chooses `LONG`. It knows no property.
"""

from typing import Final

from hypothesis import HealthCheck, Phase, settings

GATE: Final = "gate"
LONG: Final = "long"

_TIMES: Final = 10


def register() -> None:
    """Make the two profiles known, and choose the gate's."""
    settings.register_profile(GATE, derandomize=True, deadline=None, database=None)
    settings.register_profile(LONG, deadline=None, database=None, max_examples=100 * _TIMES)
    settings.load_profile(GATE)


def examples(usual: int) -> int:
    """How many examples to try where the gate tries `usual` of them."""
    return usual * _TIMES if settings.get_current_profile_name() == LONG else usual


def unshrunk(usual: int) -> settings:
    """For properties of a long-lived process: so many examples, and the one that fails as it is."""
    return settings(
        max_examples=examples(usual),
        report_multiple_bugs=False,
        # What crashes a process would be shrunk for minutes, with a new one for each try.
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
