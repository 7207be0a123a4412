"""Whether a fault may begin beside those that are in effect."""

from collections.abc import Collection

from tests.faults.plan import BROKERS, SLOTS, WORKER_KINDS, Fault


def may_begin(fault: Fault, active: Collection[Fault]) -> bool:
    """Never two brokers at once; one fault at a time for a worker's process and for a link.

    At least one worker is left that neither sleeps nor has lost all brokers.
    """
    if fault.slot is None:
        return not any(other.slot is None for other in active)
    if any(_collide(fault, other) for other in active if other.slot == fault.slot):
        return False
    hurt = {other.slot for other in (*active, fault) if _disables(other)}
    return not _disables(fault) or len(hurt) < len(SLOTS)


def _collide(fault: Fault, other: Fault) -> bool:
    if fault.kind in WORKER_KINDS:
        return other.kind in WORKER_KINDS
    return bool(set(fault.brokers) & set(other.brokers))


def _disables(fault: Fault) -> bool:
    """Whether a worker can do nothing meanwhile."""
    if fault.slot is None:
        return False
    return fault.kind in WORKER_KINDS or fault.brokers == BROKERS
