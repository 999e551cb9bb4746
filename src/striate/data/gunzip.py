"""A gzip file as a stream of bytes: all its members one after another, in time linear in the file, in bounded memory.

`zlib` returns a copy of the bytes after the end of a member. If it got the rest of the file each time, a file of many
small members would take quadratic time. So each member gets few bytes at first, and twice as many each time.
"""

from __future__ import annotations

import io
import re
import zlib
from typing import BinaryIO, Protocol

from striate.errors import DataError

MAGIC = b"\x1f\x8b"
PIECE = 2**20
"""The most bytes that are read, or inflated, at once."""
SMALLEST = 64
"""The bytes that a member gets at first; an empty member has 20."""

_ZEROS = re.compile(rb"\0*")


class _Member(Protocol):
    """The interface of the objects that `zlib.decompressobj` returns."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class Gunzip(io.RawIOBase):
    """The decompressed bytes of all members; zeros between and after members are skipped.

    Each member's checksum and length are checked when its end is read. Raises DataError with `where`.
    """

    def __init__(self, stream: BinaryIO, *, where: str) -> None:
        super().__init__()
        self.stream = stream
        self.where = where
        self.block = b""
        self.place = 0
        self.member: _Member | None = None
        self.given = SMALLEST

    def readable(self) -> bool:
        """True: a stream to read from."""
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Fill a part of a buffer; 0 at the end of the last member."""
        most = min(len(buffer), PIECE)
        while most and self._begun():
            assert self.member  # noqa: S101 - it has begun
            piece = self._inflated(self.member, most)
            if piece:
                buffer[: len(piece)] = piece
                return len(piece)
        return 0

    def _begun(self) -> bool:
        """Whether there is a member to read from; begins a new one where bytes follow the last one."""
        if self.member is not None:
            return True
        while self._filled():
            zeros = _ZEROS.match(self.block, self.place)
            self.place = zeros.end() if zeros else self.place
            if self.place < len(self.block):
                self.member = zlib.decompressobj(wbits=31)
                self.given = SMALLEST
                return True
        return False

    def _filled(self) -> bool:
        """Whether bytes of the file are left; reads more of it where necessary."""
        if self.place >= len(self.block):
            self.block, self.place = self.stream.read(PIECE), 0
        return bool(self.block)

    def _inflated(self, member: _Member, most: int) -> bytes:
        """The next bytes of a member, at most `most`; none where it needs more of the file first, or has ended."""
        given = self.block[self.place : self.place + self.given] if self._filled() else b""
        try:
            piece = member.decompress(given, most)
        except zlib.error as error:
            reason = str(error).rpartition(": ")[2]
            raise DataError(f"is damaged: {reason}.", "Expected a whole gzip file.", where=self.where) from None
        self.place += len(given) - len(member.unused_data) - len(member.unconsumed_tail)
        self.given = min(2 * self.given, PIECE)
        if member.eof:
            self.member = None
        elif not given and not piece:
            raise DataError("is cut short.", "Expected a whole gzip file.", where=self.where)
        return piece
