"""Line charts beside each other as one SVG file, readable on light and on dark pages."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_SIDE = 320
"""Of a panel's square, in pixels, as all lengths here."""
_LEFT, _TOP = 50, 56
_PITCH_X, _PITCH_Y = 390, 420
"""From one panel to the next."""
_LEGEND_X, _LEGEND_Y = 260, 24
_PANELS_A_ROW, _LEGENDS_A_ROW = 2, 3
_DOT = 3.5
_NAMESPACE = "http://www.w3.org/2000/svg"
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.paper { fill: #ffffff }
.grid { stroke: #d1d9e0 }
.ideal { stroke: #818b98; stroke-dasharray: 6 5 }
.past { stroke: #818b98; fill: #818b98 }
.first { stroke: #0969da; fill: #0969da }
.second { stroke: #1a7f37; fill: #1a7f37 }
.third { stroke: #bc4c00; fill: #bc4c00 }
.fourth { stroke: #8250df; fill: #8250df }
.fifth { stroke: #bf3989; fill: #bf3989 }
.line { fill: none !important; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .paper { fill: #0d1117 }
  .grid { stroke: #3d444d }
  .ideal { stroke: #9198a1 }
  .past { stroke: #9198a1; fill: #9198a1 }
  .first { stroke: #58a6ff; fill: #58a6ff }
  .second { stroke: #3fb950; fill: #3fb950 }
  .third { stroke: #f0883e; fill: #f0883e }
  .fourth { stroke: #bc8cff; fill: #bc8cff }
  .fifth { stroke: #f778ba; fill: #f778ba }
}
"""
IDEAL, PAST = "ideal", "past"
COLOURS = ("first", "second", "third", "fourth", "fifth")


@dataclass(frozen=True, slots=True)
class Line:
    """Values by x."""

    name: str
    style: str
    """`IDEAL`, `PAST` or one of `COLOURS`."""
    values: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines in one square."""

    title: str
    lines: Sequence[Line]


def draw(panels: Sequence[Panel], across: str, up: str) -> str:
    """The file; both axes go from 0 to the largest x, and are labelled `across` and `up`."""
    ticks = sorted({0} | {x for panel in panels for line in panel.lines for x in line.values})
    legend = list({line.name: line for panel in panels for line in panel.lines}.values())
    width = _LEFT + min(len(panels), _PANELS_A_ROW) * _PITCH_X
    below = _TOP + _rows(len(panels), _PANELS_A_ROW) * _PITCH_Y
    height = below + _rows(len(legend), _LEGENDS_A_ROW) * _LEGEND_Y
    root = ET.Element("svg", xmlns=_NAMESPACE, width=str(width), height=str(height))
    root.set("viewBox", f"0 0 {width} {height}")
    ET.SubElement(root, "title").text = f"{up} by {across}"
    ET.SubElement(root, "style").text = _STYLE
    _add(root, "rect", "paper", width=width, height=height)
    for index, panel in enumerate(panels):
        row, column = divmod(index, _PANELS_A_ROW)
        here = _group(root, _LEFT + column * _PITCH_X, _TOP + row * _PITCH_Y)
        _panel(here, panel, ticks, across, up)
    for index, line in enumerate(legend):
        row, column = divmod(index, _LEGENDS_A_ROW)
        _legend(_group(root, _LEFT + column * _LEGEND_X, below + row * _LEGEND_Y), line)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def _rows(count: int, a_row: int) -> int:
    return -(-count // a_row)


def _panel(here: ET.Element, panel: Panel, ticks: Sequence[int], across: str, up: str) -> None:
    scale = _SIDE / ticks[-1]
    _text(here, panel.title, "title", 0, -28)
    _text(here, up, "", 0, -10)
    _text(here, across, "", _SIDE / 2, _SIDE + 38, anchor="middle")
    for tick in ticks:
        along = tick * scale
        _add(here, "line", "grid", x1=0, x2=_SIDE, y1=_SIDE - along, y2=_SIDE - along)
        _add(here, "line", "grid", x1=along, x2=along, y1=0, y2=_SIDE)
        _text(here, str(tick), "", along, _SIDE + 18, anchor="middle")
        _text(here, str(tick), "", -8, _SIDE - along + 4, anchor="end")
    for line in panel.lines:
        _line(here, line.style, [(x * scale, _SIDE - y * scale) for x, y in line.values.items()])


def _line(here: ET.Element, style: str, points: Sequence[tuple[float, float]]) -> None:
    _add(here, "polyline", f"{style} line", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in points))
    if style != IDEAL:
        for x, y in points:
            _add(here, "circle", style, cx=f"{x:.1f}", cy=f"{y:.1f}", r=_DOT)


def _legend(here: ET.Element, line: Line) -> None:
    _line(here, line.style, [(0, -4), (24, -4)])
    _text(here, line.name, "", 34, 0)


def _group(parent: ET.Element, left: float, top: float) -> ET.Element:
    return ET.SubElement(parent, "g", transform=f"translate({left} {top})")


def _text(parent: ET.Element, text: str, style: str, x: float, y: float, *, anchor: str = "start") -> None:
    made = _add(parent, "text", style, x=x, y=y)
    made.set("text-anchor", anchor)
    made.text = text


def _add(parent: ET.Element, tag: str, style: str, **attributes: object) -> ET.Element:
    made = ET.SubElement(parent, tag, {name: str(value) for name, value in attributes.items()})
    made.set("class", style)
    return made
