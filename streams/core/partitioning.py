"""Which partition a key belongs to, as Java's producers decide it."""

from murmurhash2 import murmurhash2

#: From org.apache.kafka.common.utils.Utils.murmur2.
_SEED = 0x9747B28C


def partition_of(key: bytes, partitions: int) -> int:
    """The number of the key's partition, of so many."""
    return (murmurhash2(key, _SEED) & 0x7FFFFFFF) % partitions
