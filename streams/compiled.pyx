# cython: language_level=3, boundscheck=False, wraparound=False, embedsignature=True
"""The hot path, compiled: counts the values of a record batch without an object for each.

`streams/core/value_table.py` says what a table does, and has the same one in Python, which is used
where this module could not be compiled. Values come from outside, so they are hashed as Python does
it, with a secret: nobody can choose values that collide.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

cdef extern from *:
    """
    #if PY_VERSION_HEX >= 0x030E0000
    #define tally_hash(value, n) Py_HashBuffer(value, n)
    #else
    #define tally_hash(value, n) _Py_HashBytes(value, n)
    #endif
    """
    Py_hash_t tally_hash(const void *value, Py_ssize_t n)

# Bytes of a value that are kept beside its count; longer ones are in the arena, at the place that
# is kept instead. So most values take one line of the processor's cache.
cdef enum:
    INLINE = 20
    EMPTY = -1  # a slot without an entry
    GONE = -2  # a slot whose entry was forgotten: those behind it must still be found
    NULL_VALUE = -1  # the length of a null value
    SLOTS = 64  # at first


cdef struct Entry:
    uint32_t tag  # another part of the hash than chooses the slot
    uint32_t count
    int32_t length
    char kept[INLINE]


cdef struct Reader:
    const unsigned char *at
    const unsigned char *end


cdef int64_t read_varint(Reader *reader) except? -1:
    """A zigzag varint, see Kafka's record format."""
    cdef uint64_t raw = 0
    cdef int shift = 0
    cdef unsigned char byte
    while True:
        if reader.at >= reader.end or shift > 63:
            raise ValueError("a damaged record: a number that doesn't end")
        byte = reader.at[0]
        reader.at += 1
        raw |= <uint64_t>(byte & 0x7F) << shift
        if byte < 0x80:
            return <int64_t>(raw >> 1) ^ -<int64_t>(raw & 1)
        shift += 7


cdef const unsigned char *begin_record(Reader *reader) except NULL:
    """Move behind a record's length and attributes; returns where it ends."""
    cdef int64_t length = read_varint(reader)
    # An empty record has no attributes either.
    if length < 1 or length > reader.end - reader.at:
        raise ValueError("a damaged record: longer than its batch")
    cdef const unsigned char *end = reader.at + length
    reader.at += 1
    return end


cdef class ValueTable:
    """See `streams.core.value_table.ValueTable`."""

    cdef Entry *entries
    cdef Py_ssize_t n, room
    cdef int32_t *slots
    cdef Py_ssize_t mask, used  # used: slots that aren't empty
    cdef char *arena
    cdef Py_ssize_t arena_used, arena_room

    def __cinit__(self):
        self.n = self.used = self.arena_used = self.arena_room = 0
        self.room = SLOTS // 2
        self.mask = SLOTS - 1
        self.arena = NULL
        self.entries = <Entry *>PyMem_Malloc(self.room * sizeof(Entry))
        self.slots = <int32_t *>PyMem_Malloc(SLOTS * sizeof(int32_t))
        if self.entries == NULL or self.slots == NULL:
            raise MemoryError
        memset(self.slots, 0xFF, SLOTS * sizeof(int32_t))

    def __dealloc__(self):
        PyMem_Free(self.entries)
        PyMem_Free(self.slots)
        PyMem_Free(self.arena)

    def __len__(self):
        return self.n

    def update(self, values):
        """Count values; None is one, too."""
        for value in values:
            self._count_object(value)

    def add(self, value):
        """Count one value; returns whether it has come for the first time."""
        cdef Py_ssize_t before = self.n
        self._count_object(value)
        return self.n > before

    def newest(self, Py_ssize_t n):
        """The last `n` values of those that have come, by when they came first."""
        return [self._value(&self.entries[i]) for i in range(max(0, self.n - n), self.n)]

    def counts(self):
        """How often each value came, by when it came first."""
        return [self.entries[i].count for i in range(self.n)]

    def forget(self, values):
        """Take away values that are among the newest: the cost grows with what came since."""
        cdef Py_ssize_t first = self.n, slot, to, i
        for value in values:
            slot = self._slot_of(value)
            if slot >= 0:
                i = self.slots[slot]
                first = min(first, i)
                self.entries[i].count = 0
                self.slots[slot] = GONE
        to = first
        for i in range(first, self.n):
            if self.entries[i].count:
                if to != i:
                    self.slots[self._slot_of(self._value(&self.entries[i]))] = <int32_t>to
                    self.entries[to] = self.entries[i]
                to += 1
        self.n = to

    def count_records(
        self, bytes data, Py_ssize_t begin, Py_ssize_t end, Py_ssize_t records,
        int64_t first_timestamp, int64_t since,
    ):
        """Count the values of `records` records in data[begin:end], if none is older than `since`.

        Timestamps (ms) are differences to `first_timestamp`. Returns whether they were counted.
        Raises ValueError for damaged ones; the table must not be used any more then.
        """
        if not 0 <= begin <= end <= PyBytes_GET_SIZE(data):
            raise ValueError("a damaged batch: longer than what was fetched")
        cdef Reader reader
        reader.at = <const unsigned char *>PyBytes_AS_STRING(data) + begin
        reader.end = <const unsigned char *>PyBytes_AS_STRING(data) + end
        cdef Reader values = reader
        cdef const unsigned char *behind
        cdef Py_ssize_t i
        for i in range(records):
            behind = begin_record(&reader)
            if first_timestamp + read_varint(&reader) < since:
                return False
            reader.at = behind
        if reader.at != reader.end:
            raise ValueError("a damaged batch: bytes behind its records")
        for i in range(records):
            self._count_record(&values)
        return True

    cdef int _count_record(self, Reader *reader) except -1:
        cdef const unsigned char *behind = begin_record(reader)
        cdef Reader record
        record.at, record.end = reader.at, behind
        read_varint(&record)  # timestamp
        read_varint(&record)  # offset
        cdef int64_t length = read_varint(&record)
        if length > record.end - record.at:
            raise ValueError("a damaged record: its key is longer")
        if length > 0:
            record.at += length
        length = read_varint(&record)
        if length > record.end - record.at:
            raise ValueError("a damaged record: its value is longer")
        reader.at = behind
        if length < 0:
            return self._count(NULL, NULL_VALUE)
        return self._count(<const char *>record.at, length)

    cdef int _count_object(self, value) except -1:
        if value is None:
            return self._count(NULL, NULL_VALUE)
        cdef bytes raw = value
        return self._count(PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw))

    cdef int _count(self, const char *value, Py_ssize_t length) except -1:
        cdef uint64_t hashed = self._hash(value, length)
        cdef Py_ssize_t slot = self._find(value, length, hashed)
        if slot >= 0:
            self.entries[self.slots[slot]].count += 1
            return 0
        if 2 * (self.used + 1) > self.mask + 1:
            self._make_room()
            slot = self._find(value, length, hashed)
        self._keep(value, length, hashed)
        self.slots[-1 - slot] = <int32_t>(self.n - 1)
        self.used += 1
        return 0

    cdef uint64_t _hash(self, const char *value, Py_ssize_t length) noexcept:
        return 0 if length <= 0 else <uint64_t>tally_hash(value, length)

    cdef Py_ssize_t _find(self, const char *value, Py_ssize_t length, uint64_t hashed) noexcept:
        """The slot of a value; for one that has none, -1 - the empty slot it may get."""
        cdef Py_ssize_t slot = <Py_ssize_t>(hashed & <uint64_t>self.mask)
        cdef uint32_t tag = <uint32_t>(hashed >> 32)
        cdef int32_t i
        cdef Entry *entry
        while True:
            i = self.slots[slot]
            if i == EMPTY:
                return -1 - slot
            if i >= 0:
                entry = &self.entries[i]
                if entry.tag == tag and entry.length == length and (
                    length <= 0 or memcmp(self._bytes(entry), value, length) == 0
                ):
                    return slot
            slot = (slot + 1) & self.mask

    cdef Py_ssize_t _slot_of(self, value) except? -1:
        cdef bytes raw
        if value is None:
            return self._find(NULL, NULL_VALUE, 0)
        raw = value
        cdef Py_ssize_t length = PyBytes_GET_SIZE(raw)
        return self._find(
            PyBytes_AS_STRING(raw), length, self._hash(PyBytes_AS_STRING(raw), length)
        )

    cdef const char *_bytes(self, Entry *entry) noexcept:
        cdef Py_ssize_t at
        if entry.length <= INLINE:
            return entry.kept
        memcpy(&at, entry.kept, sizeof(at))
        return self.arena + at

    cdef object _value(self, Entry *entry):
        if entry.length == NULL_VALUE:
            return None
        return PyBytes_FromStringAndSize(self._bytes(entry), entry.length)

    cdef int _keep(self, const char *value, Py_ssize_t length, uint64_t hashed) except -1:
        """Add an entry."""
        if self.n == self.room:
            self._grow_entries()
        cdef Entry *entry = &self.entries[self.n]
        if length > INLINE:
            self._grow_arena(length)
            memcpy(self.arena + self.arena_used, value, length)
            memcpy(entry.kept, &self.arena_used, sizeof(self.arena_used))
            self.arena_used += length
        elif length > 0:
            memcpy(entry.kept, value, length)
        entry.tag = <uint32_t>(hashed >> 32)
        entry.length = <int32_t>length
        entry.count = 1
        self.n += 1
        return 0

    cdef int _grow_entries(self) except -1:
        grown = <Entry *>PyMem_Realloc(self.entries, 2 * self.room * sizeof(Entry))
        if grown == NULL:
            raise MemoryError
        self.entries = grown
        self.room *= 2
        return 0

    cdef int _grow_arena(self, Py_ssize_t length) except -1:
        cdef Py_ssize_t room = max(2 * self.arena_room, self.arena_used + length, 4096)
        if self.arena_used + length <= self.arena_room:
            return 0
        grown = <char *>PyMem_Realloc(self.arena, room)
        if grown == NULL:
            raise MemoryError
        self.arena = grown
        self.arena_room = room
        return 0

    cdef int _make_room(self) except -1:
        """Give all entries new slots: more of them, unless most were of forgotten values."""
        cdef Py_ssize_t size = self.mask + 1, i, slot
        if 4 * (self.n + 1) > size:
            size *= 2
        slots = <int32_t *>PyMem_Malloc(size * sizeof(int32_t))
        if slots == NULL:
            raise MemoryError
        memset(slots, 0xFF, size * sizeof(int32_t))
        PyMem_Free(self.slots)
        self.slots, self.mask, self.used = slots, size - 1, self.n
        for i in range(self.n):
            slot = <Py_ssize_t>(
                self._hash(self._bytes(&self.entries[i]), self.entries[i].length) & self.mask
            )
            while self.slots[slot] != EMPTY:
                slot = (slot + 1) & self.mask
            self.slots[slot] = <int32_t>i
        return 0
