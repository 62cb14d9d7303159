"""The tests of this folder start processes, and do not depend on this machine."""

from tests.support.hermetic import isolate_from_machine

isolate_from_machine()
