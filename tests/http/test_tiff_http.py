"""TIFFs on the running service: cut between strips, joined, and judged when damaged."""

from __future__ import annotations

import numpy as np
import pytest
from support.images import converted, encoded, image, jpeg, luma_plane, opened, photo, pixels
from support.service import Service, plan

PICTURE = photo(403, 603)
COUNTS = (2, 3, 7)


@pytest.mark.parametrize("written", ["png", "tiff"])
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
def test_every_number_of_stripes_gives_pillows_grey(service: Service, written: str, compression: str) -> None:
    data = encoded(image(PICTURE), "TIFF", compression=compression, strip_size=403 * 3 * 8)
    for count in COUNTS:
        answer = service.convert(data, stripes=count, format=written)
        assert plan(answer) == ("stripes", count)
        assert np.array_equal(pixels(answer.content), converted(data))


def test_jpegs_become_tiffs_by_stripes(service: Service) -> None:
    data = jpeg(PICTURE, dpi=(300, 150))
    for count in COUNTS:
        answer = service.convert(data, stripes=count, format="tiff")
        assert plan(answer) == ("stripes", count)
        assert np.array_equal(pixels(answer.content), luma_plane(data))
        assert opened(answer.content).info["dpi"] == (300, 150)
