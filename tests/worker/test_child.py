"""The decoders' child process: what it says of a hostile file is in no log."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from support.service import ROOT, environment

_CONVERT = """
import sys
from pathlib import Path
from shared.codecs.formats import Format
from shared.codecs.limits import DEFAULTS
from shared.options import Options
from shared.problems import MalformedImage
from worker.child import Children
from worker.slots import Cancel

children = Children(1, 10)
children.start()
data = memoryview(Path(sys.argv[1]).read_bytes())
try:
    children.convert(data, Options(format=Format.PNG), DEFAULTS, Cancel(30))
except MalformedImage:
    print("malformed")
children.close()
"""


def test_a_damaged_fax_is_refused_without_a_line_for_each_of_its_rows(tmp_path: Path) -> None:
    out = io.BytesIO()
    noise = np.random.default_rng(1).random((400, 300)) < 0.5
    Image.fromarray(noise).save(out, "TIFF", compression="group4")
    damaged = bytearray(out.getvalue())
    for place in range(100, len(damaged) - 1000, 50):
        damaged[place] ^= 0x55
    (tmp_path / "fax.tif").write_bytes(damaged)
    done = subprocess.run(
        [sys.executable, "-c", _CONVERT, str(tmp_path / "fax.tif")],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("malformed\n", "")
