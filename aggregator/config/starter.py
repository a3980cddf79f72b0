"""The initial feeds.yaml: the file that ships, with all of its sources or those of some topics.

Only removes whole lines, so that its comments explain the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from importlib.resources import files
from itertools import groupby

from aggregator.config import parse_config, yaml_tree
from aggregator.config.values.basic import listed, nearest
from aggregator.errors import ConfigError
from aggregator.model import Config


def shipped_text() -> str:
    """Return the feeds.yaml that ships."""
    return files("aggregator.config").joinpath("starter.yaml").read_text("utf-8")


def starter_config(topics: Collection[str] = ()) -> tuple[str, Config]:
    """Return the text of a feeds.yaml with the sources of *topics*, or with all, and its configuration.

    topics: ids of categories; ConfigError for one that the file does not have
    """
    text = shipped_text()
    config = parse_config(text)
    ids = [category.id for category in config.categories]
    for topic in topics:
        if topic not in ids:
            raise ConfigError(f"there is no topic {topic!r}; the topics are {listed(ids)}{nearest(topic, ids)}")
    if topics:
        text = _without(text, "sources", {source.id for source in config.sources if source.category not in topics})
        text = _without(text, "categories", {category_id for category_id in ids if category_id not in topics})
        config = parse_config(text)
    return text, config


def _without(text: str, section: str, ids: Collection[str]) -> str:
    """Return *text* without the items of *section* with these *ids*, and the comments right above each."""
    lines = text.splitlines(keepends=True)
    gone: set[int] = set()
    for first, end, item_id in _items(text, section):
        if item_id not in ids:
            continue
        last = end
        while last > first + 1 and not _is_content(lines[last - 1]):
            last -= 1
        while lines[first - 1].lstrip().startswith("#"):
            first -= 1
        gone.update(range(first, last))
    rest = [line for number, line in enumerate(lines) if number not in gone]
    # One empty line stays in place of a removed group.
    runs = (list(run)[: 1 if empty else None] for empty, run in groupby(rest, key=lambda line: not line.strip()))
    return "".join(line for run in runs for line in run).rstrip("\n") + "\n"


def _items(text: str, section: str) -> list[tuple[int, int, str]]:
    """Return the first line, the line after the last (from 0), and the id of each item of a list at the top."""
    root = yaml_tree.read(text)
    assert isinstance(root, yaml_tree.Mapping)
    starts = sorted(key.line - 1 for key, _ in root.pairs)
    items = next(value for key, value in root.pairs if isinstance(key, yaml_tree.Scalar) and key.text == section)
    assert isinstance(items, yaml_tree.Sequence)
    nodes: Sequence[yaml_tree.Node] = items.items
    ends = [node.line - 1 for node in nodes[1:]]
    ends.append(next((start for start in starts if start >= nodes[-1].line), len(text.splitlines())))
    return [(node.line - 1, end, _id(node)) for node, end in zip(nodes, ends, strict=True)]


def _id(node: yaml_tree.Node) -> str:
    assert isinstance(node, yaml_tree.Mapping)
    pairs = {
        key.text: value.text
        for key, value in node.pairs
        if isinstance(key, yaml_tree.Scalar) and isinstance(value, yaml_tree.Scalar)
    }
    return pairs["id"]


def _is_content(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")
