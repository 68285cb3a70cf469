"""From what pydantic found to one line to act on: path, value, what is allowed, the closest key."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hilt.config.aliases import alias_paths
from hilt.config.errors import ConfigError, repr_short
from hilt.config.fields import Refused, Section, effect, sections_of, walk
from hilt.config.policy import POLICY_TYPES, policy_class
from hilt.config.run import RunConfig

Path = tuple[str, ...]
OriginOf = Callable[[Path], str]
"""Where a key was said: a file, or the command line."""

_EXAMPLES = {
    "device": "must be auto, cpu, mps, cuda or cuda:N",
    "job_name": "must be the name of a folder, without / and \\",
}
_MISSING = ("missing", "union_tag_not_found")


def explain(error: ValidationError, data: Mapping[str, Any], origin_of: OriginOf) -> ConfigError:
    """The first thing that is wrong; unknown keys come first, they are the cause of most of the rest."""
    found = min(error.errors(), key=lambda detail: detail["type"] != "extra_forbidden")
    path = path_of(found)
    message = _unknown(path, data) if found["type"] == "extra_forbidden" else _wrong(found)
    said = "" if found["type"] in _MISSING else f" = {repr_short(value_at(data, path))}"
    return ConfigError(origin_of(path), f"{'.'.join(path)}{said}: {message}")


def refused(config: RunConfig, origin_of: OriginOf) -> ConfigError | None:
    """The first key that asks for what hilt cannot do."""
    for path, field, value in walk(config):
        mark = effect(field)
        if isinstance(mark, Refused) and value not in mark.harmless:
            return ConfigError(
                origin_of(path), f"{'.'.join(path)} = {repr_short(value)}: refused, {mark.why}"
            )
    return None


def path_of(detail: ErrorDetails) -> Path:
    """Where the error is."""
    parts = [str(part) for part in detail["loc"]]
    if detail["type"].startswith("union_tag"):
        parts.append("type")
    return (*parts, *detail.get("ctx", {}).get("key", ()))


def value_at(data: Any, path: Path) -> Any:
    """What the user has said at `path`; None when nothing."""
    for key in path:
        if isinstance(data, Mapping):
            data = data.get(key)
        elif isinstance(data, list) and key.isdigit() and int(key) < len(data):
            data = data[int(key)]
        else:
            return None
    return data


def known_paths(section: type[Section], path: Path = (), policy_type: str | None = None) -> Iterator[Path]:
    """Every key there is, the policy's only for `policy_type` when one is given."""
    for key, field in section.model_fields.items():
        inner = sections_of(field)
        if (*path, key) == ("policy",):
            inner = policy_sections(policy_type)
        yield (*path, key)
        for each in inner:
            yield from known_paths(each, (*path, key), policy_type)


def policy_sections(policy_type: str | None = None) -> list[type[Section]]:
    """What `policy` may be: that of `policy_type`, where it can be loaded, else any of hilt's own."""
    try:
        return [policy_class(policy_type or "")]
    except ValueError:
        return [policy_class(kind) for kind in POLICY_TYPES]


def _wrong(detail: ErrorDetails) -> str:
    if detail["type"].startswith("union_tag"):
        kinds = [kind for kind in POLICY_TYPES if kind != "pretrained"]
        return f"must be one of {', '.join(kinds)}, or package.module:Class"
    if detail["type"] == "missing":
        return "missing"
    if detail["type"] == "string_pattern_mismatch":
        return _EXAMPLES.get(str(detail["loc"][-1]), "must be another text")
    if detail["type"] in ("too_short", "too_long"):
        return _size(detail)
    if detail["type"] in ("model_type", "model_attributes_type", "dict_type"):
        return 'must be an object: {"KEY": VALUE, ...}'
    return detail["msg"].replace("Input should", "must")


def _size(detail: ErrorDetails) -> str:
    said = detail.get("ctx", {})
    limit = f"at least {said['min_length']}" if "min_length" in said else f"at most {said['max_length']}"
    return f"must have {limit} items, has {said['actual_length']}"


def _unknown(path: Path, data: Mapping[str, Any]) -> str:
    said = value_at(data, ("policy", "type"))
    policy_type = said if isinstance(said, str) else None
    known = [*known_paths(RunConfig, (), policy_type), *alias_paths()]
    if path[0] == "policy" and len(path) == 2 and policy_type is not None:
        elsewhere = [kind for kind in POLICY_TYPES if path[1] in policy_class(kind).model_fields]
        if elsewhere:
            return f'no such key in a policy of type "{policy_type}" (only in {", ".join(elsewhere)})'
    return f'no such key; the closest is "{".".join(_closest(path, known))}"'


def _closest(path: Path, known: list[Path]) -> Path:
    """A key of the same name in another section, else the most similar name, best in the same section."""
    same = [other for other in known if other[-1] == path[-1]]
    siblings = [other for other in known if other[:-1] == path[:-1]]

    def likeness(other: Path) -> float:
        name = difflib.SequenceMatcher(None, path[-1], other[-1]).ratio()
        return name + 0.1 * difflib.SequenceMatcher(None, ".".join(path), ".".join(other)).ratio()

    near = [other for other in siblings if likeness(other) > 0.75]
    return max(same or near or known, key=likeness)
