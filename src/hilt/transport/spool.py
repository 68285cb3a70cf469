"""Transitions on disk that found no room in memory while the learner was away.

A folder of segments, read in the order of their names. Each is a file of the episode log's format and stands
by itself: the first step in it carries its observation.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator
from io import FileIO
from pathlib import Path

from google.protobuf.message import DecodeError

from hilt.data.codec import Decoder, Encoder
from hilt.data.log_file import DamageError, pack_header, pack_record, read_header, read_records
from hilt.data.transition import Schema, SchemaError, Transition
from hilt.data.transition_pb2 import Step

logger = logging.getLogger(__name__)

_FIRST_NUMBER = 10**9
"""Segments may have to go in front of those that are there, too."""


class _Writer:
    """An open segment."""

    def __init__(self, path: Path, schema: Schema) -> None:
        self.path = path
        self.records = 0
        self.nbytes = 0
        self._encoder = Encoder()
        self._file = FileIO(path, "x")
        try:
            self._write(pack_header(schema))
        except OSError:
            self._file.close()
            path.unlink()
            raise

    def add(self, transition: Transition) -> None:
        """Raises OSError when the disk refuses; the segment then ends with a torn record."""
        self._write(pack_record(0, self._encoder.encode(transition).SerializeToString()))
        self.records += 1

    def _write(self, data: bytes) -> None:
        if self._file.write(data) != len(data):
            raise OSError(f"{self.path}: the disk is full")
        self.nbytes += len(data)

    def close(self) -> None:
        self._file.close()


class Spool:
    """First in, first out. Not safe for several threads. One process at a time may have a folder.

    Segments that an earlier process left behind come first.
    """

    def __init__(
        self, folder: Path, schema: Schema, max_bytes: int = 4 * 2**30, segment_bytes: int = 4 * 2**20
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._schema = schema
        self._max_bytes = max_bytes
        self._segment_bytes = segment_bytes
        self._writer: _Writer | None = None
        self._sizes = {path: path.stat().st_size for path in sorted(folder.glob("[0-9]*.hiltlog"))}
        self._unread = deque((path, 1) for path in self._sizes)
        self._next_number = _FIRST_NUMBER
        if self._unread:
            self._next_number = int(self._unread[-1][0].stem) + 1

    def __len__(self) -> int:
        """Transitions in segments that were not taken; one for each segment of an earlier process."""
        written = self._writer.records if self._writer else 0
        return written + sum(records for _, records in self._unread)

    @property
    def nbytes(self) -> int:
        """Bytes on disk, those of segments taken but not yet discarded included."""
        return sum(self._sizes.values()) + (self._writer.nbytes if self._writer else 0)

    def append(self, transition: Transition) -> None:
        """Raises OSError when the spool or the disk is full."""
        if self.nbytes >= self._max_bytes:
            raise OSError(f"{self._folder} holds {self.nbytes} bytes; {self._max_bytes} are allowed")
        if self._writer is None:
            self._writer = self._new_segment(self._next_number)
            self._next_number += 1
        try:
            self._writer.add(transition)
        except OSError:
            self._close_segment()
            raise
        if self._writer.nbytes >= self._segment_bytes:
            self._close_segment()

    def _new_segment(self, number: int) -> _Writer:
        return _Writer(self._folder / f"{number:016d}.hiltlog", self._schema)

    def _close_segment(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._sizes[self._writer.path] = self._writer.nbytes
            self._unread.append((self._writer.path, self._writer.records))
            self._writer = None

    def oldest(self) -> Path | None:
        """The segment to be read next, then taken, and discarded when all of it is acknowledged."""
        if not self._unread:
            self._close_segment()
        return self._unread[0][0] if self._unread else None

    def take(self) -> None:
        """The oldest segment is in other hands."""
        self._unread.popleft()

    def read(self, segment: Path) -> list[Transition]:
        """What `segment` holds, up to where it is damaged; may be called beside the other methods.

        A segment of another schema is set aside for a person to look at.
        """
        transitions: list[Transition] = []
        try:
            transitions.extend(self._decode(segment))
        except DamageError as damage:
            logger.warning("%s", damage)
        except (SchemaError, DecodeError) as error:
            aside = segment.with_suffix(".other")
            segment.rename(aside)
            logger.warning("%s holds transitions that do not fit this run: %s", aside, error)
        return transitions

    def _decode(self, segment: Path) -> Iterator[Transition]:
        decoder = Decoder(self._schema)
        with segment.open("rb") as file:
            if read_header(file, segment) != self._schema:
                raise SchemaError("they have other features")
            for _, record in read_records(file, segment):
                yield decoder.decode(Step.FromString(record))

    def discard(self, segment: Path) -> None:
        self._sizes.pop(segment, None)
        segment.unlink(missing_ok=True)

    def put_in_front(self, transitions: Iterable[Transition]) -> None:
        """Writes a segment that comes before all unread ones. Raises OSError when the disk is full."""
        self._close_segment()
        first = min((int(path.stem) for path in self._sizes), default=self._next_number)
        writer = self._new_segment(first - 1)
        try:
            for transition in transitions:
                writer.add(transition)
        finally:
            writer.close()
            self._sizes[writer.path] = writer.nbytes
            self._unread.appendleft((writer.path, writer.records))

    def close(self) -> None:
        self._close_segment()
