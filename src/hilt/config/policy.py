"""`policy`: an algorithm, the reward classifier, or a saved policy whose folder says what it is."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, SerializeAsAny
from pydantic_core import PydanticKnownError

from hilt.config.classifier import ClassifierConfig
from hilt.config.fields import Section, invalid
from hilt.config.learning import DeviceName, PolicyBase
from hilt.config.registry import ALGORITHMS, config_class


class PretrainedConfig(Section):
    """A saved policy: everything but where it is stands in its folder."""

    type: str = "pretrained"
    pretrained_path: str
    """Folder of a saved policy, or its hub id."""
    device: DeviceName | None = None
    """As for the other policies."""


_TYPES: dict[str, type[PolicyBase | PretrainedConfig]] = {
    "reward_classifier": ClassifierConfig,
    "pretrained": PretrainedConfig,
}
"""What `policy` may be besides an algorithm."""
POLICY_TYPES = (*ALGORITHMS, *_TYPES)


def policy_class(kind: str) -> type[PolicyBase | PretrainedConfig]:
    """The section that `policy` is when its type is `kind`; raises ValueError for an unknown one."""
    return _TYPES[kind] if kind in _TYPES else config_class(kind)


def _by_type(data: Any) -> Any:
    """The keys of `policy`, as the section that their `type` asks for."""
    if data is None or isinstance(data, Section):
        return data
    if not isinstance(data, dict):
        raise PydanticKnownError("model_attributes_type")
    if "type" not in data:
        raise PydanticKnownError("union_tag_not_found", {"discriminator": "'type'"})
    kind = data["type"]
    if not isinstance(kind, str) or (kind not in POLICY_TYPES and ":" not in kind):
        tags = {"discriminator": "'type'", "tag": str(kind), "expected_tags": ", ".join(POLICY_TYPES)}
        raise PydanticKnownError("union_tag_invalid", tags)
    try:
        found = policy_class(kind)
    except ValueError as error:
        raise invalid(str(error), "type") from error
    return found.model_validate(data)


PolicyConfig = Annotated[SerializeAsAny[PolicyBase | PretrainedConfig] | None, BeforeValidator(_by_type)]
