"""Before a command begins: its configuration is checked, warnings are printed, a run gets its folder."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from hilt.config.classifier import ClassifierConfig
from hilt.config.errors import ConfigError, repr_short
from hilt.config.learning import LearningPolicy
from hilt.config.load import Source, config_file, load_config
from hilt.config.overrides import COMMAND_LINE
from hilt.config.requirements import Verb, remarks, require
from hilt.config.resume import CONFIG_NAME, asks_to_resume, new_run, resumed
from hilt.config.run import RunConfig
from hilt.config.write import to_json
from hilt.data.env_spec import EnvSpec, save_spec
from hilt.networks.hub import find_model
from hilt.runs.layout import SPEC
from hilt.runs.leftovers import remove_leftovers


def configured(source: Source, overrides: Sequence[str], verb: Verb) -> RunConfig:
    """The configuration of `verb`, which finds in it what it needs. Raises ConfigError."""
    config = load_config(source, overrides)
    require(config, verb, origin_of(source))
    if not (verb == "actor" and config.resume):  # what `hilt train` started has said them
        _say_remarks(config)
    return config


def begun(
    source: Source, overrides: Sequence[str], verb: Verb, should_stop: Callable[[], bool] = lambda: False
) -> tuple[RunConfig, Path]:
    """(configuration, folder of the run), whether new or resumed; the configuration is written there.

    What it needs of the hub is downloaded.

    Raises:
        ConfigError: it cannot be used. DatasetError: its dataset cannot. Nothing has been written then.
    """
    path = source if isinstance(source, str | Path) else None
    config = None if asks_to_resume(overrides) else load_config(source, overrides)
    if config is None or config.resume:
        folder, config = resumed(source, overrides)
    else:
        folder = new_run(config, datetime.datetime.now())
    require(config, verb, origin_of(source))
    spec = None if config.resume else try_out(config, verb, should_stop)
    if path is not None and (remark := config_file(path)[1]):
        print(f"hilt: {remark}", file=sys.stderr)
    if not config.resume:
        _say_remarks(config)
    if not config.resume or verb == "train":
        _write_config(config, folder, spec)
    return config, folder


def origin_of(source: Source) -> str:
    if source is None:
        return COMMAND_LINE
    return str(source) if isinstance(source, str | Path) else "configuration"


def try_out(config: RunConfig, verb: Verb, should_stop: Callable[[], bool]) -> EnvSpec | None:
    """Opens what others have made, before anything is written. What the environment is like is returned,
    where it is at hand.

    Raises:
        ConfigError, DatasetError, CheckpointError, UnsupportedModelError: it cannot be used.
    """
    if getattr(config.policy, "push_to_hub", False):
        from hilt.build.upload import check_upload

        check_upload()
    if (encoder := _encoder_of(config)) is not None:
        find_model(encoder)
    if isinstance(config.policy, ClassifierConfig):
        from hilt.training.classifier_parts import check_dataset

        check_dataset(config, should_stop)
    elif isinstance(config.policy, LearningPolicy):
        _try_algorithm(config.policy.type)
        if verb == "learner" and not config.env.is_hilts:
            _try_elsewhere(config)
        else:
            return _try_learning(config, should_stop)
    return None


def _try_algorithm(kind: str) -> None:
    """A class of the user's is one that learns."""
    if ":" in kind:
        from hilt.algorithms.registry import algorithm_class

        try:
            algorithm_class(kind)
        except ValueError as error:
            raise ConfigError("configuration", f"policy.type = {repr_short(kind)}: {error}") from error


def _try_learning(config: RunConfig, should_stop: Callable[[], bool]) -> EnvSpec:
    """Operator and environment are known, and the dataset holds what the policy will see."""
    from hilt.build.datasets import open_fitting
    from hilt.build.envs import described, make_environment
    from hilt.build.operators import require_operator

    require_operator(config)
    env = make_environment(config)
    env.close()
    spec = described(config, env)
    if config.dataset.directory is not None:
        reader = open_fitting(config, spec.schema, should_stop)
        reader.require_whole()
        reader.close()
    return spec


def _try_elsewhere(config: RunConfig) -> None:
    """Environment and operator are the actors', who may have packages that are not here."""
    from hilt.build.datasets import require_learnable
    from hilt.build.operators import require_operator

    if ":" not in config.operator_name:
        require_operator(config)
    if config.dataset.directory is not None:
        require_learnable(config)


def _encoder_of(config: RunConfig) -> str | None:
    """The pretrained encoder that training will use, if any."""
    if isinstance(config.policy, ClassifierConfig):
        return config.policy.model_name
    if isinstance(config.policy, LearningPolicy) and config.env.obs_type == "pixels":
        return config.policy.vision_encoder_name
    return None


def abandon(config: RunConfig, folder: Path) -> None:
    """The run never began: nothing of it stays, and the same command may be given again."""
    if not config.resume:
        remove_leftovers(folder, has_dataset=config.dataset.directory is not None)


def _write_config(config: RunConfig, folder: Path, spec: EnvSpec | None) -> None:
    try:
        if spec is not None:
            save_spec(spec, folder / SPEC)
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / ".config.partial"
        temporary.write_text(to_json(config))
        temporary.replace(folder / CONFIG_NAME)
    except OSError as error:
        raise ConfigError(str(folder), f"cannot be written: {error.strerror}") from error


def _say_remarks(config: RunConfig) -> None:
    for remark in remarks(config):
        print(f"hilt: {remark}", file=sys.stderr)
