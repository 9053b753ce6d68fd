"""Dask workers that are killed while they draw, as by a machine that goes down."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from distributed import Worker, WorkerPlugin


class KilledWhileDrawing(WorkerPlugin):
    """Kills a worker that has drawn the first frames of a clip: once in all, or always for the clip of a `number`."""

    def __init__(self, once: Path, number: int | None = None) -> None:
        self.once, self.number = once, number

    def setup(self, worker: Worker) -> None:
        """Listen to what the worker tells of its clips."""
        log_event: Any = worker.log_event

        def listen(topic: str, news: Any) -> None:
            if news[0] == "drawn" and self._is_the_time(news[1]):
                os.kill(os.getpid(), signal.SIGKILL)
            log_event(topic, news)

        vars(worker)["log_event"] = listen

    def _is_the_time(self, number: int) -> bool:
        if self.number is not None:
            return number == self.number
        try:
            self.once.touch(exist_ok=False)
        except FileExistsError:
            return False
        return True
