"""The HTTP contract of `POST /convert`, on the running service."""

from __future__ import annotations

import asyncio
import gzip
import re
from typing import Any

import httpx
import numpy as np
import pytest
from support.images import (
    converted,
    encoded,
    grey,
    image,
    jpeg,
    luma_plane,
    opened,
    photo,
    pixels,
    png,
    unpacked,
)
from support.service import Service, plan, process

from shared.codecs.formats import Format
from shared.options import Luma, Options

SLICED = jpeg(photo(1600, 1712), quality=90, restart_marker_rows=1)
NARROW = jpeg(photo(160, 1712), quality=90, restart_marker_rows=1)
"""Can be cut as often as `SLICED`, for a tenth of its work."""
UNSLICED = jpeg(photo(640, 480), quality=90)
PLAIN_PNG = png(photo(320, 200))


def problem(answer: httpx.Response, status: int, slug: str) -> dict[str, object]:
    """The problem document of an answer, checked for what every problem has."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, object] = answer.json()
    assert document["type"] == f"urn:grisaille:problem:{slug}"
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    return document


def test_the_readme_line_gives_a_grey_jpeg_of_the_same_size(service: Service) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}  # what curl says
    answer = service.convert(SLICED, headers=form)
    result = opened(answer.content)
    assert (answer.headers["content-type"], result.format) == ("image/jpeg", "JPEG")
    assert (result.mode, result.size) == ("L", (1600, 1712))


def test_accept_decides_the_format_where_the_query_does_not(service: Service) -> None:
    as_png = {"Accept": "image/png"}
    answer = service.convert(SLICED, headers=as_png)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["vary"] == "Accept"
    assert np.array_equal(pixels(answer.content), luma_plane(SLICED))
    asked = service.convert(SLICED, headers=as_png, format="same")
    assert asked.headers["content-type"] == "image/jpeg"


def test_fields_on_several_lines_are_one_list(service: Service) -> None:
    def sent(*headers: tuple[str, str]) -> httpx.Response:
        return httpx.post(f"{service.url}/convert", content=UNSLICED, headers=list(headers))

    two_types = sent(("Accept", "image/png"), ("Accept", "image/tiff"))
    assert two_types.headers["content-type"] == "image/jpeg"
    encoded = sent(("Content-Encoding", "identity"), ("Content-Encoding", "gzip"))
    problem(encoded, 415, "unsupported-encoding")


def test_a_large_image_with_markers_uses_several_workers(service: Service) -> None:
    answer = service.convert(SLICED)
    kind, stripes = plan(answer)
    assert kind == "stripes"
    assert stripes == 2  # never a stripe under a megapixel
    assert "workers=2" in answer.headers["X-Grisaille-Plan"]


@pytest.mark.parametrize("written", [Format.PNG, Format.JPEG])
@pytest.mark.parametrize(
    ("luma", "effort"), [*((luma, "fast") for luma in Luma), ("bt601", "balanced"), ("bt601", "small")]
)
def test_distributed_equals_inline(service: Service, written: Format, luma: str, effort: str) -> None:
    options: dict[str, Any] = {"format": written, "luma": luma, "effort": effort, "quality": 80}
    whole = service.convert(NARROW, stripes=1, **options)
    for stripes in (2, 7, 64):
        answer = service.convert(NARROW, stripes=stripes, **options)
        assert plan(answer) == ("stripes", stripes)
        assert np.array_equal(pixels(answer.content), pixels(whole.content))


def test_metadata_of_stripes_is_that_of_the_whole(service: Service) -> None:
    exif = image(photo(8, 8)).getexif()
    exif[0x0112] = 8
    data = jpeg(photo(64, 64), restart_marker_rows=1, exif=exif, dpi=(300, 300), comment=b"x")
    for written in ("png", "jpeg"):
        striped = service.convert(data, format=written, stripes=4)
        whole = service.convert(data, format=written, stripes=1)
        assert plan(striped) == ("stripes", 4)
        assert opened(striped.content).getexif()[0x0112] == 8
        assert opened(striped.content).info["dpi"] == opened(whole.content).info["dpi"]
        assert "stripped" not in striped.headers.get("X-Grisaille-Note", "")
        bare = service.convert(data, format=written, stripes=4, metadata="strip")
        assert not opened(bare.content).getexif()


@pytest.mark.parametrize("kind", ["WEBP", "TIFF", "GIF", "BMP", "AVIF"])
def test_other_formats_go_whole_to_one_worker(service: Service, kind: str) -> None:
    data = encoded(image(photo(200, 100)), kind)
    answer = service.convert(data, format="png")
    assert plan(answer) == ("whole", 1)
    assert np.array_equal(pixels(answer.content), converted(data))


def test_every_answer_says_how_it_came_about(service: Service) -> None:
    answer = service.convert(SLICED, headers={"X-Request-Id": "my.id-1"}, stripes=3)
    headers = answer.headers
    assert headers["X-Request-Id"] == "my.id-1"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert int(headers["content-length"]) == len(answer.content)
    assert "X-Grisaille-Note" not in headers
    stages = re.findall(r"([a-z]+);dur=([0-9.]+)", headers["Server-Timing"])
    assert [name for name, _ in stages] == [
        *("receive", "queue", "split"),
        *("send", "work", "return", "merge"),
    ]
    total = sum(float(milliseconds) for _, milliseconds in stages)
    assert 0 < total <= answer.elapsed.total_seconds() * 1000
    parts = headers["X-Grisaille-Parts"].split(", ")
    assert len(parts) == 3
    for part in parts:
        assert re.fullmatch(r"worker=\d+; start=[0-9.]+; end=[0-9.]+; attempts=\d+; hedged=[01]", part)


def test_a_malformed_request_id_is_replaced(service: Service) -> None:
    answer = service.convert(PLAIN_PNG, headers={"X-Request-Id": "two words"})
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", answer.headers["X-Request-Id"])


def test_multipart_with_one_file_is_the_same_as_its_bytes(service: Service) -> None:
    files = {"image": ("Füße.png", PLAIN_PNG, "text/plain")}
    answer = httpx.post(f"{service.url}/convert", files=files)
    assert unpacked(answer.content) == unpacked(grey(PLAIN_PNG, Options()))
    disposition = answer.headers["content-disposition"]
    assert disposition == ("inline; filename=\"F__e-grey.png\"; filename*=UTF-8''F%C3%BC%C3%9Fe-grey.png")


def test_a_chunked_upload_is_an_upload(service: Service) -> None:
    def pieces() -> object:
        for i in range(0, len(PLAIN_PNG), 1000):
            yield PLAIN_PNG[i : i + 1000]

    answer = httpx.post(f"{service.url}/convert", content=pieces())  # type: ignore[arg-type]
    assert unpacked(answer.content) == unpacked(grey(PLAIN_PNG, Options()))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"form": "png"}, "format, luma, quality"),
        ({"format": "bmp"}, "same, png, jpeg"),
        ({"luma": "bt2020"}, "bt601, bt601-rgb"),
        ({"quality": "0"}, "1 to 100"),
        ({"quality": "high"}, "1 to 100"),
        ({"stripes": "65"}, "1 to 64"),
        ({"rows": "0:8"}, "format, luma, quality"),
        ({"part": "1"}, "format, luma, quality"),
    ],
)
def test_bad_options_are_refused_with_what_is_allowed(
    service: Service, options: dict[str, Any], named: str
) -> None:
    document = problem(service.convert(PLAIN_PNG, **options), 400, "invalid-option")
    assert named in str(document["detail"])


def test_requests_that_are_no_images_are_refused(service: Service) -> None:
    problem(service.convert(b""), 400, "empty-body")
    problem(service.convert(b"hello"), 415, "unsupported-format")
    packed = service.convert(gzip.compress(PLAIN_PNG), headers={"Content-Encoding": "gzip"})
    problem(packed, 415, "unsupported-encoding")
    problem(service.convert(PLAIN_PNG[:-5]), 422, "malformed-image")
    two = [("a", ("a.png", PLAIN_PNG)), ("b", ("b.png", PLAIN_PNG))]
    answer = httpx.post(f"{service.url}/convert", files=two)
    assert "/batch" in str(problem(answer, 400, "invalid-multipart")["detail"])


def test_unknown_paths_and_methods_are_problems_too(service: Service) -> None:
    problem(httpx.get(f"{service.url}/nothing"), 404, "not-found")
    problem(httpx.get(f"{service.url}/convert"), 405, "method-not-allowed")


def test_every_problem_carries_the_request_id(service: Service) -> None:
    answer = service.convert(b"hello", headers={"X-Request-Id": "abc"})
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"] == "abc"


def test_an_upload_over_the_limit_is_refused_by_name() -> None:
    with process("-m", "gateway", max_upload_bytes=10_000) as url:
        for body in (PLAIN_PNG, iter([PLAIN_PNG])):
            answer = httpx.post(f"{url}/convert", content=body)
            document = problem(answer, 413, "upload-too-large")
            assert document["limit"] == 10_000
            assert document["setting"] == "GRISAILLE_MAX_UPLOAD_BYTES"
        assert httpx.post(f"{url}/convert", content=PLAIN_PNG[:5000]).status_code == 422


def test_the_documentation_is_complete(service: Service) -> None:
    document = httpx.get(f"{service.url}/openapi.json").json()
    operation = document["paths"]["/convert"]["post"]
    names = [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"]
    assert names == ["format", "luma", "quality", "effort", "metadata", "stripes"]
    assert {"200", "400", "413", "415", "422", "503", "504"} <= set(operation["responses"])
    assert httpx.get(f"{service.url}/docs").status_code == 200


def test_a_flood_is_answered_completely(service: Service) -> None:
    wanted = {data: unpacked(grey(data, Options())) for data in (UNSLICED, PLAIN_PNG)}
    striped = luma_plane(SLICED)

    async def flood() -> None:
        async with httpx.AsyncClient(timeout=60) as client:

            async def one(data: bytes) -> httpx.Response:
                return await client.post(f"{service.url}/convert", content=data)

            asked = [SLICED, UNSLICED, PLAIN_PNG] * 12
            for data, answer in zip(asked, await asyncio.gather(*map(one, asked)), strict=True):
                assert answer.status_code == 200, answer.text
                if data is SLICED:
                    error = np.abs(pixels(answer.content).astype(int) - striped)
                    assert error.max() <= 40  # the source's table, applied once more
                    assert error.mean() < 1
                else:
                    assert unpacked(answer.content) == wanted[data]

    asyncio.run(flood())


def test_version_says_what_runs(service: Service) -> None:
    asked = httpx.get(f"{service.url}/version")
    assert asked.json()["service"] == "gateway"
    head = httpx.head(f"{service.url}/version")
    assert (head.status_code, head.headers["content-length"]) == (200, asked.headers["content-length"])
