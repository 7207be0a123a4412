"""One run of the demo on a cluster that is there: worker, simulator, and what comes of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
from aiokafka.errors import KafkaError

from deploy.local.cluster import LocalKafka
from deploy.local.demo_children import Child, ChildDiedError, stop_all
from deploy.local.demo_feed import WorkerPages, finals_from_now
from deploy.local.demo_results import Final, Results, WorkerStatus, now_ms
from deploy.local.demo_screen import View
from deploy.local.demo_settings import DemoSettings
from deploy.local.demo_show import best_show, say
from deploy.local.external import ExternalKafka
from streams.access import explain

WORKER_SECONDS = 90.0
POLL_SECONDS = 0.2
WATCH_SECONDS = 1.0
REFRESH_SECONDS = 0.25


class Run:
    """See the module. ``results`` are what has been read so far."""

    def __init__(
        self,
        cluster: LocalKafka | ExternalKafka,
        settings: DemoSettings,
        folder: Path,
        rate: float,
    ) -> None:
        self._cluster = cluster
        self._settings = settings
        env = settings.env
        self._worker = Child("worker", "streams.cli", ["worker"], folder, env)
        self._simulator = Child(
            "simulator", "producers", ["simulate", "--rate", f"{rate:g}"], folder, env
        )
        self._rate = rate
        self._show = best_show()
        self.results = Results()

    async def until(self, stop: asyncio.Event) -> None:
        """Run until ``stop`` is set; raises TallyError if something dies before."""
        running = asyncio.create_task(self._run())
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (running, stopped):
                task.cancel()
            await asyncio.wait({running, stopped})
        if running.cancelled():
            return
        try:
            running.result()
        except ExceptionGroup as group:
            raise group.exceptions[0] from None
        except (KafkaError, OSError) as error:
            raise explain(error, self._settings.streams.kafka) from error

    def stop(self) -> None:
        """End both processes."""
        stop_all([self._worker, self._simulator])

    async def _run(self) -> None:
        streams = self._settings.streams
        say("starting a worker")
        self._worker.start()
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(aiohttp.ClientSession())
            pages = WorkerPages(session, self._settings.web_address, streams.input_topic)
            await self._worker_ready(pages)
            finals = await stack.enter_async_context(
                finals_from_now(self._cluster.client_options(), streams.output_topic)
            )
            say(f"starting the simulator: {self._rate:g} made-up tweets a second")
            self._simulator.start()
            view = self._view(await pages.ask())
            wait_s = (view.first_close - now_ms()) / 1000
            say(f"the first window closes in {wait_s:.0f} s; stop with Ctrl-C")
            say(f"watch it live: {self._settings.page}")
            stack.enter_context(self._show)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read(finals))
                group.create_task(self._watch(pages, view))
                group.create_task(self._refresh(view))

    async def _worker_ready(self, pages: WorkerPages) -> None:
        deadline = time.monotonic() + WORKER_SECONDS
        while not (await pages.ask()).ready:
            self._worker.check_alive()
            if time.monotonic() > deadline:
                raise ChildDiedError(
                    f"The worker was not ready within {WORKER_SECONDS:.0f} s",
                    f"Look at its log {self._worker.log}",
                )
            await asyncio.sleep(POLL_SECONDS)

    def _view(self, status: WorkerStatus) -> View:
        streams = self._settings.streams
        return View(
            kafka=self._cluster.bootstrap,
            page=self._settings.page,
            window_ms=streams.window_ms,
            grace_ms=streams.grace_ms,
            min_mentioned=streams.min_mentioned,
            began=now_ms(),
            status=status,
            results=self.results,
        )

    async def _read(self, finals: AsyncIterator[Final]) -> None:
        async for final in finals:
            self.results.add(final)
            self._show.final(final)

    async def _watch(self, pages: WorkerPages, view: View) -> None:
        while True:
            self._check_alive()
            view.status = await pages.ask()
            view.rate.note(view.status.records, time.monotonic())
            await asyncio.sleep(WATCH_SECONDS)

    def _check_alive(self) -> None:
        if isinstance(self._cluster, LocalKafka):
            for broker in self._cluster.brokers:
                broker.check_alive()
        for child in (self._worker, self._simulator):
            child.check_alive()

    async def _refresh(self, view: View) -> None:
        while True:
            self._show.refresh(view)
            await asyncio.sleep(REFRESH_SECONDS)
