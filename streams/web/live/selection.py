"""Which keys a client wants: what it says, and the channels that come to it."""

from collections.abc import Iterable, Mapping, Sequence

from streams.errors import RequestError

#: Stands for all keys of a topic.
ALL = "*"
#: Where one client's messages come from: a topic, and a key of it, or None for all of them.
Channel = tuple[str, bytes | None]


class Parameters:
    """The URL parameters that choose keys, and the topics of each."""

    def __init__(self, topics: Mapping[str, Sequence[str]]) -> None:
        self.topics: dict[str, list[str]] = {}
        for topic, names in topics.items():
            for name in names:
                self.topics.setdefault(name, []).append(topic)

    def keys_of(self, query: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
        """The keys asked for, by parameter; a parameter may be repeated, and hold several keys.

        Raises RequestError if there are none.
        """
        found: dict[str, list[str]] = {}
        for name, value in query:
            if name in self.topics:
                keys = (key for key in value.split(",") if key)
                found.setdefault(name, []).extend(keys)
        found = {name: keys for name, keys in found.items() if keys}
        if not found:
            raise RequestError(
                "No key is asked for", f"Say which: {' or '.join(f'{n}=KEY' for n in self.topics)}"
            )
        return found

    def the_only(self) -> str | None:
        """The parameter that is meant where none is named; None if there are several topics."""
        names = list(self.topics)
        same = all(self.topics[name] == self.topics[names[0]] for name in names)
        return names[0] if same else None


class Selection:
    """The keys of one client, by parameter."""

    def __init__(self, parameters: Parameters, max_keys: int) -> None:
        self._parameters = parameters
        self._max_keys = max_keys
        self._keys: dict[str, dict[str, None]] = {}

    def add(self, parameter: str, keys: Iterable[str]) -> None:
        """Want these, too. Raises RequestError, and changes nothing, if there are too many."""
        new = dict.fromkeys(keys)
        wanted = self._keys.get(parameter, {})
        if len(self) + len(new.keys() - wanted.keys()) > self._max_keys:
            raise RequestError(f"Too many keys: {self._max_keys} are allowed")
        if new:
            self._keys[parameter] = wanted | new

    def remove(self, parameter: str, keys: Iterable[str]) -> None:
        """Want these no longer; those that weren't wanted don't matter."""
        wanted = self._keys.get(parameter, {})
        for key in keys:
            wanted.pop(key, None)
        if not wanted:
            self._keys.pop(parameter, None)

    def as_lists(self) -> dict[str, list[str]]:
        """For people and for JSON."""
        return {name: list(keys) for name, keys in self._keys.items()}

    def channels(self) -> set[Channel]:
        """Where messages come from; none of them brings what another one does."""
        every = {
            topic
            for name, keys in self._keys.items()
            if ALL in keys
            for topic in self._parameters.topics[name]
        }
        single: set[Channel] = {
            (topic, key.encode(errors="replace"))
            for name, keys in self._keys.items()
            for topic in self._parameters.topics[name]
            if topic not in every
            for key in keys
        }
        return single | {(topic, None) for topic in every}

    def named(self) -> set[Channel]:
        """The keys that are named, also beside `*`: those whose provisional counts are wanted."""
        return {
            (topic, key.encode(errors="replace"))
            for name, keys in self._keys.items()
            for topic in self._parameters.topics[name]
            for key in keys
            if key != ALL
        }

    def __len__(self) -> int:
        return sum(len(keys) for keys in self._keys.values())
