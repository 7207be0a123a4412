"""A consumer group: who is in it, and the offsets committed in its name."""

from collections.abc import Iterable, Mapping, Sequence

from streams.core.columns import TP
from streams.core.ports import Committed, Member
from streams.errors import FencedError, TransactionError
from streams.testing.transaction import Transaction


class Group:
    """Offsets become visible when their transaction commits, and only from a current member."""

    def __init__(self) -> None:
        self.generation = 0
        self.offsets: dict[TP, Committed] = {}
        self._members: set[str] = set()
        self._pending: dict[Transaction, dict[TP, Committed]] = {}

    def rebalance(self, members: Iterable[str]) -> int:
        """A new generation with these members; whoever is not among them is expelled."""
        self._members = set(members)
        self.generation += 1
        return self.generation

    def add(self, offsets: Mapping[TP, Committed], member: Member, to: Transaction) -> None:
        """TxnOffsetCommit, with the checks of KIP-447."""
        known = member.member_id in self._members and member.generation == self.generation
        # Brokers ask nothing of who claims no membership at all.
        if not known and (member.generation, member.member_id) != (-1, ""):
            raise FencedError(f"{member.member_id} has left the group's generation")
        to.join(self)
        self._pending.setdefault(to, {}).update(offsets)

    def settle(self, transaction: Transaction) -> None:
        """See `Participant`."""
        offsets = self._pending.pop(transaction)
        if transaction.committed:
            self.offsets.update(offsets)

    def committed(self, tps: Sequence[TP], stable: bool) -> dict[TP, Committed]:
        """OffsetFetch; if `stable`, refused while a transaction holds newer offsets."""
        unstable = {tp for offsets in self._pending.values() for tp in offsets}
        if stable and unstable.intersection(tps):
            raise TransactionError("offsets are part of a transaction that is open")
        return {tp: self.offsets[tp] for tp in tps if tp in self.offsets}
