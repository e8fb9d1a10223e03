"""`python -m bench.predecessor.master`: hands each stripe to a waiting worker, and its answer back.

Prints two ports: the app's, and the workers'.
"""

from __future__ import annotations

import socket
import threading
from queue import Queue

from bench.predecessor import wire


def main() -> None:
    apps, workers = (socket.create_server((wire.HOST, 0), backlog=64) for _ in range(2))
    print(apps.getsockname()[1], workers.getsockname()[1], flush=True)
    waiting: Queue[socket.socket] = Queue()
    threading.Thread(target=_queue_workers, args=(workers, waiting), daemon=True).start()
    while True:
        app, _ = apps.accept()
        threading.Thread(target=_pass_on, args=(app, waiting), daemon=True).start()


def _queue_workers(listener: socket.socket, waiting: Queue[socket.socket]) -> None:
    while True:
        worker, _ = listener.accept()
        waiting.put(worker)


def _pass_on(app: socket.socket, waiting: Queue[socket.socket]) -> None:
    with app:
        stripe = wire.receive(app)
        with waiting.get() as worker:
            wire.send(worker, stripe)
            answer = wire.receive(worker)
        wire.send(app, answer)


if __name__ == "__main__":
    main()
