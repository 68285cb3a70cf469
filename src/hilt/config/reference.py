"""The tables of `docs/configuration.md`, made from the models: `python -m hilt.config.reference FILE`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from hilt.config.classifier import ClassifierConfig
from hilt.config.explain import policy_sections
from hilt.config.fields import NoEffect, Refused, Section, effect, sections_of
from hilt.config.learning import LearningPolicy, PolicyBase
from hilt.config.registry import ALGORITHMS, config_class
from hilt.config.run import RunConfig

START = "<!-- from here on: made by python -m hilt.config.reference -->"
Values = Mapping[str, Any]
_NOTHING: Values = {}
_BOUNDS = {"gt": "> {}", "ge": ">= {}", "lt": "< {}", "le": "<= {}"}
_WORDS = {int: "integer", float: "number", str: "text", bool: "true, false", NoneType: "null"}


def tables() -> str:
    """Markdown: one table per section."""
    run = RunConfig()
    parts = [_table("top level", run, list(RunConfig.model_fields))]
    for key, field in RunConfig.model_fields.items():
        if key == "policy":
            parts += _policy_tables()
        elif sections_of(field):
            parts += _section_tables(key, getattr(run, key))
    return "\n".join(parts)


def honoured(section: type[Section] = RunConfig, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every key that something must read."""
    for key, field in section.model_fields.items():
        inner = policy_sections() if (*path, key) == ("policy",) else sections_of(field)
        for each in inner:
            yield from honoured(each, (*path, key))
        if not inner and effect(field) is None:
            yield *path, key


def _section_tables(title: str, section: Section, reference: Values = _NOTHING) -> Iterator[str]:
    keys = list(type(section).model_fields)
    yield _table(title, section, keys, reference)
    yield from _inner_tables(title, section, keys, reference)


def _inner_tables(title: str, section: Section, keys: list[str], reference: Values) -> Iterator[str]:
    for key in keys:
        if sections_of(type(section).model_fields[key]):
            name, _, condition = title.partition(" ")
            inner = f"{name}.{key} {condition}".rstrip()
            shown = getattr(section, key) or sections_of(type(section).model_fields[key])[0]()
            yield from _section_tables(inner, shown, reference.get(key, _NOTHING))


def _policy_tables() -> Iterator[str]:
    """What all types share, what two share, then each type: every key where it is defined."""
    for title, kind in _policies():
        reference = getattr(kind, "reference", _NOTHING)
        keys = [key for key in kind.model_fields if key in kind.__annotations__ and key != "type"]
        keys += [key for key in reference if key not in keys]
        yield _table(title, kind(), keys, reference)
        yield from _inner_tables(title, kind(), keys, reference)


def _policies() -> list[tuple[str, type[PolicyBase]]]:
    return [
        ("policy (all types)", PolicyBase),
        (f"policy ({' and '.join(ALGORITHMS)})", LearningPolicy),
        *((f"policy ({name})", config_class(name)) for name in ALGORITHMS),
        ("policy (reward_classifier)", ClassifierConfig),
    ]


def _table(title: str, section: Section, keys: list[str], reference: Values = _NOTHING) -> str:
    fields = type(section).model_fields
    rows = [
        _row(key, fields[key], getattr(section, key), reference)
        for key in keys
        if not sections_of(fields[key])
    ]
    head = f"### {title}\n\n| key | default | allowed | meaning |\n|---|---|---|---|"
    return "\n".join([head, *rows, ""]) if rows else ""


def _row(key: str, field: FieldInfo, default: Any, reference: Values) -> str:
    meaning = re.sub(r"\s+", " ", field.description or "")
    mark = effect(field)
    if isinstance(mark, NoEffect):
        meaning += f" *No effect: {mark.why}.*"
    if isinstance(mark, Refused):
        meaning += f" *Anything but {_code(*mark.harmless)} is refused: {mark.why}.*"
    published = f" (reference: {_code(reference[key])})" if key in reference else ""
    return f"| `{key}` | {_code(default)}{published} | {_allowed(field)} | {meaning} |"


def _code(*values: Any) -> str:
    return ", ".join(f"`{json.dumps(value)}`" for value in values)


def _allowed(field: FieldInfo) -> str:
    return ", ".join([_kind(field.annotation), *_bounds(field.metadata)])


def _kind(annotation: Any) -> str:
    """The type in the words of JSON."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return " ".join([_kind(arguments[0]), *_bounds(arguments[1:])])
    if origin in (Union, UnionType):
        return " or ".join(_kind(member) for member in arguments)
    if origin is Literal:
        return ", ".join(_code(value) for value in arguments)
    if origin is list:
        return f"list of {_kind(arguments[0])}"
    return "object" if origin is dict else _WORDS.get(annotation, "anything")


def _bounds(metadata: Iterable[Any]) -> list[str]:
    items = [
        inner for item in metadata for inner in (item.metadata if isinstance(item, FieldInfo) else [item])
    ]
    return [
        text.format(getattr(item, name))
        for item in items
        for name, text in _BOUNDS.items()
        if getattr(item, name, None) is not None
    ]


def main(file: str) -> None:
    """Replaces what follows `START` in `file`."""
    path = Path(file)
    path.write_text(f"{path.read_text().partition(START)[0]}{START}\n\n{tables()}")


if __name__ == "__main__":
    main(sys.argv[1])
