"""Every error of the project: each says what happened and what to do.

    TallyError
      StartError                 the process can't start or go on; a person has to act
        SettingError               an environment variable is wrong; names it
        MissingTopicError          a topic isn't there and may not be created
        FingerprintMismatchError   the stored state belongs to another window, grace, ...
        ClusterAccessError         unreachable, wrong password, unknown CA, denied topic
      TaskStoppedError           one task stops for good: going on would falsify counts
        OffsetLostError            committed offset missing or out of range
        BrokenChainError           partials overlap or leave a gap
        ClosedWindowError          an on-time record met a closed window (a bug)
      TaskRetriedError           the task closes, throws its open work away and reopens
        FencedError                another owner has the task's transactional id
        TransactionError           a transaction failed
        StoreError                 RocksDB failed
      SinkAccessError            a sink has no key or credentials now; it goes on trying
        UploadError                an object wasn't stored; it is tried again
      UndeliverableError         a sink's peer can never accept a result: a dead letter
      QueryError                 a question can't be answered by this worker now
        NotOwnerError              another worker runs the key's task
        NotReadyError              the key's task is being opened, or is about to move
      MisfitError                a value isn't what its topic's format says: a dead letter
      RegistryError              the schema registry can't be asked now; it is asked again
      SchemaRefusedError         the schema registry doesn't take a schema: incompatible, or wrong
      IngestError                a record can't be taken in now; its source offers it again
        SourceError                a source can't be read now
        BufferFullError            too much waits for Kafka's acknowledgement
        UndeliveredError           Kafka refuses a record as it is
      BadInputError              a producer was given input it can't publish
      VerifyError                what was counted can't be compared with the input
      ResetError                 the application can't be reset now, or not in this way
      RequestError               a web client asked for what it can't have; answered with a 4xx
        CursorError                a cursor is garbled, or of other topics
        UnauthorizedError          no token, or a wrong one
        ForbiddenError             a key, site or page that isn't allowed
        UpgradeRequiredError       this address is for WebSockets
        TooManyConnectionsError    from one address
        NotFoundError              there is no such thing here
        TooLargeError              more than one request may bring
        UnsupportedTypeError       a body of another type than those we read
        UnavailableError           not now, but perhaps later

The three middle classes are what a caller acts upon; the leaves are what a reader looks up.
No message ever holds a secret.
"""

from http import HTTPStatus
from typing import ClassVar


class TallyError(Exception):
    """Root of the hierarchy: `happened` tells what went wrong, `remedy` what to do about it.

    `remedy` may be left out where the class has one that always holds.
    """

    default_remedy: ClassVar[str] = ""

    def __init__(self, happened: str, remedy: str = "") -> None:
        super().__init__(happened, remedy)
        self.happened = happened
        self.remedy = remedy or self.default_remedy

    def __str__(self) -> str:
        return f"{self.happened}. {self.remedy}" if self.remedy else self.happened


class StartError(TallyError):
    """The process can't start, or go on, until a person has changed something."""


class SettingError(StartError):
    """The environment variable `name` holds a value that is refused."""

    def __init__(self, name: str, problem: str, allowed: str = "") -> None:
        super().__init__(f"{name}: {problem}", f"Allowed: {allowed}" if allowed else "")
        self.args = (name, problem, allowed)  # what pickle calls __init__ with
        self.name = name


class MissingTopicError(StartError):
    """A topic that is needed isn't there, and this process may not or can't create it."""

    default_remedy = "Create it, or set STREAMS_CREATE_TOPICS=true"


class FingerprintMismatchError(StartError):
    """The stored state was counted under other windows, grace, filter or partition counts."""

    default_remedy = "Go back to the former settings, or drain and reset the application"


class ClusterAccessError(StartError):
    """The cluster refused us or can't be reached; names the cause, never the secret."""


class TaskStoppedError(TallyError):
    """One task stops for good; the others go on. A restart alone doesn't help."""


class OffsetLostError(TaskStoppedError):
    """The committed offset is missing, or out of range, beside internal topics that hold data."""

    default_remedy = "Restore the offset, or reset the application: counts would be wrong"


class BrokenChainError(TaskStoppedError):
    """Partial counts overlap or leave a gap: a mention would be counted twice or lost."""

    default_remedy = "Reset the application, and report this: it must not happen"


class ClosedWindowError(TaskStoppedError):
    """A record that was on time at its source met a closed window in stage two."""

    default_remedy = "Report this: it is a bug"


class TaskRetriedError(TallyError):
    """The task closes, throws its uncommitted work away and opens again by itself."""


class FencedError(TaskRetriedError):
    """Another owner has initialised the task's transactional id."""

    default_remedy = "The task reopens if this worker still owns it"


class TransactionError(TaskRetriedError):
    """A transaction failed; nothing of it became visible."""

    default_remedy = "The task closes and reopens"


class StoreError(TaskRetriedError):
    """RocksDB failed to open, read or write."""

    default_remedy = "Look at the disk under STREAMS_DATA_DIR: space, rights, a second process"


class SinkAccessError(TallyError):
    """A sink can't get its key or credentials now; it goes on trying."""


class UploadError(SinkAccessError):
    """An object could not be stored now; `kind` is a word for the reason. It is tried again."""

    def __init__(self, happened: str, kind: str) -> None:
        super().__init__(happened)
        self.args = (happened, kind)  # what pickle calls __init__ with
        self.kind = kind


class UndeliverableError(TallyError):
    """A result that a sink's peer can never accept; goes to the dead letters with the reason."""


class QueryError(TallyError):
    """A question about counts can't be answered by this worker now; nothing else is wrong."""

    default_remedy = "Ask again in a moment"


class NotOwnerError(QueryError):
    """The key's task doesn't run on this worker."""


class NotReadyError(QueryError):
    """The key's task is being opened, is about to move, or can't be reached."""


class MisfitError(TallyError):
    """A value isn't what its topic's format, or its schema, says; goes to the dead letters."""


class RegistryError(TallyError):
    """The schema registry can't be reached, or refuses us; what needs it waits.

    `setting` is the variable that is wrong, if it looks as if one were.
    """

    def __init__(self, happened: str, remedy: str = "", setting: str = "") -> None:
        super().__init__(happened, remedy)
        self.args = (happened, remedy, setting)  # what pickle calls __init__ with
        self.setting = setting


class SchemaRefusedError(TallyError):
    """The schema registry doesn't take a schema: it is wrong, or incompatible with earlier ones."""


class IngestError(TallyError):
    """A record can't be taken in now; nothing is acknowledged, so its source offers it again."""


class SourceError(IngestError):
    """A source can't be read now; it is tried again."""

    default_remedy = "It is tried again"


class BufferFullError(IngestError):
    """Too much waits for Kafka's acknowledgement."""

    default_remedy = "Send it again in a moment"


class UndeliveredError(IngestError):
    """Kafka refuses a record as it is, or this process does before."""


class BadInputError(TallyError):
    """A producer was given a file, line or option it can't publish."""


class VerifyError(TallyError):
    """What was counted can't be compared with the input: nothing is known about it."""


class ResetError(TallyError):
    """The application can't be reset now, or not in this way."""


class RequestError(TallyError):
    """A web client asked for what it can't have; `status` is the HTTP answer."""

    status: ClassVar[int] = HTTPStatus.BAD_REQUEST


class CursorError(RequestError):
    """A cursor that no gateway gave out, or one of other topics."""

    default_remedy = "Connect without a cursor: results follow from now on"


class UnauthorizedError(RequestError):
    """A token is needed, and this is none."""

    status = HTTPStatus.UNAUTHORIZED


class ForbiddenError(RequestError):
    """The client may not have this; another one may."""

    status = HTTPStatus.FORBIDDEN


class UpgradeRequiredError(RequestError):
    """The request would be followed, were it a WebSocket's handshake."""

    default_remedy = "Connect with ws:// or wss://"
    status = HTTPStatus.UPGRADE_REQUIRED


class TooManyConnectionsError(RequestError):
    """One address has as many connections as it may have."""

    status = HTTPStatus.TOO_MANY_REQUESTS


class NotFoundError(RequestError):
    """There is no such thing here, or not for HTTP clients."""

    status = HTTPStatus.NOT_FOUND


class TooLargeError(RequestError):
    """More bytes or records than one request may bring."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnsupportedTypeError(RequestError):
    """A body of another type than those we read."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class UnavailableError(RequestError):
    """The request is right, but can't be answered now."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
