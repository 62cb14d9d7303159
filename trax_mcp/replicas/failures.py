"""Why a step on the engine is not done. Pure."""


class EngineAway(Exception):
    """The engine did not do it. If it did not answer, whether it has written is not known."""


class Unreadable(EngineAway):
    """A replica of another version has written a record that this one cannot read.

    It is no better than an engine that is away, and must not be taken for one that is empty: what a
    stop has done stands there.
    """
