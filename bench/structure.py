"""Measure the structure of the source: modules, imports, sizes and comments of each package.

    python -m bench.structure            the four layers
    python -m bench.structure --deep     every package

The files are parsed, not imported or run. An *arrow* is one module importing another module of the same layer. *Parts*
are the packages and modules directly inside a layer (or package); their arrows are the pairs joined by an import.
"""

from __future__ import annotations

import argparse
import ast
import io
import tokenize
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ("aggregator", "scoring", "web", "groundswell")


@dataclass(frozen=True, slots=True)
class Module:
    """One source file."""

    name: str
    """As it is imported: `aggregator.store.entries`."""
    lines: int
    functions: tuple[int, ...]
    """Lines of each function, its docstring included."""
    methods: tuple[int, ...]
    """Public methods of each class."""
    comments: int
    """Lines with a comment."""
    code: int
    """Lines that are neither blank, docstring nor only a comment."""
    imports: frozenset[str]


def read(path: Path) -> Module:
    """Parse a file and return its figures."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    functions: list[int] = []
    methods: list[int] = []
    imports: set[str] = set()
    documented: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            functions.append((node.end_lineno or node.lineno) - node.lineno + 1)
        elif isinstance(node, ast.ClassDef):
            named = [child.name for child in node.body if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)]
            methods.append(sum(not name.startswith("_") for name in named))
        elif isinstance(node, ast.Import):
            imports.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            imports.add(node.module)
            imports.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            documented.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    commented = {
        token.start[0]
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT and not token.string.startswith(("# noqa", "# fmt", "# type:"))
    }
    lines = text.splitlines()
    code = [
        number
        for number, line in enumerate(lines, start=1)
        if line.strip() and number not in documented and not line.lstrip().startswith("#")
    ]
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    return Module(
        name, len(lines), tuple(functions), tuple(methods), len(commented), len(code), frozenset(imports)
    )  # fmt: skip


def arrows(modules: Sequence[Module]) -> int:
    """Return how many imports lead from one of *modules* to another."""
    names = {module.name for module in modules}
    count = 0
    for module in modules:
        targets = module.imports & names - {module.name}
        # `from package import module` refers to the module, not to a name that the package re-exports.
        count += len(targets - {target.rpartition(".")[0] for target in targets})
    return count


def parts(name: str, modules: Sequence[Module]) -> tuple[int, int]:
    """Return how many parts the package *name* has, and how many of their pairs are joined by an import."""
    depth = name.count(".") + 2
    prefix = f"{name}."

    def part(module: str) -> str:
        return ".".join(module.split(".")[:depth])

    inner = [module for module in modules if module.name.startswith(prefix)]
    parts_of_package = {part(module.name) for module in inner}
    pairs = {(part(module.name), part(target)) for module in inner for target in module.imports}
    return len(parts_of_package), sum(source != target and target in parts_of_package for source, target in pairs)


def row(name: str, modules: Sequence[Module]) -> list[str]:
    """Return the figures of some modules as a line of the table."""
    functions = [length for module in modules for length in module.functions] or [0]
    methods = [count for module in modules for count in module.methods] or [0]
    code = sum(module.code for module in modules)
    comments = 100 * sum(module.comments for module in modules) / max(code, 1)
    sizes = [module.lines for module in modules]
    return [
        name,
        "{} / {}".format(*parts(name, modules)) if name in LAYERS or "." in name else "",
        str(len(modules)),
        str(arrows(modules)),
        f"{median(sizes):.0f} / {max(sizes)}",
        f"{median(functions):.0f} / {max(functions)}",
        str(max(methods)),
        f"{comments:.1f}",
    ]


def packages(modules: Iterable[Module], deep: bool) -> dict[str, list[Module]]:
    """Return modules by layer, or by package."""
    grouped: dict[str, list[Module]] = {}
    for module in modules:
        layer, *rest = module.name.split(".")
        grouped.setdefault(".".join([layer, *rest[:1]]) if deep and len(rest) > 1 else layer, []).append(module)
    return grouped


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deep", action="store_true", help="a line for each package of each layer")
    deep = parser.parse_args().deep
    modules = [read(path) for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))]
    table = Table(box=None)
    for title in ("package", "parts / arrows", "modules", "arrows", "lines", "function", "methods", "comments / 100"):
        table.add_column(title, justify="left" if title == "package" else "right")
    for name, members in sorted(packages(modules, deep).items()):
        table.add_row(*row(name, members))
    table.add_row(*row("all", modules))
    Console(width=100).print(table)
    print("lines, function: median / longest; methods: most public ones of a class; comments: per 100 lines of code")


if __name__ == "__main__":
    main()
