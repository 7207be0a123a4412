"""Times as ISO 8601 has them; in ms since the epoch everywhere else."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def parse_iso(text: str) -> int:
    """Epoch ms of a time, which is UTC unless it says otherwise; parts of a ms are cut.

    Below 0 for times before 1970. Raises ValueError for what is no such time.
    """
    return epoch_ms(datetime.fromisoformat(text))


def epoch_ms(moment: datetime) -> int:
    """The same of a time that was read already."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MILLISECOND


def show_iso(ms: int, precision: str = "milliseconds") -> str:
    """A time in UTC; raises OverflowError beyond the year 9999."""
    moment = _EPOCH + ms * _MILLISECOND
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")
