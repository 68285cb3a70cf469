"""The picture processing that a configuration describes."""

from __future__ import annotations

from hilt.config.run import RunConfig
from hilt.processors.pictures import Preprocessing, Rectangle, Shape


def preprocessing_of(config: RunConfig) -> Preprocessing:
    """`env.processor.image_preprocessing`, by the names that cameras have anywhere in `config`."""
    env, said = config.env, config.env.processor.image_preprocessing
    crops: dict[str, Rectangle] = {}
    for name, (top, left, height, width) in (said.crop_params_dict or {}).items():
        for alias in (name, env.features_map.get(name, name), config.rename_map.get(name, name)):
            crops[alias] = (top, left, height, width)
    size = said.resize_size
    given = {name: f.shape for name, f in env.policy_features().items() if f.type == "VISUAL"}
    return Preprocessing(
        crops,
        None if size is None else (size[0], size[1]),
        {name: (shape[1], shape[2]) for name, shape in given.items()},
    )


def own_sizes(config: RunConfig) -> dict[str, Shape]:
    """Camera -> (3, H, W) at which the policy wants it, where it says so."""
    features = getattr(config.policy, "input_features", {})
    return {name: tuple(feature.shape) for name, feature in features.items() if feature.type == "VISUAL"}
