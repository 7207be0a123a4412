"""What each kind of fault does: generators that do harm, wait, and make good.

Each yields whenever it waits, so that several are in effect at the same time.
"""

import asyncio
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from deploy.local import Broker, LocalKafka
from tests.faults.observe import in_sync
from tests.faults.plan import Fault, Kind
from tests.faults.proxy import Proxy
from tests.faults.slot import Slot

#: Until a worker that got SIGTERM has to have ended, whatever the brokers do meanwhile.
STOP_SECONDS = 90.0
#: Until a broker that came back has to have caught up.
CATCH_UP_SECONDS = 120.0

Steps = Iterator[None]


def _for(seconds: float) -> Steps:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield


def _until(holds: Callable[[], bool], what: str, seconds: float) -> Steps:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        yield


class Mischief:
    """Makes faults on the given brokers and slots."""

    def __init__(self, kafka: LocalKafka, proxy: Proxy, slots: Mapping[str, Slot]) -> None:
        self._kafka = kafka
        self._proxy = proxy
        self._slots = slots
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="in sync?")

    def make(self, fault: Fault) -> Steps:
        """Begin a fault; it is over when the steps are."""
        if fault.slot is None:
            return self._hurt_broker(fault, self._kafka.brokers[fault.brokers[0] - 1])
        if fault.brokers:
            return self._hurt_links(fault, self._slots[fault.slot])
        return self._hurt_worker(fault, self._slots[fault.slot])

    def _hurt_worker(self, fault: Fault, slot: Slot) -> Steps:
        if fault.kind is Kind.FREEZE:
            worker = slot.worker
            worker.freeze()
            yield from _for(fault.seconds)
            worker.thaw()
            return
        if fault.kind is Kind.STOP:
            slot.terminate()
            yield from _until(slot.ended, f"{slot.worker.name} ends by SIGTERM", STOP_SECONDS)
        else:
            slot.kill()
        if fault.kind is Kind.WIPE:
            shutil.rmtree(slot.worker.data, ignore_errors=True)
        if fault.kind is Kind.REPLACE:
            slot.replace()
        yield from _for(fault.seconds)
        slot.start()

    def _hurt_broker(self, fault: Fault, broker: Broker) -> Steps:
        if fault.kind is Kind.BROKER_PAUSE:
            broker.pause()
            yield from _for(fault.seconds)
            broker.resume()
        else:
            broker.kill()
            yield from _for(fault.seconds)
            broker.launch()
        yield from self._all_in_sync()

    def _hurt_links(self, fault: Fault, slot: Slot) -> Steps:
        links = [slot.links[broker] for broker in fault.brokers]
        for link in links:
            if fault.kind is Kind.CUT:
                self._proxy.call(link.cut())
            elif fault.kind is Kind.HOLE:
                self._proxy.call(link.swallow())
            else:
                self._proxy.call(link.delay(fault.latency))
        yield from _for(fault.seconds)
        for link in links:
            self._proxy.call(link.open())

    def _all_in_sync(self) -> Steps:
        """So that the next broker that fails leaves two replicas of everything."""
        deadline = time.monotonic() + CATCH_UP_SECONDS
        while True:
            asked = self._pool.submit(_in_sync, self._kafka.client_options())
            while not asked.done():
                yield
            if asked.result():
                return
            assert time.monotonic() < deadline, f"replicas not in sync in {CATCH_UP_SECONDS:g} s"
            yield from _for(0.5)


def _in_sync(options: Mapping[str, Any]) -> bool:
    try:
        return asyncio.run(in_sync(options))
    except Exception:
        return False  # the broker that was asked first may be the one that is coming back
