"""`EpisodeLog`: every transition of a run, lossless, on disk. The buffers are rebuilt from it."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Sequence
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

from hilt.data.codec import Decoder, Encoder
from hilt.data.log_file import DamageError, pack_header, pack_record, read_header, read_records
from hilt.data.routing import Source
from hilt.data.transition import Schema, SchemaError, Transition
from hilt.data.transition_pb2 import Step

logger = logging.getLogger(__name__)

SUFFIX = ".hiltlog"
_MAX_OPEN_EPISODES = 64
"""Episodes whose last frame the reader is trusted to keep; actors that died never end theirs."""


class EpisodeLog:
    """An append-only log in `folder`, in numbered files of about `max_file_bytes`.

    `append` hands the records to the operating system: they survive the death of this process. They survive
    that of the machine after `sync`, which `append` calls by itself every `sync_every_s` seconds at most.
    Each file stands by itself: the first step of an episode in it carries its observation.

    One process writes to a folder at a time. Not safe for threads.
    """

    def __init__(
        self, folder: Path, schema: Schema, *, max_file_bytes: int = 2**28, sync_every_s: float = 1.0
    ) -> None:
        self.folder = folder
        self.schema = schema
        self.max_file_bytes = max_file_bytes
        self.sync_every_s = sync_every_s
        self._file: FileIO | None = None
        self._size = 0
        self._synced_at = time.monotonic()
        self._encoders: dict[int, Encoder] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def append(self, transitions: Sequence[Transition], source: Source = Source.ONLINE) -> None:
        """Writes all of `transitions`, or none.

        Raises SchemaError when one does not fit the schema, OSError when the disk is full.
        """
        for transition in transitions:
            self.schema.check(transition)
        if self._file is None or self._size >= self.max_file_bytes:
            self._start_file()
        records = b"".join(self._record(transition, source) for transition in transitions)
        self._write(records if self._size else pack_header(self.schema) + records)
        if time.monotonic() - self._synced_at >= self.sync_every_s:
            self.sync()

    def sync(self) -> None:
        """What was appended is on the disk when this returns."""
        if self._file is not None:
            os.fsync(self._file.fileno())
        self._synced_at = time.monotonic()

    def read(self) -> Iterator[tuple[Transition, Source]]:
        """Everything in the log, in the order in which it was appended.

        A torn tail is cut off; from a damaged file, what precedes the damage is read; both are said.
        Raises SchemaError when the log was written with another schema.
        """
        for path in log_files(self.folder):
            try:
                yield from _read_file(path, self.schema)
            except DamageError as damage:
                logger.warning("%s", damage)
                if damage.is_torn_tail:
                    os.truncate(path, damage.offset)

    def close(self) -> None:
        if self._file is not None:
            self.sync()
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _record(self, transition: Transition, source: Source) -> bytes:
        if len(self._encoders) > _MAX_OPEN_EPISODES:
            self._encoders.clear()
        encoder = self._encoders.setdefault(transition.episode_id, Encoder())
        if transition.done:
            del self._encoders[transition.episode_id]
        return pack_record(source, encoder.encode(transition).SerializeToString())

    def _start_file(self) -> None:
        """A new file, also after a restart: no record ever follows a torn one."""
        self.close()
        self._encoders.clear()
        number = max((int(path.stem) for path in log_files(self.folder)), default=-1) + 1
        self._file = FileIO(self.folder / f"{number:06d}{SUFFIX}", "x")
        self._size = 0
        _sync_folder(self.folder)

    def _write(self, data: bytes) -> None:
        assert self._file is not None
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            self._file.truncate(self._size)
            self._file.seek(self._size)
            self._encoders.clear()
            raise
        self._size += len(data)


def log_files(folder: Path) -> list[Path]:
    """The files of a log, oldest first."""
    return sorted(path for path in folder.glob(f"*{SUFFIX}") if path.stem.isdecimal())


def read_log(folder: Path) -> Iterator[tuple[Transition, Source]]:
    """Everything in a log that another process may be writing to: nothing is cut off."""
    for path in log_files(folder):
        try:
            yield from _read_file(path, None)
        except DamageError as damage:
            logger.warning("%s", damage)


def _read_file(path: Path, expected: Schema | None) -> Iterator[tuple[Transition, Source]]:
    """The transitions of one file. Raises DamageError where it is damaged."""
    if path.stat().st_size == 0:  # its first record was never written, or was cut off
        return
    with path.open("rb") as file:
        schema = read_header(file, path)
        if expected is not None and schema != expected:
            raise SchemaError(
                f"{path} holds {schema.to_json()}, this run has {expected.to_json()}: "
                "resume with the configuration that wrote it, or choose another output_dir"
            )
        decoders: dict[int, Decoder] = {}
        for source, data in read_records(file, path):
            step = Step.FromString(data)
            transition = decoders.setdefault(step.episode_id, Decoder(schema)).decode(step)
            if transition.done:
                del decoders[step.episode_id]
            yield transition, Source(source)


def _sync_folder(folder: Path) -> None:
    """Makes the names of new files durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
