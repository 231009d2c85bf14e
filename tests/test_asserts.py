"""A test says one thing: more asserts than a glance takes in are two tests, or a table."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
MOST = 10


def asserts(test: ast.AST) -> int:
    return sum(isinstance(node, ast.Assert) for node in ast.walk(test))


@pytest.mark.slow
def test_no_test_has_more_asserts_than_a_reader_keeps_in_mind() -> None:
    too_many = [
        f"{path.relative_to(TESTS)}: {node.name} has {asserts(node)}"
        for path in sorted(TESTS.rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test_")
        and asserts(node) > MOST
    ]
    assert too_many == []
