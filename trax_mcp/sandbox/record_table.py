"""Records of one kind by id, with the owner that each belongs to."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from trax_mcp.sandbox.messages import Json, not_found
from trax_mcp.sandbox.records import Record

T = TypeVar("T", bound=Record)


class RecordTable(dict[str, T]):
    """A dict by id. `belongs` says whether an owner (an account or a studio) has a record."""

    def __init__(self, kind: str, belongs: Callable[[T, str], bool]) -> None:
        super().__init__()
        self._kind = kind
        self._belongs = belongs

    def of(self, owner: str) -> list[T]:
        """All records of `owner`."""
        return [record for record in self.values() if self._belongs(record, owner)]

    def find(self, record_id: str, *, of: str) -> T:
        """The record with this id if the owner `of` has it, else 404."""
        record = self.get(record_id)
        if record is None or not self._belongs(record, of):
            raise not_found(self._kind)
        return record

    def add(self, record: T) -> T:
        """Add a record and return it."""
        self[record.id] = record
        return record

    def extend(self, records: Iterable[T]) -> None:
        """Add several records."""
        for record in records:
            self.add(record)

    def change(self, record: T, changes: Json) -> T:
        """Replace the named fields and return the new record."""
        return self.add(replace(record, **changes))

    def remove(self, record: T) -> None:
        """Remove a record."""
        del self[record.id]
