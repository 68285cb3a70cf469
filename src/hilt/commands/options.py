"""Options of the verbs that take no configuration."""

from __future__ import annotations

from collections.abc import Sequence

from hilt.config.errors import ConfigError
from hilt.config.overrides import parse_command_line


def options_of(
    verb: str, arguments: Sequence[str], *, needed: Sequence[str] = (), optional: Sequence[str] = ()
) -> dict[str, str]:
    """The `--name value` options in `arguments`.

    Raises:
        ConfigError: one is missing, or `verb` does not have it.
    """
    path, words = parse_command_line(arguments)
    options = dict(override.split("=", 1) for override in words)
    if path is not None:
        options["config_path"] = path
    for name in options:
        if name not in (*needed, *optional):
            has = (
                f"there are --{', --'.join((*needed, *optional))}" if (*needed, *optional) else "it has none"
            )
            raise ConfigError(verb, f"--{name}: unknown option; {has}")
    for name in needed:
        if name not in options:
            raise ConfigError(verb, f"--{name}: missing")
    return options
