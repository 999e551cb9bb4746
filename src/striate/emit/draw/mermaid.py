"""A figure as a Mermaid flow chart, which many pages draw from its text; its nodes are placed by whoever draws it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import assert_never

from striate.description.labels import one_line
from striate.emit.draw.families import LOOKS
from striate.emit.draw.figure import Figure
from striate.emit.draw.marks import Box, Join, Node, Panel, Volume


def to_mermaid(figure: Figure) -> str:
    """The figure as a Mermaid flow chart."""
    ids = {node.id: f"n{place}" for place, node in enumerate(figure.nodes)}
    nodes: defaultdict[str, list[Node]] = defaultdict(list)
    panels: defaultdict[str, list[Panel]] = defaultdict(list)
    for node in figure.nodes:
        nodes[node.panel].append(node)
    for panel in figure.panels:
        panels[panel.parent].append(panel)
    numbers = {panel.id: f"p{place}" for place, panel in enumerate(figure.panels)}

    def inside(panel: str, indent: str) -> Iterator[str]:
        for node in nodes[panel]:
            yield f"{indent}{ids[node.id]}{_node(node)}"
        for each in panels[panel]:
            title = " ".join(filter(None, (each.name, f"× {each.times}" if each.times > 1 else ""))) or "block"
            yield f'{indent}subgraph {numbers[each.id]}["{escaped(title)}"]'
            yield from inside(each.id, indent + "  ")
            yield f"{indent}end"

    lines = [f"%% {escaped(figure.name)}", f"flowchart {'LR' if figure.style == 'volumes' else 'TB'}"]
    lines += inside("", "  ")
    for arrow in figure.arrows:
        if arrow.target:
            line = "-.->" if arrow.dashed else "-->"
            words = [text.words for text in arrow.lines] if figure.style == "volumes" else [arrow.size]
            label = f'|"{"<br>".join(map(escaped, words))}"|' if any(words) else ""
            lines.append(f"  {ids[arrow.source]} {line}{label} {ids[arrow.target]}")
    used = {_family(node) for node in figure.nodes}
    for family, look in LOOKS.items():
        if family in used:
            lines.append(f"  classDef {family} fill:{look.fill},stroke:{look.line},color:#1b1f24")
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """A text as Mermaid's labels have it: whatever could be more than a letter is written by its number.

    >>> escaped('<b> "x"'), escaped("conv 3×3, 64")
    ('#60;b#62; #34;x#34;', 'conv 3×3, 64')
    """
    return "".join(each if each.isalnum() or each in " .,+×·…/()=-@" else f"#{ord(each)};" for each in one_line(text))


def _node(node: Node) -> str:
    words = "<br>".join(escaped(text.words) for text in node.lines)
    match node:
        case Join():
            shape = f'["{words}"]' if node.sign == "concat" else f'(("{words}"))'
        case Box():
            shape = f'(["{words}"])' if node.family == "data" else f'["{words}"]'
        case Volume():
            shape = f'["{words}"]'
        case _:
            assert_never(node)
    return f"{shape}:::{_family(node)}"


def _family(node: Node) -> str:
    return "join" if isinstance(node, Join) else node.family
