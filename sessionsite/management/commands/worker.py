"""`manage.py worker`: does what pages start and do not wait for."""

from __future__ import annotations

import os
import signal
import threading
import time

from django_tasks_db.management.commands.db_worker import Worker

from conversations import commands, importing, locks, tasks
from maintenance.tasks import enqueue_waiting

PATIENCE = 1.0  # seconds between two looks, at the queue and at the parent


class Command(commands.Command):
    help = (
        "Do what pages start and do not wait for: imports, and undoing them."
        " `quickstart` runs one beside the web server; elsewhere, run this as a service."
    )
    needs_database = True

    def add_arguments(self, parser):
        parser.add_argument("--once", action="store_true", help="do what waits, then end")
        parser.add_argument(
            "--parent",
            type=int,
            metavar="PID",
            help="end when this parent has ended",
        )

    def handle(self, *, once, parent, **_):
        worker = StoppableWorker(
            queue_names=["default"],
            excluded_queue_names=[],
            interval=PATIENCE,
            batch=once,
            backend_name="default",
            startup_delay=False,
            max_tasks=None,
            worker_id=f"{os.getpid()}",
        )
        worker.configure_signals()
        if parent:
            threading.Thread(target=worker.follow, args=[parent], daemon=True).start()
        with locks.held(tasks.WORKER):
            tasks.enqueue_unfinished()
            enqueue_waiting()
            worker.run()


class StoppableWorker(Worker):
    """A worker that stops between two chunks of an import, not at its end."""

    def shutdown(self, signum, frame) -> None:
        importing.STOP.set()
        super().shutdown(signum, frame)

    def follow(self, parent: int) -> None:
        """Stop when the parent process has ended, however it ended."""
        while os.getppid() == parent:
            time.sleep(PATIENCE)
        if self.running:
            os.kill(os.getpid(), signal.SIGTERM)
