"""How gunicorn serves the shop on one core: two processes, so that one of them can work while the other collects
garbage, and four threads each, because most of a request is waiting for the database."""

import os
import shutil
import tempfile

bind = f"127.0.0.1:{os.environ['PORT']}"
worker_class = "gthread"
workers = 2
threads = 4
keepalive = 75
graceful_timeout = 4
accesslog = None
control_socket_disable = True

# The workers count in files of this directory, and whoever answers /metrics adds them up. prometheus_client looks at
# the variable when it is imported.
os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="shop-metrics-")


def child_exit(server, worker):
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)


def on_exit(server):
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
