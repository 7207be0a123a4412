"""Brings a resumed connection from its cursor to the present, with no gap and no repeat.

What the ring remembers comes from memory, what is older from Kafka. Both are sent with cursors of
the connection's own, for no other client has been exactly there. The last step from the ring to
the hub happens without giving way to the event loop, so nothing can come in between.
"""

import asyncio
import logging
import random
from collections.abc import Iterable, Mapping
from typing import Any

from streams import metrics
from streams.core.columns import TP
from streams.core.ports import LogRange
from streams.errors import CursorError, TallyError, UnavailableError
from streams.web.live import protocol
from streams.web.live.archive import Archive, Reader
from streams.web.live.connection import Connection
from streams.web.live.cursor import Positions, decode
from streams.web.live.follower import SLICE, Follower
from streams.web.live.messages import Message, Piece
from streams.web.live.slices import slices

log = logging.getLogger(__name__)

#: Seconds that a client has to take each part of what it missed.
TAKE_SECONDS = 20.0
#: Seconds between attempts to read from Kafka, about.
RETRY_SECONDS = 2.0
#: Seconds that a client may be ahead of this gateway, which another one has served before.
AHEAD_SECONDS = 10.0


class CatchUp:
    """See the module."""

    def __init__(self, follower: Follower, archive: Archive) -> None:
        self._follower = follower
        self._archive = archive

    async def resolve(self, cursor: str) -> Positions:
        """Where a client stands that has this cursor.

        Raises CursorError if no gateway can have given it out, UnavailableError if this one
        doesn't get so far.
        """
        given = decode(cursor, self._follower.topics)
        known = self._follower.positions
        ahead = [tp for tp, offset in given.items() if offset > known.get(tp, -1)]
        if ahead:
            self._check(given, await self._archive.ranges(ahead), ahead)
            if not await self._follower.reach(given, AHEAD_SECONDS):
                raise UnavailableError("This gateway is behind the one you were connected to")
        topics = {tp.topic for tp in given}
        # A topic that is new to the client begins now; a partition that is new began at 0.
        return Positions(
            {
                tp: given.get(tp, 0) if tp.topic in topics else offset
                for tp, offset in self._follower.positions.items()
            }
        )

    async def run(self, connection: Connection) -> None:
        """Send all that was missed, and join the hub."""
        while True:
            try:
                if await self._from_ring(connection):
                    connection.join()
                    return
                await self._from_kafka(connection)
            except TimeoutError:
                connection.close(protocol.TOO_SLOW, "too slow", "slow")
                return
            except TallyError as exc:
                log.warning("Replaying results: %s; trying again", exc)
                await asyncio.sleep(RETRY_SECONDS * random.uniform(0.5, 1.5))
            except Exception:
                log.exception("Replaying results")
                connection.close(protocol.INTERNAL, "internal error", "error")
                return

    async def _from_ring(self, connection: Connection) -> bool:
        """Send what the ring has; true if that was all, and nothing has happened since."""
        ring = self._follower.ring
        number = ring.find(_position(connection))
        if number is None:
            return not self._missing(connection)
        metrics.LIVE_REPLAYS.labels("ring").inc()
        while (piece := ring.get(number)) is not None:
            connection.replay(piece.tp, piece.messages, piece.following)
            number += 1
            await _taken(connection)
        return number == ring.end

    async def _from_kafka(self, connection: Connection) -> None:
        """Send what has come until now; more may have come when it is done."""
        async with self._archive.reader() as reader:
            metrics.LIVE_REPLAYS.labels("kafka").inc()
            until = dict(self._follower.positions)
            missing = self._missing(connection)
            _skip_lost(connection, await reader.ranges(missing))
            for tp in missing:
                await self._replay(connection, reader, tp, until[tp])

    async def _replay(self, connection: Connection, reader: Reader, tp: TP, end: int) -> None:
        start = _position(connection).get(tp, 0)
        async for records, following in reader.read(tp, start, end):
            for some in slices(records, SLICE):
                as_json = await self._follower.as_json(tp.topic, some)
                piece = Piece(tp, {}, "", as_json, some[-1].offset + 1)
                connection.replay(tp, _messages(piece, some), piece.following)
                await _taken(connection)
            connection.replay(tp, (), following)

    def _missing(self, connection: Connection) -> list[TP]:
        """The partitions of which the connection hasn't had all."""
        position = _position(connection)
        return [tp for tp, at in self._follower.positions.items() if position.get(tp, 0) < at]

    @staticmethod
    def _check(given: Mapping[TP, int], ranges: Mapping[TP, LogRange], ahead: list[TP]) -> None:
        for tp in ahead:
            if tp not in ranges or given[tp] > ranges[tp].end:
                raise CursorError("The cursor is from the future, or of another cluster")


def _skip_lost(connection: Connection, ranges: Mapping[TP, LogRange]) -> None:
    """Go on where the logs begin by now; tells the client of what it can't have any more."""
    position = _position(connection)
    lost = {tp: log.start for tp, log in ranges.items() if position.get(tp, 0) < log.start}
    if lost:
        connection.position = Positions({**position, **lost})
        connection.say(protocol.gap(connection.position.base(), position.base()))


def _position(connection: Connection) -> Positions:
    assert connection.position is not None, "it hasn't joined the hub yet"
    return connection.position


def _messages(piece: Piece, records: Iterable[Any]) -> list[Message]:
    return [Message(piece, record) for record in records]


async def _taken(connection: Connection) -> None:
    """Let others run, and wait for a client that is slow. Raises TimeoutError if it is too slow."""
    async with asyncio.timeout(TAKE_SECONDS):
        await connection.outbox.empty()
    await asyncio.sleep(0)
