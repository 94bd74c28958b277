# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Signals at random moments of every entry and every wait: nothing is left held, nothing is lost.

The handler raises, or waits itself, or returns. All of it in child processes.
"""

from __future__ import annotations

import pytest

# What is interrupted, and what must hold once it has been.
ENTRIES = {
    "RLock": ("rlock = nc.RLock()", "with rlock: pass", "not rlock.locked()"),
    "RLock nested": (
        "rlock = nc.RLock()",
        "with rlock:\n        with rlock.timeout(1000): pass",
        "not rlock.locked()",
    ),
    "read": ("rw = nc.RWLock()", "with rw.read(): pass", "'unlocked' in repr(rw)"),
    "write": ("rw = nc.RWLock()", "with rw.write(): pass", "'unlocked' in repr(rw)"),
    "timed read and write": (
        "rw = nc.RWLock()",
        "with rw.write(timeout=1000):\n        with rw.read(timeout=1000): pass",
        "'unlocked' in repr(rw)",
    ),
    "acquire_all": (
        "a, b, rw = nc.Lock(), nc.RLock(), nc.RWLock()",
        "with nc.acquire_all(a, rw.read(), b, timeout=1000): pass",
        "not a.locked() and not b.locked() and 'unlocked' in repr(rw)",
    ),
    "Condition": (
        "condition = nc.Condition()",
        "with condition: pass",
        "not condition._lock.locked()",
    ),
    "Condition.wait": (
        "condition = nc.Condition()",
        "with condition: condition.wait()",
        "not condition._lock.locked() and repr(condition).endswith(', 0)>')",
    ),
    "Condition.wait nested": (
        "condition = nc.Condition()",
        "with condition:\n        with condition: condition.wait(1000)",
        "not condition._lock.locked() and repr(condition).endswith(', 0)>')",
    ),
    "Condition.wait over a Lock": (
        "condition = nc.Condition(nc.Lock())",
        "with condition: condition.wait()",
        "not condition._lock.locked() and repr(condition).endswith(', 0)>')",
    ),
    "Event.wait": ("event = nc.Event()", "event.wait()", "event.stats().waiters == 0"),
    "Barrier.wait": (
        "barrier = nc.Barrier(3)",
        "barrier.wait()",
        "barrier.n_waiting == 0 and not barrier.broken",
    ),
}
HANDLERS = {
    "raises": "raise Interruption",
    "waits, then raises": """
        with inner.timeout(1000):
            pass
        never.wait(1e-4)
        raise Interruption
""",
}
STORM = """
import random, signal, threading, time
import nativeconc as nc

class Interruption(Exception):
    pass

inner, never = nc.RLock(), nc.Event()

def interrupt(*_):
    if armed:
        {handler}

armed = False
signal.signal(signal.SIGALRM, interrupt)
rng = random.Random(1)
{setup}
for i in range({n}):
    try:
        armed = True
        signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-6, 2e-4), 2e-3)
        while True:
            {entry}
    except Interruption:
        pass
    armed = False
    signal.setitimer(signal.ITIMER_REAL, 0)
    assert {check}, i
print("whole")
"""


def storm(name: str, handler: str, n: int) -> str:
    setup, entry, check = ENTRIES[name]
    return STORM.format(
        handler=HANDLERS[handler].strip(),
        setup=setup,
        entry=entry.replace("\n    ", "\n            "),
        check=check,
        n=n,
    )


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("name", ENTRIES)
def test_interruptions_leave_nothing_held(run_script, scale, name: str, handler: str) -> None:
    script = storm(name, handler, 1000 * scale)
    run_script(script, timeout=60 * scale).check("whole\n")


COMPETED = """
import random, signal, threading, time
import nativeconc as nc

class Interruption(Exception):
    pass

def interrupt(*_):
    if armed and rng.random() < 0.5:
        raise Interruption

armed, stop = False, False
signal.signal(signal.SIGALRM, interrupt)
rng = random.Random(1)
lock, rlock, rw, condition = nc.Lock(), nc.RLock(), nc.RWLock(), nc.Condition()

def compete(seed):
    own = random.Random(seed)
    while not stop:
        way = own.randrange(6)
        if way == 0:
            with rw.read(): time.sleep(0)
        elif way == 1:
            with rw.write(): time.sleep(1e-5)
        elif way == 2:
            with rlock: time.sleep(1e-5)
        elif way == 3:
            with nc.acquire_all(rw, lock, rlock): time.sleep(0)
        elif way == 4:
            with condition: condition.notify_all()
        else:
            with condition: condition.wait(1e-4)

threads = [threading.Thread(target=compete, args=(i,)) for i in range(4)]
for thread in threads:
    thread.start()
signal.setitimer(signal.ITIMER_REAL, 1e-4, 3e-4)
interrupted = 0
while interrupted < {n}:
    try:
        armed = True
        while True:
            with rw.read(): pass
            with rw.write(): pass
            with rlock: pass
            with nc.acquire_all(lock, rw.read(), rlock): pass
            with condition: condition.wait(1e-3)
    except Interruption:
        interrupted += 1
    armed = False
signal.setitimer(signal.ITIMER_REAL, 0)
stop = True
for thread in threads:
    thread.join()
assert not lock.locked() and not rlock.locked() and not condition._lock.locked()
assert "unlocked" in repr(rw), rw
with nc.acquire_all(lock, rlock, rw, condition, timeout=0): pass
print("whole")
"""


@pytest.mark.watchdog(3600)
def test_interruptions_among_competitors_leave_nothing_held(run_script, scale) -> None:
    run_script(COMPETED.format(n=300 * scale), timeout=120 * scale).check("whole\n")


CTRL_C = {
    "rlock.acquire()": "held",
    "with rlock.timeout(1000): pass": "held",
    "with rw.read(): pass": "held",
    "with rw.write(timeout=1000): pass": "held",
    "rw.acquire_write()": "held",
    "with nc.acquire_all(free, rlock): pass": "held",
    "with condition: condition.wait()": "free",
    "with condition: condition.wait_for(lambda: False)": "free",
    "event.wait()": "free",
    "barrier.wait()": "free",
}


@pytest.mark.parametrize("wait", CTRL_C)
@pytest.mark.parametrize(
    "sender", ["os.kill(os.getpid(), signal.SIGINT)", "signal.raise_signal(signal.SIGINT)"]
)
def test_ctrl_c_ends_every_wait(run_script, wait: str, sender: str) -> None:
    run_script(f"""
        import os, signal, threading, time
        import nativeconc as nc

        free, rlock, rw, condition = nc.Lock(), nc.RLock(), nc.RWLock(), nc.Condition()
        event, barrier, hold, done = nc.Event(), nc.Barrier(2), nc.Event(), nc.Event()

        def holder():
            with rlock, rw.write():
                hold.set()
                done.wait()

        thread = threading.Thread(target=holder)
        thread.start()
        hold.wait()

        def interrupt():
            while not any(p.stats().waiters for p in (rlock, rw, condition, event, barrier)):
                time.sleep(0.001)
            time.sleep(0.02)  # from being counted to being asleep
            {sender}

        sender = threading.Thread(target=interrupt)
        sender.start()
        try:
            {wait}
        except KeyboardInterrupt:
            print("interrupted")
        sender.join()
        done.set()
        thread.join()
        assert not free.locked() and not rlock.locked() and not condition._lock.locked()
        assert "unlocked" in repr(rw) and barrier.n_waiting == 0
    """).check("interrupted\n")


def test_an_interrupted_waiter_passes_its_notify_on(run_script) -> None:
    # The notify reaches the main thread in the same moment as the signal; the other waiter gets it.
    run_script("""
        import os, signal, threading, time
        import nativeconc as nc

        class Interruption(Exception):
            pass

        def interrupt(*_):
            with condition:
                condition.notify()
            raise Interruption

        condition, got = nc.Condition(), []
        signal.signal(signal.SIGALRM, interrupt)

        def other():
            with condition:
                got.append(condition.wait(30))

        thread = threading.Thread(target=other)

        def wait_for_waiters(n):
            while condition.stats().waiters < n:
                time.sleep(0.001)

        def act():
            wait_for_waiters(1)  # the main thread, which is the first that a notify reaches
            thread.start()
            wait_for_waiters(2)
            os.kill(os.getpid(), signal.SIGALRM)

        with condition:
            actor = threading.Thread(target=act)
            actor.start()
            try:
                condition.wait()
            except Interruption:
                got.append("interrupted")
        actor.join()
        thread.join()
        print(sorted(map(str, got)))
    """).check("['True', 'interrupted']\n")
