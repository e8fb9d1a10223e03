"""`python docs/generate.py`: the pages that are made from the code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from pydantic.fields import FieldInfo

_DOCS = Path(__file__).parent
sys.path.insert(0, str(_DOCS.parent))

from gateway.settings import GatewaySettings  # noqa: E402 - the path comes first
from shared.service.settings import ServiceSettings  # noqa: E402
from worker.settings import WorkerSettings  # noqa: E402

_SETTINGS_HEAD = """\
# Settings

Environment variables, each `GRISAILLE_` and a name below; in the chart's `config` without the prefix. Made
from the code by `python docs/generate.py`. What a value may not be is refused at the start, by name.
"""


def settings() -> str:
    """docs/settings.md."""
    gateway, worker = GatewaySettings.model_fields, WorkerSettings.model_fields
    both = list(ServiceSettings.model_fields)
    tables = {
        "Of both services": [(name, gateway[name], _default(gateway[name], worker[name])) for name in both],
        "Of a gateway": [(k, v, _default(v)) for k, v in gateway.items() if k not in both],
        "Of a worker": [(k, v, _default(v)) for k, v in worker.items() if k not in both],
    }
    return _SETTINGS_HEAD + "".join(_table(title, rows) for title, rows in tables.items())


def _table(title: str, rows: list[tuple[str, FieldInfo, str]]) -> str:
    lines = "".join(f"| `{name.upper()}` | {default} | {one.description} |\n" for name, one, default in rows)
    return f"\n## {title}\n\n| name | default | what it is |\n|---|---|---|\n{lines}"


def _default(*fields: FieldInfo) -> str:
    """The one default, or a gateway's and a worker's."""
    values = dict.fromkeys(str(field.get_default(call_default_factory=True)) for field in fields)
    return ", worker ".join(f"`{value}`" for value in values if value)


PAGES: dict[str, Callable[[], str]] = {"settings.md": settings}


def main() -> None:
    """Write every page, into another folder if one is named."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else _DOCS
    for name, page in PAGES.items():
        (folder / name).write_text(page())


if __name__ == "__main__":
    main()
