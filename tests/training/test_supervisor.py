"""Who ends a training: the learner when it has saved, or a person who quits; nobody else."""

from __future__ import annotations

import sys
from pathlib import Path

from hilt.training.processes import Child, StopRequest
from hilt.training.supervisor import OPERATOR_QUIT, Supervisor
from tests.training.parts import small_config


class Script(Child):
    """A child that runs other code than hilt."""

    def __init__(self, name: str, code: str) -> None:
        super().__init__(name, [], {})
        self._arguments = [sys.executable, "-c", code]


def supervise(folder: Path, learner: str, *actors: str) -> tuple[bool, Script]:
    """Whether training was done, and the learner's process."""
    supervisor = Supervisor(small_config(), folder, lambda text: None)
    child = Script("learner", learner)
    supervisor._learner = child
    supervisor._actors = [Script(f"actor {index}", code) for index, code in enumerate(actors)]
    return supervisor.run(StopRequest()), child


def test_actors_that_the_learner_sends_away_do_not_end_a_training_that_is_being_saved(tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    learner = f"import time, pathlib; time.sleep(0.7); pathlib.Path({str(saved)!r}).touch()"
    done, child = supervise(tmp_path, learner, "", "")
    assert done
    assert child.exit_code == 0
    assert saved.exists()


def test_the_training_ends_when_a_person_says_so_at_any_actor(tmp_path: Path) -> None:
    waits, quits = "import time; time.sleep(60)", f"raise SystemExit({OPERATOR_QUIT})"
    done, child = supervise(tmp_path, waits, waits, quits)
    assert not done
    assert child.exit_code not in (None, 0)


def test_trainings_that_start_together_do_not_want_the_same_port(tmp_path: Path) -> None:
    def port() -> str:
        learner = Supervisor(small_config(), tmp_path, lambda text: None)._learner
        return next(word for word in learner._arguments if "learner_port" in word)

    assert port() != port()
