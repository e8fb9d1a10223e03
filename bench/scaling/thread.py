"""`python -m bench.scaling.thread ROUTE REPEATS`: our own pipeline in one thread, again and again.

Says `ready` once it is warm, begins when a line comes, and prints the milliseconds of each image.
"""

from __future__ import annotations

import json
import sys
import time

from bench import mosaic, rivals


def main() -> None:
    source, _, written = sys.argv[1].partition("-")
    convert, image = rivals.one_thread(written), mosaic.INPUTS[source]()
    for _ in range(2):
        convert(image)
    print("ready", flush=True)
    sys.stdin.readline()
    times = []
    for _ in range(int(sys.argv[2])):
        begin = time.perf_counter()
        convert(image)
        times.append((time.perf_counter() - begin) * 1000)
    print(json.dumps(times), flush=True)


if __name__ == "__main__":
    main()
