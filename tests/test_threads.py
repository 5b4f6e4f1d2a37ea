"""The team of threads: nobody writes any more once a call is over."""

import signal
import threading
import time

import pytest

from localnet import config
from localnet.ops.runtime import threads


def test_where_no_thread_can_start_the_caller_works_alone(monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    config.set_num_threads(3)
    monkeypatch.setattr(threads, "_helpers", [])
    monkeypatch.setattr(threads.threading.Thread, "start", refuse)
    here, done = threading.get_ident(), []
    threads.run_all(
        lambda part: done.append((part, threading.get_ident())),
        range(4),
        worthwhile=True,
    )
    assert done == [(part, here) for part in range(4)]
    assert threads._helpers == []


class Interrupting:
    """A queue of tasks during whose every `put` somebody presses Ctrl-C."""

    def __init__(self, queue):
        self.get = queue.get
        self.queue = queue

    def put(self, task):
        self.queue.put(task)
        time.sleep(0.05)  # so that a helper is at work
        signal.raise_signal(signal.SIGINT)


def test_ctrl_c_while_helpers_are_asked_waits_for_them(monkeypatch):
    config.set_num_threads(3)
    monkeypatch.setattr(threads, "_tasks", Interrupting(threads._tasks))
    begun, ended = [], []

    def work(part):
        begun.append(part)
        time.sleep(0.3)
        ended.append(part)

    with pytest.raises(KeyboardInterrupt):
        threads.run_all(work, range(8), worthwhile=True)
    assert begun
    assert sorted(begun) == sorted(ended)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
