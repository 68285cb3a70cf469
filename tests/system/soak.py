"""What a training keeps that is killed, cut off, flooded, in full counts: `make soak`.

Shorter: `python -m tests.system.soak --share=0.1`."""

from __future__ import annotations

import json
import random
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.system.apart import Apart
from tests.system.runs import TINY, Hilt, doubled, holes, logged, resident_mib
from tests.transport.strangers import visit

KILLS = 20
"""Of the learner, of the actor, of both."""
DISTURBANCES = 60
MESSAGES = 10_000
LONGEST_LIFE_S = 8.0
"""Random moments of a kill lie within so many seconds after the start of a process: while it loads, too."""
TARGET = 0.9

_SOURCE = Path(__file__).parents[2] / "configs" / "train_sac_state.json"
CONFIG: dict[str, Any] = json.loads(_SOURCE.read_text()) | {
    "ui": TINY["ui"],
    "save_every_s": 2.0,
    "target_success_rate": None,
    "eval": {"n_episodes": 20, "videos": 0},
}


@dataclass(frozen=True)
class Account:
    """A row: what was done to a training, and what became of it."""

    trouble: str
    count: int
    acknowledged: int
    lost: int
    doubled: int
    refused: int
    growth_mib: float
    success: float
    """Rate of the evaluation at the end; NaN when training did not end by itself."""

    @property
    def good(self) -> bool:
        return self.lost == self.doubled == 0 and self.growth_mib < 60 and self.success >= TARGET - 0.1

    def row(self) -> str:
        counts = (self.count, self.acknowledged, self.lost, self.doubled, self.refused)
        cells = [self.trouble, *map(str, counts), f"{self.growth_mib:.1f}", f"{self.success:.0%}"]
        return f"| {' | '.join(cells)} |"


HEAD = """\
| trouble | times | transitions acknowledged | lost | doubled | messages refused | growth [MiB] | success |
|---|---|---|---|---|---|---|---|"""


class Trial:
    """One training that trouble comes over, and that goes on to success when it is past."""

    def __init__(self, folder: Path, config: Mapping[str, Any] = CONFIG) -> None:
        folder.mkdir(parents=True)
        self.pair = Apart(folder, config)
        self.processes = {"learner": self.pair.learner(), "actor": self.pair.actor()}
        self.acknowledged: set[tuple[int, int]] = set()
        self.refused, self.growth_mib = 0, 0.0

    def begin(self) -> None:
        """Wait until there are steps."""
        self.processes["learner"].until(lambda: len(logged(self.pair.run)) > 100, "the first steps")

    def note(self) -> None:
        """What is in the log now: the learner acknowledges nothing else."""
        self.acknowledged |= set(logged(self.pair.run))

    def kill(self, *names: str) -> None:
        for name in names:
            self.processes[name].signal(signal.SIGKILL)
        for name in names:
            self.processes[name].wait()
        self.note()
        self.processes |= {name: getattr(self.pair, name)() for name in names}

    def disturb(self, chance: random.Random) -> None:
        """A cut, a silence or a slow link, at a random moment."""
        time.sleep(chance.uniform(0, 1))
        relay, kind = self.pair.relay, chance.randrange(4)
        if kind == 0:
            relay.cut()
        elif kind == 1:
            relay.cut_after = chance.randrange(200, 60_000)
        elif kind == 2:
            relay.flows.clear()
            time.sleep(chance.uniform(0, 2))
            relay.flows.set()
        else:
            relay.delay_s, relay.bytes_per_s = chance.uniform(0, 0.1), chance.uniform(50_000, 1_000_000)
        self.note()

    def flood(self, messages: int, chance: random.Random) -> None:
        learner, spec = self.processes["learner"].pid, self.pair.spec()
        before = 0.0
        for number in range(messages):
            if number == messages // 20:  # what the first strangers cost once
                before = resident_mib(learner)
            self.refused += not visit(self.pair.address, chance, spec)
        self.growth_mib = resident_mib(learner) - before
        self.note()

    def finish(self, trouble: str, count: int, *more: str) -> Account:
        """Let it go on, as one command, to success; then count."""
        for name in ("actor", "learner"):
            self.processes[name].signal(signal.SIGTERM)
            self.processes[name].wait()
        self.note()
        said = ("--resume=true", f"--output_dir={self.pair.run}", f"--target_success_rate={TARGET}", *more)
        train = Hilt(self.pair.folder, "train", *said)
        code, steps = train.wait(900), logged(self.pair.run)
        self.pair.relay.close()
        return Account(
            trouble,
            count,
            len(self.acknowledged),
            len(self.acknowledged - set(steps)) + len(holes(steps)),
            len(doubled(steps)),
            self.refused,
            self.growth_mib,
            _success(self.pair.run) if code == 0 else float("nan"),
        )


def _success(run: Path) -> float:
    return float(json.loads((run / "eval" / "eval.json").read_text())["success_rate"])


def killed(trial: Trial, names: tuple[str, ...], times: int, chance: random.Random, *more: str) -> Account:
    for _ in range(times):
        time.sleep(chance.uniform(0, LONGEST_LIFE_S))
        trial.kill(*names)
    trial.begin()
    return trial.finish(f"{' and '.join(names)} killed", times, *more)


def disturbed(trial: Trial, times: int, chance: random.Random, *more: str) -> Account:
    trial.begin()
    for _ in range(times):
        trial.disturb(chance)
    return trial.finish("network cut, silent, slow", times, *more)


def flooded(trial: Trial, messages: int, chance: random.Random, *more: str) -> Account:
    trial.begin()
    trial.flood(messages, chance)
    return trial.finish("random and mutated messages", messages, *more)


def main(arguments: list[str]) -> int:
    """Print the table; 1 when something was lost, doubled, kept, or did not end in success."""
    share = float(arguments[0].removeprefix("--share=")) if arguments else 1.0
    chance, good = random.Random(), True
    print(HEAD, flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kills = max(1, round(KILLS * share))
        for number, names in enumerate((("learner",), ("actor",), ("learner", "actor"))):
            good &= show(killed(Trial(folder / f"kills_{number}"), names, kills, chance))
        good &= show(disturbed(Trial(folder / "network"), max(4, round(DISTURBANCES * share)), chance))
        good &= show(flooded(Trial(folder / "flood"), round(MESSAGES * share), chance))
    return 0 if good else 1


def show(account: Account) -> bool:
    print(account.row(), flush=True)
    return account.good


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
