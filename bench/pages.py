"""Pictures that are no photographs: a scanned page and a screenshot, made here and always the same."""

from __future__ import annotations

import io

import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFilter, ImageFont

_PAGE = (2480, 3508)
"""A4 at 300 dots per inch."""
_PAPER, _INK = (247, 244, 236), (38, 36, 44)
_GRAIN = 2.5
"""Standard deviation of a sensor's noise."""
_SCREEN_INCHES = (25.6, 14.4)
_WORDS = ("stripe", "worker", "gateway", "merge", "split", "marker", "band", "slot", "drain", "hedge", "luma")


def scan() -> Image.Image:
    """A page of text in colour, a little askew, blurred and noisy as a scanner sees it."""
    random = np.random.default_rng(1)
    page = Image.new("RGB", _PAGE, _PAPER)
    _write(page, random, size=42, line=64, words=13)
    page = page.rotate(0.4, Image.Resampling.BICUBIC, fillcolor=_PAPER)
    seen = np.asarray(page.filter(ImageFilter.GaussianBlur(0.8))) + random.normal(
        0, _GRAIN, (*_PAGE[::-1], 3)
    )
    return Image.fromarray(np.clip(seen, 0, 255).astype(np.uint8))


def screenshot() -> Image.Image:
    """A window of plots and text, 2560 x 1440."""
    figure = Figure(_SCREEN_INCHES, dpi=100)
    places = np.linspace(0, 10, 500)
    for number, axes in enumerate(figure.subplots(2, 2).flat, 1):
        axes.plot(places, np.sin(places * number), places, np.cos(places / number))
        axes.grid()
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    screen = Image.open(drawn).convert("RGB")
    _write(screen, np.random.default_rng(2), size=16, line=22, words=6)
    return screen


def _write(page: Image.Image, random: np.random.Generator, *, size: int, line: int, words: int) -> None:
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(size)
    for top in range(2 * line, page.height - 2 * line, line):
        pen.text((2 * line, top), " ".join(random.choice(_WORDS, words)), _INK, font)
