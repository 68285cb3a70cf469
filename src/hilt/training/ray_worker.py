"""What a Ray node does for a sweep: it runs one `hilt train` as its child, so that both end together."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

from hilt.training.processes import Child
from hilt.training.resources import computing_threads
from hilt.training.sweep import LOG, train_arguments

_POLL_S = 0.2


class RemoteTraining:
    """The training in `folder` on this node, with `cores` of its cores, as if started in `working_folder`.

    Its methods are called from several threads.
    """

    def __init__(self, folder: str, working_folder: str, cores: int) -> None:
        if Path(working_folder).is_dir():
            os.chdir(working_folder)
        threads = computing_threads(cores)
        self._child = Child("training", train_arguments(Path(folder)), threads, Path(folder) / LOG)
        self._child.start()

    def run(self) -> int:
        """Its exit code, when it has ended."""
        while (code := self._child.exit_code) is None:
            time.sleep(_POLL_S)
        return code

    def node(self) -> str:
        """The name of this machine."""
        return socket.gethostname()

    def terminate(self) -> None:
        """Ask it to end; it saves."""
        self._child.terminate()
