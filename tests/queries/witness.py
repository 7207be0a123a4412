"""Clients that ask all the time, and the proof that no answer they got was wrong."""

import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from streams.core.counts import decode_count
from streams.state.changelog import BOOKKEEPING_KEY, decode_key
from streams.web.queries.forwarding import segment
from tests.reading import Record
from tests.worker import Worker

#: So long does a frozen worker hold up whoever asks it.
ANSWER_SECONDS = 5.0
#: A hashtag and the start of a window in ms.
Place = tuple[str, int]


@dataclass(frozen=True)
class Answer:
    """One answer; times in s since the epoch, `open` is {window start: count} if it was 200."""

    begun: float
    ended: float
    worker: str
    tag: str
    status: int
    open: dict[int, int]


@dataclass
class Truth:
    """What was ever committed: all counts of a place, and when it was closed (s)."""

    counts: dict[Place, set[int]] = field(default_factory=lambda: defaultdict(set))
    closed: dict[Place, float] = field(default_factory=dict)


def truth_of(changelog: Iterable[Record]) -> Truth:
    """Read what a changelog says, which must not have been compacted."""
    truth = Truth()
    for record in changelog:
        if record.key is None or record.key == BOOKKEEPING_KEY:
            continue
        window, key = decode_key(record.key)
        if record.value is None:
            truth.closed[key.decode(), window] = record.timestamp / 1000
        else:
            truth.counts[key.decode(), window].add(decode_count(record.value))
    return truth


def wrong(answers: Sequence[Answer], truth: Truth) -> list[str]:
    """What can't be true of the answers."""
    found = []
    for tag in {answer.tag for answer in answers}:
        told = [answer for answer in answers if answer.tag == tag and answer.status == 200]
        found += list(_never_committed(told, truth))
        found += list(_gone_back(told, truth))
        found += list(_come_again(told))
    return found


def _never_committed(told: Sequence[Answer], truth: Truth) -> Iterable[str]:
    for answer in told:
        for window, count in answer.open.items():
            if count not in truth.counts[answer.tag, window]:
                yield f"never committed: {count} for {window} in {answer}"


def _gone_back(told: Sequence[Answer], truth: Truth) -> Iterable[str]:
    """Answers that know less than one which had ended before they were asked for."""
    known: dict[int, int] = {}
    earlier = iter(sorted(told, key=lambda answer: answer.ended))
    next_one = next(earlier, None)
    for answer in sorted(told, key=lambda answer: answer.begun):
        while next_one is not None and next_one.ended < answer.begun:
            for window, count in next_one.open.items():
                known[window] = max(count, known.get(window, 0))
            next_one = next(earlier, None)
        for window, count in known.items():
            if window in answer.open:
                if answer.open[window] < count:
                    yield f"less than {count}, which was told before: {answer}"
            elif truth.closed.get((answer.tag, window), float("inf")) > answer.ended:
                yield f"nothing for {window}, although {count} was told before: {answer}"


def _come_again(told: Sequence[Answer]) -> Iterable[str]:
    """Answers that have a window of which others knew before that it is closed."""
    seen: dict[int, float] = {}
    for answer in told:
        for window in answer.open:
            seen[window] = min(answer.ended, seen.get(window, answer.ended))
    for window, first in seen.items():
        # Who didn't tell of it, asked after it had been told of, knew that it is closed.
        missed = (a.ended for a in told if a.begun > first and window not in a.open)
        closed = min(missed, default=float("inf"))
        for answer in told:
            if answer.begun > closed and window in answer.open:
                yield f"{window} was known to be closed before: {answer}"


class Witnesses:
    """Threads that ask workers for hashtags, at random, as long as the context lasts."""

    def __init__(
        self, workers: dict[str, Worker], tags: Sequence[str], seed: int, threads: int = 4
    ) -> None:
        self.answers: list[Answer] = []
        self.unanswered = 0
        self._workers = workers
        self._tags = tags
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(Random(f"{seed}-{i}"),))
            for i in range(threads)
        ]

    def __enter__(self) -> "Witnesses":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def ask(self, name: str) -> None:
        """Ask a worker for all hashtags, and don't wait for its answers."""
        for tag in self._tags:
            thread = threading.Thread(target=self._ask, args=(name, tag))
            self._threads.append(thread)
            thread.start()

    def answered_since(self, moment: float, worker: str) -> bool:
        """Whether a worker was asked for all hashtags since, and told all of them."""
        told = {
            a.tag
            for a in reversed(self.answers)
            if a.begun > moment and a.worker == worker and a.status == 200
        }
        return told == set(self._tags)

    def statuses(self) -> Counter[int]:
        """How often there was which answer."""
        return Counter(answer.status for answer in self.answers)

    def _run(self, random: Random) -> None:
        while not self._stop.is_set():
            answered = self._ask(random.choice(list(self._workers)), random.choice(self._tags))
            self._stop.wait(0.01 if answered else 0.05)

    def _ask(self, name: str, tag: str) -> bool:
        begun = time.time()
        try:
            path = f"/hashtags/{segment(tag)}/open"
            status, body = self._workers[name].page(path, ANSWER_SECONDS)
        except OSError:  # it is dead, frozen or starting
            self.unanswered += 1
            return False
        counts = _open(json.loads(body)) if status == 200 else {}
        self.answers.append(Answer(begun, time.time(), name, tag, status, counts))
        return True


def _open(answer: Any) -> dict[int, int]:
    return {one["window_start"]: one["count"] for one in answer["open"]}
