"""What the sections of a configuration are made of: the strict base class, the classes of keys, common types.

A key belongs to one of three classes. *Honoured* is the plain case. `NoEffect` marks a key that users have in
their files and that changes nothing in hilt: accepted, and listed once at start. `Refused` marks a key that
would change the result and that hilt cannot do: an error, unless its value asks for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

PositiveInt = Annotated[int, Field(gt=0)]
NonNegativeInt = Annotated[int, Field(ge=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
NonNegativeFloat = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Port = Annotated[int, Field(ge=0, le=65535)]
Point = Annotated[list[float], Field(min_length=3, max_length=3)]


@dataclass(frozen=True, slots=True)
class NoEffect:
    """The key is accepted and changes nothing."""

    why: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The key is an error unless its value is one of `harmless`, which ask for what hilt does anyway."""

    why: str
    harmless: tuple[object, ...] = (None,)


class Secret:
    """Marks a key whose value is never written to a file or sent anywhere."""


class Section(BaseModel):
    """A group of keys. Types are strict, unknown keys errors; null for a sub-section means its defaults."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        protected_namespaces=(),
        use_attribute_docstrings=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _null_sections(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if value is not None or not _is_section(cls, key)}

    def infer(self, key: str, value: object) -> None:
        """Sets `key` to what other keys imply, unless the user has said it."""
        if key not in self.model_fields_set:
            object.__setattr__(self, key, value)


def _is_section(cls: type[Section], key: str) -> bool:
    field = cls.model_fields.get(key)
    return field is not None and isinstance(field.annotation, type) and issubclass(field.annotation, Section)


def invalid(message: str, *key: str) -> PydanticCustomError:
    """The error that a validator raises about `key`, a path relative to the section that is validated."""
    return PydanticCustomError("hilt", "{message}", {"message": message, "key": key})


def effect(field: FieldInfo) -> NoEffect | Refused | None:
    """The class of a key: None means honoured."""
    return next((mark for mark in field.metadata if isinstance(mark, NoEffect | Refused)), None)


def is_secret(field: FieldInfo) -> bool:
    """The value of this key stays in memory."""
    return any(isinstance(mark, Secret) for mark in field.metadata)


def sections_of(field: FieldInfo) -> list[type[Section]]:
    """The sections that may stand at a key: one, several for a union, none for a plain value."""
    return [kind for kind in kinds(field.annotation) if isinstance(kind, type) and issubclass(kind, Section)]


def kinds(annotation: Any) -> list[Any]:
    """The members of a union, or the one type that `annotation` is."""
    if get_origin(annotation) is Annotated:
        return kinds(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [kind for member in get_args(annotation) for kind in kinds(member)]
    return [annotation]


def walk(section: Section, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], FieldInfo, Any]]:
    """(path, field, value) of every key that the user has set, depth first."""
    for key, field in type(section).model_fields.items():
        if key not in section.model_fields_set:
            continue
        value = getattr(section, key)
        if isinstance(value, Section):
            yield from walk(value, (*path, key))
        else:
            yield (*path, key), field, value
