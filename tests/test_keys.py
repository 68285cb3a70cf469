"""No key that nothing reads: each honoured one is an attribute, a keyword or a string in the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from hilt.config.reference import honoured

SOURCE = Path(__file__).parents[1] / "src" / "hilt"

READ_BY_LOADING = {
    ("policy", "preset"): "the defaults of the other keys",
    ("policy", "output_features"): "must agree with env.features",
}


def uses(tree: ast.AST) -> Iterator[str]:
    """Names that code reads: docstrings, comments and the fields' own definitions are none."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            yield node.attr
        elif isinstance(node, ast.keyword) and node.arg is not None:
            yield node.arg
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            yield node.value


def test_every_honoured_key_is_read() -> None:
    trees = (ast.parse(file.read_text(encoding="utf-8")) for file in SOURCE.rglob("*.py"))
    read = {name for tree in trees for name in uses(tree)}
    unread = [path for path in honoured() if path[-1] not in read and path not in READ_BY_LOADING]
    assert sorted({".".join(path) for path in unread}) == []


def test_what_is_read_by_loading_is_a_key() -> None:
    assert set(honoured()) >= READ_BY_LOADING.keys()
