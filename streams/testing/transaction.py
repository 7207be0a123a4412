"""Transactions as a broker's coordinator keeps them: ids, epochs, and who took part."""

from dataclasses import dataclass, field
from typing import Protocol

from streams.errors import FencedError


class Participant(Protocol):
    """A partition or a group's offsets, which learn of a transaction's end by a marker."""

    def settle(self, transaction: "Transaction") -> None:
        """Note that a transaction has ended; `transaction.committed` says how."""


@dataclass(eq=False, slots=True)
class Transaction:
    """One transaction. Decided first, then settled with one participant after the other."""

    committed: bool = False
    participants: list[Participant] = field(default_factory=list)

    def join(self, participant: Participant) -> None:
        """Note a participant; once is enough."""
        if participant not in self.participants:
            self.participants.append(participant)

    def settle_one(self, i: int = 0) -> None:
        """Write the marker of one participant that has none yet."""
        self.participants.pop(i).settle(self)

    def settle(self) -> None:
        """Write all markers that are missing."""
        while self.participants:
            self.settle_one()


@dataclass(slots=True)
class _Owner:
    epoch: int = -1
    open: Transaction | None = None
    ending: Transaction | None = None


class Coordinator:
    """All transactional ids. Whoever initialises an id fences its older owners.

    With `lazy` the markers of an ended transaction are left to whoever calls `settle_one` on what
    is in `ending`: as on a real cluster, readers of one partition may see its end before those of
    another. The next transaction of the same id always waits for them.
    """

    def __init__(self) -> None:
        self.lazy = False
        self._owners: dict[str, _Owner] = {}

    @property
    def ending(self) -> list[Transaction]:
        """Transactions that are decided, but whose end not every participant knows."""
        found = (owner.ending for owner in self._owners.values())
        return [t for t in found if t is not None and t.participants]

    def initialise(self, transactional_id: str) -> int:
        """InitProducerId: a new epoch; a transaction of the older owner is aborted."""
        owner = self._owners.setdefault(transactional_id, _Owner())
        _finish(owner)
        if owner.open is not None:
            owner.open.settle()
            owner.open = None
        owner.epoch += 1
        return owner.epoch

    def transaction(self, transactional_id: str, epoch: int) -> Transaction:
        """The open transaction, begun if there is none."""
        owner = self._owner(transactional_id, epoch)
        if owner.open is None:
            _finish(owner)
            owner.open = Transaction()
        return owner.open

    def end(self, transactional_id: str, epoch: int, *, commit: bool) -> None:
        """EndTxn: from here on the outcome stands."""
        owner = self._owner(transactional_id, epoch)
        transaction, owner.open = owner.open, None
        if transaction is None:
            return
        transaction.committed = commit
        owner.ending = transaction
        if not self.lazy:
            _finish(owner)

    def _owner(self, transactional_id: str, epoch: int) -> _Owner:
        owner = self._owners[transactional_id]
        if owner.epoch != epoch:
            raise FencedError(f"{transactional_id} has a newer owner")
        return owner


def _finish(owner: _Owner) -> None:
    if owner.ending is not None:
        owner.ending.settle()
        owner.ending = None
