"""What a Modbus message says and what is wrong with it, and whether a response is the one to a request.

After the Modbus application protocol 1.1b3. Where Suricata 8.0.6 judges otherwise than the standard, this
judges as Suricata does, since rules ask for its events.
"""

from __future__ import annotations

from typing import NamedTuple

from ingest.applications.tables import TO_SERVER

#: What may be wrong with a message, as bits, and the event that tells it.
VALUE, LENGTH, EXCEPTION, FUNCTION, PROTOCOL_ID = 1, 2, 4, 8, 16
EVENTS = {
    FUNCTION: "modbus.invalid_function_code",
    VALUE: "modbus.invalid_value",
    LENGTH: "modbus.invalid_length",
    EXCEPTION: "modbus.invalid_exception_code",
    PROTOCOL_ID: "modbus.invalid_protocol_id",
}
#: Categories of functions, as bits.
ASSIGNED, UNASSIGNED, USER, RESERVED = 1, 2, 4, 8
#: Functions by what they do. Those of exceptions are the same without their highest bit.
KNOWN = frozenset({*range(1, 25), 43})
READS, WRITES = frozenset({1, 2, 3, 4, 23}), frozenset({5, 6, 15, 16, 22, 23})
_BITS, _SINGLE, _MULTIPLE = frozenset({1, 2, 5, 15}), frozenset({5, 6}), frozenset({15, 16, 23})
_MOST_BITS, _MOST_WORDS, _MOST_BYTES = 2000, 125, 250
_DIAGNOSTIC, _BOTH, _MEI = 8, 23, 43
_FILES = frozenset({20, 21})
#: The least and the most bytes of data of requests that are not read further.
_SIZES = {7: (0, 0), 11: (0, 0), 12: (0, 0), 17: (0, 0), 20: (1, 252), 21: (1, 252), 24: (2, 2)}
#: Lengths of responses.
_ANSWERS = {7: 1, 11: 4}
_EXCEPTIONS = frozenset({*range(1, 9), 10, 11})
_MEMORY = 8  # a fault of the memory, which files alone have
_CATEGORIES = (
    (1, 0), (9, UNASSIGNED), (15, RESERVED), (41, UNASSIGNED), (43, RESERVED), (65, UNASSIGNED), (73, USER),
    (90, UNASSIGNED), (92, RESERVED), (100, UNASSIGNED), (111, USER), (125, UNASSIGNED), (128, RESERVED),
)  # fmt: skip


class Message(NamedTuple):
    """What a message says: `kind` names how `said` is to be read, `wrong` are the bits above."""

    unit: int
    function: int  # as it stands there; an exception has its highest bit
    category: int
    kind: str
    said: tuple[int, ...]
    wrong: int

    @property
    def known(self) -> int:
        """The function without the bit of exceptions; -1 where it is none that is known."""
        return self.function & 0x7F if self.function & 0x7F in KNOWN else -1


def answers(response: Message, request: Message) -> int | None:
    """What is wrong with a response beside what is wrong with it alone; None where it is not to the request.

    Their transaction identifiers are the same.
    """
    if (response.unit, response.known) != (request.unit, request.known):
        return None
    if response.category != ASSIGNED or response.kind == "exception":
        return 0
    pair = response.kind, request.kind
    if "bytes" in pair:
        short = response if response.kind == "bytes" else request
        return 0 if pair == ("bytes", "bytes") or short.wrong & LENGTH else None
    if pair == ("values", "read"):
        # Suricata counts bits of registers, too, so that reading those well is a mismatch to it.
        return 0 if response.said[0] == (request.said[1] + 7) // 8 else VALUE
    if pair == ("values", "both"):
        return 0 if response.said[0] == 2 * request.said[2] else VALUE
    if pair in {("write", "write"), ("write", "several"), ("mask", "mask")}:
        return 0 if response.said == request.said else VALUE
    alike = response.kind == request.kind in ("diagnostic", "mei") and response.said == request.said
    return 0 if alike else None


def told(message: Message, wrong: int, *, answer: bool) -> list[str]:
    """The events of a message with which so much is wrong."""
    if answer and message.known in READS | WRITES and wrong & (LENGTH | VALUE):
        return ["modbus.value_mismatch"]
    return [name for bit, name in EVENTS.items() if wrong & bit]


class _Short(Exception):
    """The data end too early."""


def _words(data: bytes, at: int, count: int) -> tuple[int, ...]:
    if at + 2 * count > len(data):
        raise _Short
    return tuple(int.from_bytes(data[i : i + 2], "big") for i in range(at, at + 2 * count, 2))


def misfit(protocol: int) -> Message:
    """A message whose header has a length that none can have: nothing more is known of it."""
    return Message(0, 0, 0, "", (), LENGTH | (PROTOCOL_ID if protocol else 0))


def judge(direction: int, protocol: int, body: bytes) -> Message:
    """A message of unit, function and data (2 to 254 bytes), with the protocol identifier of its header."""
    reading = _Reading(body[1], body[2:])
    try:
        left = reading.request() if direction == TO_SERVER else reading.response()
    except _Short:
        left = 0
        reading.wrong |= LENGTH
        if not reading.kind:
            reading.kind = "bytes"
    wrong = reading.wrong | (LENGTH if left else 0) | (PROTOCOL_ID if protocol else 0)
    return Message(body[0], body[1], reading.category(), reading.kind, reading.said, wrong)


class _Reading:
    """A message as far as it is read; what reads answers how many bytes are left over."""

    def __init__(self, function: int, data: bytes) -> None:
        self.raw = function
        self.function = function & 0x7F
        self.data = data
        self.kind = ""
        self.said: tuple[int, ...] = ()
        self.wrong = 0

    def request(self) -> int:
        function, size = self.function, len(self.data)
        if function == _DIAGNOSTIC:
            self.wrong |= 0 if size == 4 else LENGTH
            left = self._coded("diagnostic", 2)
            if size == 4 and not _diagnostic_fits(self.said[0], self.data[2], self.data[3]):
                self.wrong |= VALUE
            return left
        if function == _MEI:
            return self._coded("mei", 1)
        least, most = _SIZES.get(function, (0, size))
        if not least <= size <= most:
            self.wrong |= LENGTH
            return self._bytes()
        if not 0 < self.raw < 0x80:
            self.wrong |= FUNCTION
        if function in READS:
            left = self._read_request()
            return self._write_request(4) if function in WRITES else left
        return self._write_request(0) if function in WRITES else self._bytes()

    def response(self) -> int:
        function, size = self.function, len(self.data)
        if self.raw & 0x80:
            return self._exception()
        if function == _DIAGNOSTIC:
            return self._coded("diagnostic", 2)
        if function == _MEI:
            return self._coded("mei", 1)
        if function in READS:
            return self._read_response()
        if function in WRITES:
            return self._write_response()
        if size != _ANSWERS.get(function, size):
            self.wrong |= LENGTH
        return self._bytes()

    def category(self) -> int:
        """What kind of function it is; 0 where too little of it is there, or it is 0 or an exception."""
        if self.function not in KNOWN:
            return next((of for end, of in _CATEGORIES if self.raw < end), 0)
        if self.function == _DIAGNOSTIC:
            if self.kind != "diagnostic":
                return 0
            return ASSIGNED if self.said[0] <= 4 or 10 <= self.said[0] <= 21 else RESERVED
        if self.function == _MEI:
            if self.kind != "mei":
                return 0
            return ASSIGNED if self.said[0] in (13, 14) else RESERVED
        return ASSIGNED

    def _bytes(self) -> int:
        self.kind = "bytes"
        return 0

    def _coded(self, kind: str, width: int) -> int:
        """Data behind a code of `width` bytes."""
        if len(self.data) < width:
            self.wrong |= LENGTH
            return len(self.data)
        self.kind, self.said = kind, (int.from_bytes(self.data[:width], "big"),)
        return 0

    def _exception(self) -> int:
        if not self.data:
            raise _Short
        code = self.data[0]
        if code not in _EXCEPTIONS or (code == _MEMORY and self.function not in _FILES):
            self.wrong |= EXCEPTION
        self.kind, self.said = "exception", (code,)
        return len(self.data) - 1

    def _read_request(self) -> int:
        address, quantity = _words(self.data, 0, 2)
        most = _MOST_BITS if self.function in _BITS else _MOST_WORDS
        if not 0 < quantity <= most:
            self.wrong |= VALUE
        if self.function != _BOTH and len(self.data) > 4:
            self.wrong |= LENGTH
        self.kind, self.said = "read", (address, quantity)
        return len(self.data) - 4

    def _write_request(self, at: int) -> int:
        data, size = self.data, len(self.data)
        if self.function in _SINGLE:
            address, value = _words(data, at, 2)
            if self.function in _BITS and value not in (0, 0xFF00):
                self.wrong |= VALUE
            self.kind, self.said = "write", (address, value)
            return size - 4
        if self.function not in _MULTIPLE:
            self.kind, self.said = "mask", _words(data, at, 3)
            return size - 6
        address, quantity = _words(data, at, 2)
        if size < at + 5:
            raise _Short
        count = data[at + 4]
        if not quantity or size - at - 5 != count:
            self.wrong |= LENGTH
        bits = self.function in _BITS
        right = (quantity + 7) // 8 if bits else 2 * quantity
        if quantity > (_MOST_BITS if bits else _MOST_WORDS) or count != right:
            self.wrong |= VALUE
        self.said = (address, quantity, self.said[1]) if at else (address, quantity)
        self.kind = "both" if at else "several"
        return 0

    def _read_response(self) -> int:
        if not self.data:
            self.wrong |= LENGTH
            return 0
        count = self.data[0]
        if not 0 < count <= _MOST_BYTES or count != len(self.data) - 1:
            self.wrong |= VALUE
        self.kind, self.said = "values", (len(self.data) - 1,)
        return 0

    def _write_response(self) -> int:
        if self.function not in _SINGLE | _MULTIPLE:
            self.kind, self.said = "mask", _words(self.data, 0, 3)
            return len(self.data) - 6
        address, value = _words(self.data, 0, 2)
        # The limits are Suricata's: those of bits and of words changed places.
        most = _MOST_WORDS if self.function in _BITS else _MOST_BITS
        if self.function in _MULTIPLE and not 0 < value <= most:
            self.wrong |= VALUE
        self.kind, self.said = "write", (address, value)
        return len(self.data) - 4


def _diagnostic_fits(code: int, high: int, low: int) -> bool:
    """Whether the data of a diagnostic request are what its code asks."""
    if code in (0, 4) or code in range(5, 10) or code > 21:
        return True
    if code == 1:
        return low == 0 and high in (0, 0xFF)
    return low == 0 if code == 3 else high == low == 0
