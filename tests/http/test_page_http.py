"""What the page is served with: nothing from other hosts, and nothing for pages of others."""

from __future__ import annotations

import re

import pytest
from support.images import jpeg, photo
from support.service import Service

PAGES = [
    "/",
    "/docs",
    "/static/main.js",
    "/static/base.css",
    "/static/icon.svg",
    "/static/swagger/swagger-ui.css",
]


@pytest.mark.parametrize("path", PAGES)
def test_a_file_of_the_page_may_load_only_from_here_and_is_asked_for_again(
    service: Service, path: str
) -> None:
    answer = service.client.get(service.url + path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"
    assert re.search(r"https?://(?!www\.w3\.org)", answer.text) is None or "swagger" in path
    known = {"if-none-match": answer.headers["etag"]}
    assert service.client.get(service.url + path, headers=known).status_code == 304
    assert service.client.head(service.url + path).status_code == 200


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/none.js", "/static/"]
)
def test_other_files_are_not_served(service: Service, path: str) -> None:
    answer = service.client.get(service.url + path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_pages_of_other_origins_get_nothing(service: Service) -> None:
    """Browsers give an answer to a page of another origin only if a header of this kind allows it."""
    origin = {"origin": "https://elsewhere.example"}
    asked = origin | {
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }
    answers = [
        service.client.get(service.url, headers=origin),
        service.convert(jpeg(photo(64, 64)), headers=origin),
        service.client.options(f"{service.url}/convert", headers=asked),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 405]
    assert not [name for answer in answers for name in answer.headers if name.startswith("access-control-")]
