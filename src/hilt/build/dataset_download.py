"""Datasets that lie on the hub: what of one is needed, downloaded to where LeRobot keeps its datasets.

FOLDER/.cache/huggingface/hilt.json says which commit the files in FOLDER are of. Files appear when they are
whole, and stay: a connection that breaks is taken up within a file, another run goes on with the next file.
"""

from __future__ import annotations

import json
import queue
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hilt.data.lerobot import DatasetError
from hilt.data.lerobot.layout import EPISODES_FOLDER, INFO, VERSION
from hilt.errors import UserError

Tell = Callable[[str], None]

_CACHE = Path(".cache") / "huggingface"
_WORKERS, _ATTEMPTS = 4, 3
_PAUSE_S, _LOOK_EVERY_S, _TELL_EVERY_S = 1.0, 0.2, 5.0
_MB = 1e6
_UNREACHABLE = ("ConnectError", "ConnectTimeout", "ProxyError", "ConnectionError")
"""Errors of the client's HTTP library, whichever it is, where no connection came about."""


class DownloadStoppedError(UserError):
    """A person asked the command to end while it was downloading."""

    exit_code = 130


class HubDataset:
    """The dataset `repo_id` of the hub, in `folder`, at `revision` (None: the version that hilt reads)."""

    def __init__(
        self,
        repo_id: str,
        folder: Path,
        revision: str | None,
        tell: Tell,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._repo_id, self._folder, self._revision = repo_id, folder, revision
        self._tell, self._should_stop = tell, should_stop

    def fetch_meta(self) -> None:
        """Have `meta/`. Without a network when it is there at the revision that is asked for.

        A dataset that was recorded here is left alone.

        Raises:
            DatasetError: it is neither here nor on the hub, or of another version.
        """
        if self._has_meta():
            return
        with self._quietly():
            self._fetch_meta()

    def _fetch_meta(self) -> None:
        commit = self._began() or self._resolve()
        meta = [path for path in self._listing(commit) if path.startswith("meta/")]
        if INFO not in meta:
            raise DatasetError(f"{self._repo_id} on the hub has no {INFO}: it is no LeRobot dataset")
        self._check_version(commit)
        self._mark(commit, is_complete=False)
        self._download(commit, meta)
        self._mark(commit, is_complete=True)

    def fetch(self, paths: Sequence[str]) -> None:
        """Have the files `paths`, relative to the folder, of the commit of `meta/`.

        Nothing is done where they are there, or where the dataset was recorded here.

        Raises:
            DatasetError: the hub does not give them. DownloadStoppedError: a person asked to stop.
        """
        commit = self._state().get("commit")
        missing = [path for path in paths if not self._has(path, commit)]
        if missing and self._is_of_hub:
            with self._quietly():
                self._download(commit or self._resolve(), missing)

    def _has(self, path: str, commit: str | None) -> bool:
        """Whether `path` is there, of `commit` (None: of any)."""
        if not (self._folder / path).is_file():
            return False
        noted = self._folder / _CACHE / "download" / f"{path}.metadata"
        return commit is None or not noted.is_file() or noted.read_text().startswith(commit)

    @property
    def _is_of_hub(self) -> bool:
        return (self._folder / _CACHE).is_dir()

    def _has_meta(self) -> bool:
        state = self._state()
        if state:
            asked = self._revision or VERSION
            return bool(state["is_complete"]) and asked in (state["asked"], state["commit"])
        if not (self._folder / INFO).is_file():
            return False
        has_episodes = (self._folder / EPISODES_FOLDER).is_dir()
        return not self._is_of_hub or (has_episodes and self._revision is None)

    def _state(self) -> dict[str, Any]:
        path = self._folder / _CACHE / "hilt.json"
        try:
            state: dict[str, Any] = json.loads(path.read_text())
        except (OSError, ValueError):
            return {}
        return state if state.keys() >= {"asked", "commit", "is_complete"} else {}

    def _began(self) -> str | None:
        """The commit of a download of this revision that broke off."""
        state = self._state()
        return state["commit"] if state and state["asked"] == (self._revision or VERSION) else None

    def _mark(self, commit: str, *, is_complete: bool) -> None:
        path = self._folder / _CACHE / "hilt.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        state = {"asked": self._revision or VERSION, "commit": commit, "is_complete": is_complete}
        path.write_text(json.dumps(state) + "\n")

    def _resolve(self) -> str:
        """The commit of the revision; a dataset without a tag for the version is taken as it is on main."""
        hub = self._client()
        try:
            info = self._ask(
                lambda: hub.HfApi().dataset_info(self._repo_id, revision=self._revision or VERSION)
            )
        except hub.errors.RevisionNotFoundError:
            if self._revision is not None:
                raise DatasetError(f"{self._repo_id} has no revision {self._revision!r} on the hub") from None
            info = self._ask(lambda: hub.HfApi().dataset_info(self._repo_id))
        return str(info.sha)

    def _listing(self, commit: str) -> dict[str, int]:
        """Path -> size [bytes] of every file."""
        api = self._client().HfApi()
        entries = self._ask(
            lambda: list(
                api.list_repo_tree(self._repo_id, recursive=True, revision=commit, repo_type="dataset")
            )
        )
        return {entry.path: entry.size for entry in entries if hasattr(entry, "size")}

    def _ask(self, question: Callable[[], Any]) -> Any:
        """The hub's answer. Raises DatasetError when it gives none, and RevisionNotFoundError."""
        errors = self._client().errors
        for attempt in range(_ATTEMPTS):
            try:
                return question()
            except errors.RevisionNotFoundError:
                raise
            except (errors.HTTPError, OSError, ValueError) as error:
                is_final = isinstance(error, errors.HfHubHTTPError | ValueError | errors.OfflineModeIsEnabled)
                if is_final or type(error).__name__ in _UNREACHABLE or attempt == _ATTEMPTS - 1:
                    raise DatasetError(self._absent(error)) from None
            time.sleep(_PAUSE_S)
        raise AssertionError("unreachable")

    def _check_version(self, commit: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self._attempt(commit, INFO, Path(folder))
            try:
                version = json.loads((Path(folder) / INFO).read_text()).get("codebase_version")
            except (ValueError, AttributeError):
                version = None
        if version != VERSION:
            raise DatasetError(
                f"{self._repo_id} on the hub is of version {version!r}, hilt reads {VERSION} (convert older "
                "datasets with LeRobot's lerobot.scripts.convert_dataset_v21_to_v30; dataset.revision names "
                "another revision)"
            )

    def _download(self, commit: str, paths: Sequence[str]) -> None:
        sizes = self._listing(commit)
        missing = [path for path in paths if path not in sizes]
        if missing:
            raise DatasetError(f"{self._repo_id} on the hub lacks {missing[0]}: it is not complete there")
        total = sum(sizes[path] for path in paths)
        name = f"{self._repo_id} ({len(paths)} files, {total / _MB:.1f} MB)"
        self._tell(f"downloading {name} to {self._folder}")
        waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
        for path in paths:
            waiting.put(path)
        done: queue.SimpleQueue[tuple[str, DatasetError | None]] = queue.SimpleQueue()
        for _ in range(min(_WORKERS, len(paths))):  # daemons: a stop need not wait for a large file
            threading.Thread(target=self._work, args=(commit, waiting, done), daemon=True).start()
        self._await(done, {path: sizes[path] for path in paths})

    def _work(
        self,
        commit: str,
        waiting: queue.SimpleQueue[str],
        done: queue.SimpleQueue[tuple[str, DatasetError | None]],
    ) -> None:
        while True:
            try:
                path = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                self._attempt(commit, path, self._folder)
            except DatasetError as error:
                done.put((path, error))
                return
            done.put((path, None))

    def _await(self, done: queue.SimpleQueue[tuple[str, DatasetError | None]], sizes: dict[str, int]) -> None:
        """Returns when all files of `sizes` are there; says how far it is."""
        whole, told = 0, time.monotonic()
        total = sum(sizes.values())
        while whole < len(sizes):
            if self._should_stop():
                raise DownloadStoppedError(f"the download of {self._repo_id} was stopped: {_GOES_ON}")
            try:
                _, error = done.get(timeout=_LOOK_EVERY_S)
            except queue.Empty:
                error = None
            else:
                whole += 1
            if error is not None:
                raise DatasetError(f"{error} ({whole - 1} of {len(sizes)} files are there): {_GOES_ON}")
            if time.monotonic() - told >= _TELL_EVERY_S:
                told = time.monotonic()
                here = self._bytes_here(sizes)
                share = f" ({here / total:.0%})" if total else ""
                self._tell(f"downloading {self._repo_id}: {here / _MB:.1f} of {total / _MB:.1f} MB{share}")

    def _bytes_here(self, sizes: dict[str, int]) -> int:
        files = [self._folder / path for path in sizes]
        parts = (self._folder / _CACHE / "download").rglob("*.incomplete")
        whole = sum(path.stat().st_size for path in files if path.is_file())
        return min(whole + sum(_size(path) for path in parts), sum(sizes.values()))

    def _attempt(self, commit: str, path: str, folder: Path) -> None:
        """One file, which a broken connection costs what had not arrived. Raises DatasetError."""
        hub = self._client()
        for attempt in range(_ATTEMPTS):
            try:
                hub.hf_hub_download(
                    self._repo_id, path, repo_type="dataset", revision=commit, local_dir=folder
                )
                return
            except (hub.errors.HTTPError, OSError, ValueError) as error:
                if attempt == _ATTEMPTS - 1:
                    raise DatasetError(f"the download of {path} of {self._repo_id} broke off") from error
            time.sleep(_PAUSE_S)

    def _client(self) -> Any:
        try:
            import huggingface_hub
            import huggingface_hub.errors
            import huggingface_hub.utils
        except ImportError:
            raise DatasetError(
                f"{self._repo_id} is not in {self._folder}, and the hub needs the extra "
                f"`pip install 'hilt[hub]'`; or {self._elsewhere()}"
            ) from None
        return huggingface_hub

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        """Without the client's own bars and warnings: what is to be said is said here."""
        utils = self._client().utils
        had_bars, level = not utils.are_progress_bars_disabled(), utils.logging.get_verbosity()
        utils.disable_progress_bars()
        utils.logging.set_verbosity_error()
        try:
            yield
        finally:
            utils.logging.set_verbosity(level)
            if had_bars:
                utils.enable_progress_bars()

    def _absent(self, error: Exception) -> str:
        from huggingface_hub.errors import RepositoryNotFoundError

        if isinstance(error, RepositoryNotFoundError):
            return (
                f"{self._repo_id} is not in {self._folder}, and no dataset on the hub, or a private one: log "
                "in with `hf auth login` (or HF_TOKEN)"
            )
        return (
            f"{self._repo_id} is not in {self._folder}, and the hub does not give it (offline?): "
            f"{self._elsewhere()}"
        )

    def _elsewhere(self) -> str:
        revision = self._revision or VERSION
        return (
            f"on a machine with a network, `hf download {self._repo_id} --repo-type dataset "
            f"--revision {revision} --local-dir DIR`, and --dataset.root=DIR here"
        )


_GOES_ON = "the same command goes on where it stopped"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # it has just become whole
        return 0
