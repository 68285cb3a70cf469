"""The commands as functions, for scripts and notebooks. The command line calls these very functions.

Each takes a configuration (a JSON file, a folder that holds one, a dict, a RunConfig; None: the defaults) and
overrides, written as on the command line: `hilt.train("train.json", "policy.utd_ratio=4")`. What a person can
mend is a `hilt.errors.UserError`. `stop` is a wish to end that somebody may have while the function works:
another thread that calls `stop.request()`; without one, Ctrl-C is the KeyboardInterrupt that it always is.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hilt.config.load import Source
from hilt.starting import abandon, begun, configured
from hilt.training.processes import ChildFailedError, StopRequest

if TYPE_CHECKING:
    from hilt.evaluation import Evaluation
    from hilt.recording import Recording
    from hilt.replaying import Replay
    from hilt.rewards.relabel import Relabelling
    from hilt.training.local import Training


def record(config: Source = None, *overrides: str, stop: StopRequest | None = None) -> Recording:
    """`hilt record`: episodes into `dataset.root`, by an operator, or by a policy under correction.

    Raises:
        ConfigError: the configuration cannot be used, or nobody drives.
        DatasetError: the folder is not one to record into, or the upload failed.
        OperatorUnavailableError: the device is not there.
    """
    checked = configured(config, overrides, "record")
    from hilt.recording import record as record_episodes

    return record_episodes(checked, stop or StopRequest())


def replay(config: Source = None, *overrides: str, stop: StopRequest | None = None) -> Replay:
    """`hilt replay`: episode `dataset.replay_episode`, back in the simulator, and how it compares.

    Raises:
        ConfigError, DatasetError: no such dataset or episode, or one of another environment.
    """
    checked = configured(config, overrides, "replay")
    from hilt.replaying import replay as replay_episode

    return replay_episode(checked, stop or StopRequest())


def train(config: Source = None, *overrides: str, stop: StopRequest | None = None) -> Training:
    """`hilt train`: learner and actors until done, then an evaluation; or a reward classifier and a report.

    Learner and actors are processes: an environment or operator of your own must be in a module that they can
    import, not in the script or notebook itself.

    Raises:
        ConfigError: the configuration cannot be used. DatasetError: the dataset cannot.
        ChildFailedError: learner or actor cannot be kept alive.
    """
    checked, run = begun(config, overrides, "train")
    from hilt.training.local import train_locally

    try:
        return train_locally(checked, run, stop or StopRequest())
    except ChildFailedError:
        abandon(checked, run)
        raise


def evaluate(config: Source = None, *overrides: str, stop: StopRequest | None = None) -> Evaluation:
    """`hilt eval`: how often the policy of `policy.pretrained_path` succeeds alone, with videos.

    Raises:
        ConfigError: the configuration cannot be used. CheckpointError: there is no whole policy.
    """
    checked = configured(config, overrides, "eval")
    from hilt.training.local import evaluate_saved

    return evaluate_saved(checked, stop or StopRequest())


def relabel(dataset: str | Path, classifier: str | Path, output: str | Path | None = None) -> Relabelling:
    """`hilt relabel`: `dataset` again in `output` (DATASET_relabelled), with the rewards of `classifier`.

    Raises:
        DatasetError: the dataset cannot be read, or `output` exists. CheckpointError: there is no classifier.
    """
    from hilt.rewards import ClassifierReward, load_classifier
    from hilt.rewards import relabel as relabel_dataset

    return relabel_dataset(dataset, ClassifierReward(load_classifier(classifier)), output)
