"""The resolved configuration as JSON, which loads as the same configuration."""

from __future__ import annotations

import json
from typing import Any

from hilt.config.fields import Section, effect, is_secret
from hilt.config.run import RunConfig


def to_json(config: RunConfig) -> str:
    """Every key that has an effect, defaults included, and what else the user has said."""
    return json.dumps(to_dict(config), indent=2) + "\n"


def to_dict(section: Section) -> dict[str, Any]:
    """The same as a dict, of any section. Secrets are left out: what is written is copied and uploaded."""
    return {
        key: to_dict(value) if isinstance(value, Section) else section.model_dump(include={key})[key]
        for key, field in type(section).model_fields.items()
        if (value := getattr(section, key)) is not None or key in section.model_fields_set
        if (effect(field) is None or key in section.model_fields_set) and not is_secret(field)
    }
