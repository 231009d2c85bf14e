"""The small changes that a mutation run makes to a source file.

Each change is one that a careless hand could make: `<` for `<=`, a lost keyword, a text that is
another one. What is left alone cannot be seen by a test, or is seen by mypy: docstrings,
annotations, decorators, asserts, `encoding=`, descriptions of settings.
"""

import ast
import itertools
import re
from dataclasses import dataclass

COMPARED = {
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "==": "!=",
    "!=": "==",
    "in": "not in",
    "not in": "in",
    "is": "is not",
    "is not": "is",
}
COMPUTED = {
    "+": "-",
    "-": "+",
    "*": "/",
    "/": "*",
    "//": "/",
    "%": "/",
    "**": "*",
    "|": "&",
    "&": "|",
    "^": "&",
    "@": "*",
    "<<": ">>",
    ">>": "<<",
}
JOINED = {"and": "or", "or": "and"}
UNSEEN_KEYWORDS = {"description", "encoding", "stacklevel"}
"""`encoding="utf-8"` is what Python does anyway where the tests run. A `description` of a setting
is its docstring."""
TYPING = {"cast", "NewType", "TypeVar", "ParamSpec", "TypeVarTuple"}
TYPES = {"Callable", "Mapping", "NDArray", "Sequence", "dict", "list", "set", "tuple"}
"""What a type is made of. Another name for a type is read by annotations alone."""

_COMPARISON = re.compile(r"not\s+in\b|is\s+not\b|in\b|is\b|[<>=!]=|<|>")
_ARITHMETIC = re.compile(r"\*\*|//|<<|>>|[-+*/%|&^@]")
_JOIN = re.compile(r"\b(?:and|or)\b")


@dataclass(frozen=True)
class Mutant:
    """One change of one file.

    path : below `src/labelcycle`
    where : the function or class, with what it is in; `module` outside of both
    start, end, new : the bytes that are replaced, and by what
    line, last : the lines of what is replaced, from 1
    at_import : it changes what runs when the module is imported
    before, after : the changed lines, in one line each
    """

    path: str
    where: str
    start: int
    end: int
    new: str
    line: int
    last: int
    at_import: bool
    before: str
    after: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """The mutant, wherever in its function the lines are."""
        return self.path, self.where, self.before, self.after

    def apply(self, source: bytes) -> bytes:
        """The source with the change."""
        return source[: self.start] + self.new.encode() + source[self.end :]


def mutants(path: str, source: bytes) -> list[Mutant]:
    """All changes of a file, in the order of the file.

    Of two changes with the same key the first is listed. A few do not compile (`compiles`).

    >>> [each.after for each in mutants("a.py", b"def f(a):\\n    return a < 1\\n")]
    ['return None', 'return a <= 1', 'return a < 2']
    """
    finder = _Finder(source)
    finder.visit(ast.parse(source))
    found: dict[tuple[str, str, str, str], Mutant] = {}
    for where, at_import, start, end, new in finder.found:
        each = _mutant(path, source, where, at_import, start, end, new)
        if each.before != each.after:
            found.setdefault(each.key, each)
    return sorted(found.values(), key=lambda each: (each.start, each.end))


def compiles(source: bytes) -> bool:
    """Whether a changed file is Python at all."""
    try:
        compile(source, "mutant", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def _mutant(
    path: str, source: bytes, where: str, at_import: bool, start: int, end: int, new: str
) -> Mutant:
    first = source.rfind(b"\n", 0, start) + 1
    last = source.find(b"\n", end)
    last = len(source) if last < 0 else last
    before = _one_line(source[first:last])
    after = _one_line(source[first:start] + new.encode() + source[end:last])
    lines = (source.count(b"\n", 0, place) + 1 for place in (start, end))
    return Mutant(path, where, start, end, new, *lines, at_import, before, after)


def _one_line(text: bytes) -> str:
    return " ".join(text.decode().split())


class _Finder(ast.NodeVisitor):
    def __init__(self, source: bytes) -> None:
        self.source = source
        self.starts = [0, *(each.end() for each in re.finditer(rb"\n", source))]
        self.names: list[str] = []
        self.functions = 0
        self.found: list[tuple[str, bool, int, int, str]] = []

    # where things are

    def start(self, node: ast.expr | ast.stmt | ast.keyword) -> int:
        return self.starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.expr | ast.stmt | ast.keyword) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.starts[node.end_lineno - 1] + node.end_col_offset

    def text(self, start: int, end: int) -> str:
        return self.source[start:end].decode()

    def add(self, start: int, end: int, new: str) -> None:
        where = ".".join(self.names) or "module"
        self.found.append((where, not self.functions, start, end, new))

    def replace(self, node: ast.expr | ast.stmt, new: str) -> None:
        self.add(self.start(node), self.end(node), new)

    def swap(
        self, left: ast.expr, right: ast.expr, pattern: re.Pattern[str], others: dict[str, str]
    ) -> tuple[int, int, str] | None:
        """The place of the operator between two operands, and the other operator."""
        start = self.end(left)
        gap = self.text(start, self.start(right))
        operator = pattern.search(gap)
        if operator is None:
            return None
        place = start + len(gap[: operator.start()].encode())
        symbol = " ".join(operator.group().split())
        return place, place + len(operator.group().encode()), others[symbol]

    # what is left alone

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.names.append(node.name)
        for default in [*node.args.defaults, *node.args.kw_defaults]:
            if default is not None:
                self.visit(default)
        self.functions += 1
        for statement in node.body:
            self.visit(statement)
        self.functions -= 1
        self.names.pop()

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.functions += 1
        self.visit(node.body)
        self.functions -= 1

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.names.append(node.name)
        for statement in node.body:
            self.visit(statement)
        self.names.pop()

    def visit_Assert(self, node: ast.Assert) -> None:
        pass

    # statements

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant):  # a docstring, or the body of a protocol
            return
        if isinstance(node.value, ast.Call):
            self.replace(node, "pass")
        self.visit(node.value)

    def visit_Raise(self, node: ast.Raise) -> None:
        self.replace(node, "pass")
        if node.exc is not None:
            self.visit(node.exc)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None:
            if not isinstance(node.value, ast.Constant):
                self.replace(node, "return None")
            self.visit(node.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        if any(isinstance(each, ast.Name) and each.id == "__all__" for each in node.targets):
            return
        for target in node.targets:
            self.visit(target)
        self._assigned(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.target)
        if node.value is not None:
            self._assigned(node.value)

    def _assigned(self, value: ast.expr) -> None:
        if isinstance(value, ast.Subscript) and _is_typing(value):
            return
        if not isinstance(value, ast.Constant) and not _is_typing(value):
            self.replace(value, "None")
        self.visit(value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        found = self.swap(node.target, node.value, _ARITHMETIC, COMPUTED)
        if found:
            self.add(*found)
        self.visit(node.target)
        self.visit(node.value)

    def visit_Break(self, node: ast.Break) -> None:
        self.replace(node, "continue")

    def visit_Continue(self, node: ast.Continue) -> None:
        self.replace(node, "break")

    def visit_If(self, node: ast.If) -> None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return
        if isinstance(node.test, ast.Compare) and ast.unparse(node.test.left) == "__name__":
            return
        self._condition(node.test)
        self.generic_visit(node)

    def visit_While(self, node: ast.While) -> None:
        self._condition(node.test)
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._condition(node.test)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for condition in node.ifs:
            self._condition(condition)
        self.generic_visit(node)

    def _condition(self, test: ast.expr) -> None:
        """Turned round, unless a part of it is changed anyway."""
        changed = isinstance(test, ast.Compare | ast.BoolOp | ast.Constant)
        if not changed and not (isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)):
            self.replace(test, f"not ({self.text(self.start(test), self.end(test))})")

    # expressions

    def visit_Compare(self, node: ast.Compare) -> None:
        operands = [node.left, *node.comparators]
        for left, right in itertools.pairwise(operands):
            found = self.swap(left, right, _COMPARISON, COMPARED)
            if found:
                self.add(*found)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        found = self.swap(node.left, node.right, _ARITHMETIC, COMPUTED)
        if found:
            start, end, new = found
            before, after = self.text(self.start(node), start), self.text(end, self.end(node))
            self.replace(node, f"({before}{new}{after})")
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        at, parts = self.start(node), []
        for left, right in itertools.pairwise(node.values):
            found = self.swap(left, right, _JOIN, JOINED)
            if found:
                parts += [self.text(at, found[0]), found[2]]
                at = found[1]
        self.replace(node, f"({''.join(parts)}{self.text(at, self.end(node))})")
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            operand = self.text(self.start(node.operand), self.end(node.operand))
            self.replace(node, f"({operand})")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self.replace(node, str(not value))
        elif isinstance(value, int | float):
            self.replace(node, repr(value + 1))
        elif isinstance(value, str):
            self.replace(node, repr(f"XX{value}XX"))
        elif isinstance(value, bytes):
            self.replace(node, repr(b"XX" + value + b"XX"))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        # Python 3.11 does not say where the parts of an f-string are.
        self.replace(node, f'("XX" {self.text(self.start(node), self.end(node))})')

    def visit_Call(self, node: ast.Call) -> None:
        if _is_typing(node):
            self.visit(node.args[-1])
            return
        for argument in node.args:
            if not isinstance(argument, ast.Constant | ast.Starred | ast.GeneratorExp):
                self.replace(argument, "None")
        given: list[ast.expr | ast.keyword] = [*node.args, *node.keywords]
        given.sort(key=self.start)
        for keyword in node.keywords:
            if keyword.arg is None or keyword.arg in UNSEEN_KEYWORDS:
                continue
            place = given.index(keyword)
            start, end = self.start(keyword), self.end(keyword)
            if place + 1 < len(given):
                end = self.start(given[place + 1])
            else:
                end += len(re.match(rb"\s*,?", self.source[end:]).group())  # type: ignore[union-attr]
            self.add(start, end, "")
        self.visit(node.func)
        for argument in node.args:
            self.visit(argument)
        for keyword in node.keywords:
            if keyword.arg not in UNSEEN_KEYWORDS:
                self.visit(keyword.value)


def _is_typing(node: ast.expr) -> bool:
    """Whether an expression says something to mypy alone: a call, or a type with its parts.

    >>> [each.after for each in mutants("a.py", b"Name = tuple[int, str]\\nX = y[0]\\n")]
    ['X = None', 'X = y[1]']
    """
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Name) and node.value.id in TYPES
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in TYPING
