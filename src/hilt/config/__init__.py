"""Typed configuration: JSON files and `--a.b=c`, checked, with errors that name file, key and value."""

from hilt.config.classifier import ClassifierConfig
from hilt.config.dataset import DatasetConfig
from hilt.config.device import resolve_device
from hilt.config.environment import EnvConfig
from hilt.config.errors import ConfigError
from hilt.config.features import FeatureConfig
from hilt.config.learning import LearningPolicy
from hilt.config.load import config_file, load_config, without_effect
from hilt.config.overrides import parse_command_line
from hilt.config.policy import PretrainedConfig
from hilt.config.requirements import remarks, require
from hilt.config.resume import asks_to_resume, find_run, new_run, resumed
from hilt.config.run import RunConfig
from hilt.config.tasks import TaskChoice, resolve_task
from hilt.config.write import to_dict, to_json

__all__ = [
    "ClassifierConfig",
    "ConfigError",
    "DatasetConfig",
    "EnvConfig",
    "FeatureConfig",
    "LearningPolicy",
    "PretrainedConfig",
    "RunConfig",
    "TaskChoice",
    "asks_to_resume",
    "config_file",
    "find_run",
    "load_config",
    "new_run",
    "parse_command_line",
    "remarks",
    "require",
    "resolve_device",
    "resolve_task",
    "resumed",
    "to_dict",
    "to_json",
    "without_effect",
]
