"""The picture is an SVG that other programs read."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pyvips

from bench.chart import COLOURS, IDEAL, PAST, Line, Panel, draw

SVG = "{http://www.w3.org/2000/svg}"
PANELS = [
    Panel(
        "one & only",
        [
            Line("ideal", IDEAL, {0: 0, 1: 1, 8: 8}),
            Line("before <us>", PAST, {1: 1, 4: 1.03, 8: 0.98}),
            Line("rst-png", COLOURS[0], {1: 0.9, 8: 6.5}),
        ],
    ),
    Panel("two", [Line("rst-png", COLOURS[0], {1: 0.9, 8: 7})]),
]


def test_it_is_well_formed_whatever_names_contain() -> None:
    root = ET.fromstring(draw(PANELS, "workers", "speed-up"))
    assert root.tag == f"{SVG}svg"
    assert "one & only" in [text.text for text in root.iter(f"{SVG}text")]


def test_a_line_that_two_panels_have_is_once_in_the_legend() -> None:
    root = ET.fromstring(draw(PANELS, "workers", "speed-up"))
    assert [text.text for text in root.iter(f"{SVG}text")].count("rst-png") == 1


def test_points_lie_where_their_values_say() -> None:
    root = ET.fromstring(draw([Panel("", [Line("", IDEAL, {0: 0, 8: 4})])], "", ""))
    line = next(root.iter(f"{SVG}polyline"))
    (x0, y0), (x1, y1) = (map(float, point.split(",")) for point in line.attrib["points"].split())
    assert x0 == 0
    assert x1 == y0  # the width of the square is its height
    assert y1 == y0 / 2


def test_it_has_colours_for_dark_pages() -> None:
    assert "prefers-color-scheme: dark" in draw(PANELS, "workers", "speed-up")


def test_another_program_draws_it() -> None:
    drawn = pyvips.Image.new_from_buffer(draw(PANELS, "workers", "speed-up").encode(), "")
    assert (drawn.width, drawn.height) > (600, 400)
    assert drawn.deviate() > 0
