# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Live detection over real locks: what is found, who gets the error, and what is left alone."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
import warnings

import pytest

import nativeconc as nc
from nativeconc.deadlock import enable, find, held

# Long enough for a thread to begin to wait, and for a grace of zero to pass many times.
A_WHILE = 0.15


def only(errors):
    """The one error that there is."""
    assert len(errors) == 1, errors
    return next(iter(errors.items()))


def check_chain(report, locks):
    """Each party waits for what the next one holds, and all of these are different."""
    parties = report.parties
    assert len(parties) == len(locks)
    for party, following in zip(parties, [*parties[1:], parties[0]], strict=True):
        assert party.fate == "waiting"
        assert party.wants == following.holds
    assert {party.wants.name for party in parties} == {lock.name for lock in locks}
    assert len({party.ident for party in parties}) == len(parties)


# --- rings of owner-enforced locks: certain, and reported at once -----------------------------


@pytest.mark.parametrize("n", [2, 3, 5, 100])
def test_a_ring_of_rlocks_gives_one_error_and_the_others_go_on(ring, n):
    locks = [nc.RLock(name=f"fork {i}") for i in range(n)]
    crew = ring(locks)
    crew.join()
    victim, error = only(crew.errors)
    assert type(error) is nc.DeadlockError
    assert error.report.kind == "cycle"
    assert error.report.certain
    check_chain(error.report, locks)
    by_name = {party.name: party for party in error.report.parties}
    assert set(by_name) == {f"thread {i}" for i in range(n)}
    assert error.report.raised_in == by_name[victim].ident
    for i in range(n):
        party = by_name[f"thread {i}"]
        assert party.holds.name == f"fork {i}"
        assert party.wants.name == f"fork {(i + 1) % n}"
    assert not any(lock.locked() for lock in locks)
    for lock in locks:
        assert lock.acquire(False)
        lock.release()


@pytest.mark.parametrize("policy", ["raise", "warn"])
def test_a_certain_deadlock_raises_whatever_the_policy(ring, reports, policy):
    enable(policy, grace=1000)
    crew = ring([nc.RLock() for _ in range(3)])
    crew.join()
    _, error = only(crew.errors)
    assert reports == [error.report]


@pytest.mark.parametrize("n", [2, 5, 100])
def test_a_ring_of_writers_gives_one_error(ring, n):
    rwlocks = [nc.RWLock(name=f"page {i}") for i in range(n)]

    class Writing:
        def __init__(self, rwlock):
            self.enter, self.name = rwlock.write(), rwlock.name

        def __enter__(self):
            return self.enter.__enter__()

        def __exit__(self, *details):
            return self.enter.__exit__(*details)

    wants = [Writing(rwlock) for rwlock in rwlocks]
    crew = ring(wants, want=lambda w: w.__enter__(), leave=lambda w: w.__exit__(None, None, None))
    crew.join()
    _, error = only(crew.errors)
    check_chain(error.report, rwlocks)
    assert {(p.wants_mode, p.holds_mode) for p in error.report.parties} == {("write", "write")}
    assert all(rwlock.acquire_write(False) for rwlock in rwlocks)


def test_two_readers_that_want_to_write_each_other_s(crew):
    a, b, both = nc.RWLock(name="a"), nc.RWLock(name="b"), threading.Barrier(2)

    def cross(mine, yours):
        with mine.read():
            both.wait()
            with yours.write():
                pass

    crew.start(cross, a, b)
    crew.start(cross, b, a)
    crew.join()
    _, error = only(crew.errors)
    check_chain(error.report, [a, b])
    assert {(p.wants_mode, p.holds_mode) for p in error.report.parties} == {("write", "read")}


def test_a_ring_of_different_kinds_of_locks(crew):
    rlock, rwlock, both = nc.RLock(name="r"), nc.RWLock(name="rw"), threading.Barrier(2)

    def first():
        with rlock:
            both.wait()
            with rwlock.read():
                pass

    def second():
        with rwlock.write():
            both.wait()
            with rlock:
                pass

    crew.start(first)
    crew.start(second)
    crew.join()
    _, error = only(crew.errors)
    check_chain(error.report, [rlock, rwlock])
    modes = {p.wants.name: p.wants_mode for p in error.report.parties}
    assert modes == {"r": "lock", "rw": "read"}


def test_a_write_inside_ones_own_read_is_an_error_at_once():
    config = nc.RWLock(name="config")
    with config.read():
        with pytest.raises(nc.DeadlockError) as caught, config.write():
            pytest.fail("entered")
        with pytest.raises(nc.DeadlockError):
            config.acquire_write(timeout=1000)
        assert config.acquire_write(False) is False
    report = caught.value.report
    assert report.kind == "upgrade"
    (party,) = report.parties
    assert party.name == threading.current_thread().name
    assert (party.wants.name, party.wants_mode, party.holds_mode) == ("config", "write", "read")
    assert party.where.source().startswith("with pytest.raises(nc.DeadlockError) as caught")
    with config.write():
        pass


def test_the_report_shows_where_each_party_waits_and_where_it_took_what_it_holds(ring):
    enable(stacks=True)
    crew = ring([nc.RLock() for _ in range(3)])
    crew.join()
    _, error = only(crew.errors)
    for party in error.report.parties:
        assert party.where.source() == "def run(locks, want=lambda lock: lock.acquire(), " + (
            "leave=lambda lock: lock.release()) -> Crew:"
        )
        assert party.stack[-2].function.endswith("sit_down")
        assert party.stack[-2].source() == "want(following)"
        assert party.took.function.endswith("sit_down")
        assert party.took.source() == "with own:"
    text = str(error)
    assert text.count("taken at") == 3
    assert text.count("want(following)") == 0  # the innermost call is the line
    assert "stacks=True" not in text


def test_without_stacks_the_report_says_how_to_get_them(ring):
    crew = ring([nc.RLock() for _ in range(2)])
    crew.join()
    _, error = only(crew.errors)
    assert all(party.took is None for party in error.report.parties)
    assert "nativeconc.deadlock.enable(stacks=True)" in str(error)


def test_the_same_locks_can_deadlock_again_and_again(crew, reports):
    a, b = nc.RLock(name="a"), nc.RLock(name="b")
    for i in range(1, 51):
        both = threading.Barrier(2)

        def cross(mine, yours, both=both):
            with contextlib.suppress(nc.DeadlockError), mine:
                both.wait()
                with yours:
                    pass

        crew.start(cross, a, b)
        crew.start(cross, b, a)
        crew.join()
        assert len(reports) == i
    assert not crew.errors


def test_two_deadlocks_at_the_same_time_are_two_reports(crew, reports):
    together = threading.Barrier(8)

    def cross(mine, yours):
        with contextlib.suppress(nc.DeadlockError), mine:
            together.wait()
            with yours:
                pass

    for _ in range(4):
        a, b = nc.RLock(), nc.RLock()
        crew.start(cross, a, b)
        crew.start(cross, b, a)
    crew.join()
    assert len(reports) == 4
    assert len({party.ident for report in reports for party in report.parties}) == 8


def test_a_thread_that_waits_for_a_deadlock_is_no_part_of_it(crew, until):
    a, b, c = (nc.RLock(name=name) for name in "abc")
    has_a, has_b, has_c = threading.Event(), threading.Event(), threading.Event()

    def bystander():
        with c:
            has_c.set()
            has_a.wait()
            with a:
                pass

    def first():
        with a:
            has_a.set()
            has_b.wait()
            until(lambda: a.stats().waiters == 1)
            with b:
                pass

    def second():
        with b:
            has_b.set()
            until(lambda: b.stats().waiters == 1)
            with a:
                pass

    crew.start(bystander, name="bystander")
    has_c.wait()
    crew.start(first, name="first")
    crew.start(second, name="second")
    crew.join()
    victim, error = only(crew.errors)
    assert victim in ("first", "second")
    assert {party.name for party in error.report.parties} == {"first", "second"}


def test_the_main_thread_can_be_the_one(crew, until):
    a, b = nc.RLock(name="a"), nc.RLock(name="b")
    ready = threading.Event()

    def other():
        with b:
            ready.set()
            with a:
                pass

    with a:
        crew.start(other)
        ready.wait()
        until(lambda: a.stats().waiters == 1)
        with pytest.raises(nc.DeadlockError), b:
            pytest.fail("entered")
        assert a._is_owned()
    crew.join()
    assert not crew.errors


@pytest.mark.parametrize(
    "enter",
    [
        lambda lock: lock.acquire(),
        lambda lock: lock.__enter__(),
        lambda lock: nc.acquire_all(lock).__enter__(),
    ],
    ids=["acquire", "with", "acquire_all"],
)
def test_the_lock_is_not_held_after_the_error(ring, enter):
    owned = []

    def want(lock):
        try:
            enter(lock)
        except nc.DeadlockError:
            owned.append(lock._is_owned())
            raise

    crew = ring([nc.RLock() for _ in range(2)], want)
    crew.join()
    assert owned == [False]
    assert all(isinstance(error, nc.DeadlockError) for error in crew.errors.values())


# --- plain locks: suspected, and reported after the grace --------------------------------------


def test_plain_locks_raise_after_the_grace_under_policy_raise(ring, reports):
    enable(grace=0.05)
    locks = [nc.Lock(name=f"lock {i}") for i in range(3)]
    crew = ring(locks)
    crew.join()
    _, error = only(crew.errors)
    assert type(error) is nc.DeadlockError
    assert not error.report.certain
    check_chain(error.report, locks)
    assert reports == [error.report]


def test_a_grace_of_zero_is_allowed(ring):
    enable(grace=0)
    crew = ring([nc.Lock() for _ in range(2)])
    crew.join()
    _, error = only(crew.errors)
    assert isinstance(error, nc.DeadlockError)


@pytest.mark.parametrize("kinds", [(nc.Lock, nc.RLock), (nc.RLock, nc.Lock, nc.RLock)])
def test_one_plain_lock_makes_the_whole_cycle_uncertain(ring, kinds):
    enable(grace=0.02)
    crew = ring([kind() for kind in kinds])
    crew.join()
    _, error = only(crew.errors)
    assert not error.report.certain


def test_by_default_plain_locks_give_one_warning_and_the_threads_wait_on(run_script):
    done = run_script(
        """
        import threading, time
        import nativeconc as nc

        a, b, both = nc.Lock(name="a"), nc.Lock(name="b"), threading.Barrier(2)
        nc.deadlock.enable(policy="warn", grace=0.05)

        def cross(mine, yours):
            mine.acquire()
            both.wait()
            yours.acquire()

        threads = [threading.Thread(target=cross, args=args, name=name)
                   for name, args in (("alice", (a, b)), ("bob", (b, a)))]
        for thread in threads:
            thread.start()
        time.sleep(0.6)
        assert all(thread.is_alive() for thread in threads)
        assert len(nc.deadlock.find()) == 1
        a.release()  # any thread may
        threads[1].join()
        b.release()
        threads[0].join()
        print("done")
        """,
        options=("-W", "default"),
    )
    assert done.rc == 0, done.stderr
    assert done.stdout == "done\n"
    assert done.stderr.count("DeadlockWarning: deadlock: 2 threads wait for each other") == 1
    for words in ("thread 'alice'", "thread 'bob'", "waits for Lock 'a'", 'enable(policy="raise")'):
        assert words in done.stderr


def test_a_warning_carries_the_report(ring, until):
    enable("warn", grace=0.02)
    locks = [nc.Lock(name=f"lock {i}") for i in range(2)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        crew = ring(locks, leave=lambda _: None)
        until(lambda: caught)
        locks[0].release()
        crew.join()
    (warning,) = caught
    assert warning.category is nc.DeadlockWarning
    check_chain(warning.message.report, locks)
    assert warning.message.report.raised_in is None


def test_where_warnings_are_errors_a_suspected_deadlock_raises_the_warning(ring):
    enable("warn", grace=0.02)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        crew = ring([nc.Lock() for _ in range(2)])
        crew.join()
    _, error = only(crew.errors)
    assert type(error) is nc.DeadlockWarning
    assert error.report.kind == "cycle"


def test_a_cycle_that_ends_within_the_grace_is_not_reported(ring, reports, until):
    enable(grace=1000)
    locks = [nc.Lock(name=f"lock {i}") for i in range(3)]
    crew = ring(locks, leave=lambda _: None)
    until(find)
    time.sleep(A_WHILE)
    (report,) = find()
    check_chain(report, locks)
    for lock in locks[:-1]:
        lock.release()
    crew.threads[0].join()
    locks[-1].release()
    crew.join()
    assert not reports
    assert not find()


# --- what never counts ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [nc.RLock, nc.Lock])
def test_a_timed_wait_never_counts(crew, reports, kind, until):
    enable(grace=0)
    a, b, both = kind(name="a"), kind(name="b"), threading.Barrier(2)
    entered = []

    def patient():
        with a:
            both.wait()
            with b:
                entered.append("patient")

    def timed():
        with b:
            both.wait()
            until(lambda: b.stats().waiters == 1)
            assert a.acquire(timeout=A_WHILE) is False
            with pytest.raises(nc.LockTimeout), a.timeout(A_WHILE):
                pytest.fail("entered")
            with pytest.raises(nc.LockTimeout), nc.acquire_all(a, timeout=0.01):
                pytest.fail("entered")
            assert not find()

    crew.start(patient)
    crew.start(timed)
    crew.join()
    assert not crew.errors
    assert entered == ["patient"]
    assert not reports


def test_tries_never_count(crew, reports, until):
    a, b, both = nc.RLock(), nc.RLock(), threading.Barrier(2)

    def patient():
        with a:
            both.wait()
            with b:
                pass

    def trier():
        with b:
            both.wait()
            until(lambda: b.stats().waiters == 1)
            for _ in range(1000):
                assert a.acquire(False) is False

    crew.start(patient)
    crew.start(trier)
    crew.join()
    assert not crew.errors
    assert not reports


def test_a_thread_that_waits_on_its_own_plain_lock_is_not_reported(crew, reports):
    # That is how locks serve as signals.
    enable(grace=0)
    signal = nc.Lock()

    def wait_for_signal():
        signal.acquire()
        signal.acquire()

    thread = crew.start(wait_for_signal)
    time.sleep(A_WHILE)
    assert thread.is_alive()
    assert not find()
    signal.release()
    crew.join()
    assert not crew.errors
    assert not reports


def test_waiting_without_a_cycle_is_not_reported(crew, reports):
    enable(grace=0)
    locks = [kind() for kind in (nc.RLock, nc.Lock) for _ in range(3)]
    release = threading.Event()

    def hold_all():
        with contextlib.ExitStack() as stack:
            for lock in locks:
                stack.enter_context(lock)
            release.wait()

    def use(lock):
        with lock:
            pass

    crew.start(hold_all)
    while not all(lock.locked() for lock in locks):
        time.sleep(0.001)
    for lock in locks:
        crew.start(use, lock)
    time.sleep(A_WHILE)
    assert not find()
    release.set()
    crew.join()
    assert not crew.errors
    assert not reports


def test_locks_in_one_order_are_never_reported(crew, reports, scale):
    locks = [nc.RLock() for _ in range(4)]

    def work():
        for _ in range(300 * scale):
            with locks[0], locks[1], locks[2], locks[3]:
                pass
            with locks[1], locks[3]:
                time.sleep(0)

    for _ in range(6):
        crew.start(work)
    crew.join()
    assert not crew.errors
    assert not reports


def test_acquire_all_never_deadlocks_among_the_given(crew, reports, scale):
    enable(grace=0)
    locks = [nc.RLock(), nc.Lock(), nc.RLock(), nc.RWLock()]
    counter = [0]

    def work(given):
        for _ in range(100 * scale):
            with nc.acquire_all(*given):
                seen = counter[0]
                time.sleep(0)
                counter[0] = seen + 1

    for i in range(4):
        crew.start(work, locks[i:] + locks[:i])
        crew.start(work, (locks[i:] + locks[:i])[::-1])
    crew.join()
    assert not crew.errors
    assert counter == [800 * scale]
    assert not reports


# --- owners that are gone ---------------------------------------------------------------------


@pytest.mark.parametrize("stacks", [True, False])
def test_an_owner_that_has_ended_is_found_and_named(crew, stacks):
    enable(stacks=stacks)
    lock = nc.RLock(name="savings")
    crew.start(lock.acquire, name="forgetful")
    crew.join()
    with pytest.raises(nc.DeadlockError, match="its owner thread 'forgetful' has ended") as caught:
        lock.acquire()
    report = caught.value.report
    assert report.kind == "exited"
    assert report.certain
    waiter, owner = report.parties
    assert waiter.name == threading.current_thread().name
    assert waiter.wants.name == "savings"
    assert (owner.name, owner.fate, owner.wants, owner.holds.name) == (
        *("forgetful", "exited", None, "savings"),
    )
    assert (owner.took is not None) == stacks
    assert lock.acquire(False) is False
    assert lock.acquire(timeout=0.01) is False


def test_an_owner_that_ends_while_others_wait_is_found(crew, until):
    lock, leave = nc.RLock(name="savings"), threading.Event()

    def forget():
        lock.acquire()
        leave.wait()

    crew.start(forget, name="forgetful")
    until(lock.locked)
    for i in range(3):
        crew.start(lock.acquire, name=f"waiter {i}")
    until(lambda: lock.stats().waiters == 3)
    leave.set()
    crew.join()
    assert set(crew.errors) == {"waiter 0", "waiter 1", "waiter 2"}
    for error in crew.errors.values():
        assert isinstance(error, nc.DeadlockError)
        assert error.report.parties[1].name == "forgetful"


@pytest.mark.parametrize("mode", ["read", "write"])
def test_an_owner_of_a_reader_writer_lock_that_has_ended_is_found(crew, mode):
    rwlock = nc.RWLock(name="config")
    crew.start(getattr(rwlock, f"acquire_{mode}"), name="forgetful")
    crew.join()
    with pytest.raises(nc.DeadlockError, match="'forgetful' has ended") as caught, rwlock.write():
        pytest.fail("entered")
    assert caught.value.report.parties[1].holds_mode == mode


def test_a_thread_with_the_id_of_an_ended_owner_does_not_own_its_lock():
    # Ids are given out again; ours are not.
    lock, entered = nc.RLock(), []
    owner = threading.Thread(target=lock.acquire)
    owner.start()
    owner.join()

    def enter():
        entered.append(lock.acquire(False))

    for _ in range(50):
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
    assert entered == [False] * 50


# --- conditions -------------------------------------------------------------------------------


def test_taking_a_condition_s_lock_again_can_be_the_deadlock(crew):
    # After its wait the thread wants the lock again, which the other one holds.
    for _ in range(5):
        other = nc.RLock(name="other")
        condition, waiting = nc.Condition(nc.RLock(name="condition")), threading.Event()
        causes = []

        def waiter(other=other, condition=condition, waiting=waiting, causes=causes):
            with other:
                try:
                    with condition:
                        waiting.set()
                        condition.wait(A_WHILE)
                finally:
                    error = sys.exc_info()[1]
                    causes.append(error and error.__context__)

        def taker(other=other, condition=condition, waiting=waiting):
            waiting.wait()
            with condition, other:
                pass

        crew.errors.clear()
        crew.start(waiter, name="waiter")
        crew.start(taker, name="taker")
        crew.join()
        _, error = only(crew.errors)
        # Not a RuntimeError of the `with`, which had nothing to give back.
        assert type(error) is nc.DeadlockError
        assert causes == [None]
        check_chain(error.report, [other, condition._lock])
        with condition, other:
            pass


@pytest.mark.parametrize("depth", [1, 3])
def test_the_cause_stays_visible_however_deep_the_lock_was_held(crew, depth):
    other = nc.RLock(name="other")
    condition, waiting = nc.Condition(), threading.Event()
    left = []

    def waiter():
        with other, contextlib.ExitStack() as stack:
            for _ in range(depth):
                stack.enter_context(condition)
            waiting.set()
            try:
                condition.wait(A_WHILE)
            finally:
                left.append(condition._lock._is_owned())

    def taker():
        waiting.wait()
        with condition:
            # Its wait comes first, so the circle is closed by the one who wakes up.
            other.acquire()
            other.release()

    crew.start(waiter, name="waiter")
    crew.start(taker, name="taker")
    crew.join()
    victim, error = only(crew.errors)
    assert type(error) is nc.DeadlockError
    assert left == [victim != "waiter"]
    with condition, other:
        pass


def test_waiting_for_a_notify_is_no_edge(crew, reports):
    # Anybody may notify, so nobody is waited for.
    enable(grace=0)
    a = nc.RLock()
    condition, waiting = nc.Condition(), threading.Event()

    def waiter():
        with a, condition:
            waiting.set()
            condition.wait()

    crew.start(waiter)
    waiting.wait()
    with condition:
        condition.notify()
    crew.join()
    assert not crew.errors
    assert not reports


# --- find() and held() ------------------------------------------------------------------------


def test_held_tells_who_holds_what(crew):
    enable(stacks=True)
    rlock, lock, rwlock = nc.RLock(name="r"), nc.Lock(name="l"), nc.RWLock(name="rw")
    ready, leave = threading.Event(), threading.Event()

    def hold():
        with rlock, rlock, lock, rwlock.read():
            ready.set()
            leave.wait()

    thread = crew.start(hold, name="holder")
    ready.wait()
    ours = {id(lock) for lock in (rlock, lock, rwlock)}
    found = {hold.label.name: hold for hold in held() if id(hold.lock) in ours}
    leave.set()
    crew.join()
    assert set(found) == {"r", "l", "rw"}
    for hold in found.values():
        assert (hold.ident, hold.name) == (thread.ident, "holder")
        assert hold.took.function.endswith("hold")
        assert "thread 'holder'" in str(hold)
    assert found["rw"].mode == "read"
    assert found["r"].mode == found["l"].mode == "lock"
    assert not [hold for hold in held() if id(hold.lock) in ours]


def test_find_sees_nothing_where_there_is_nothing():
    with nc.RLock(), nc.Lock():
        assert find() == []


def test_a_reported_deadlock_is_none_any_more(ring):
    crew = ring([nc.RLock() for _ in range(3)])
    crew.join()
    assert len(crew.errors) == 1
    assert find() == []


# --- fork, exit, signals ----------------------------------------------------------------------

FORKING = ("-W", "error", "-W", "ignore:This process:DeprecationWarning")


@pytest.mark.parametrize(
    ("make", "hold"),
    [
        ("nc.RLock(name='savings')", "lock.acquire"),
        ("nc.Lock(name='savings')", "lock.acquire"),
        ("nc.RWLock(name='savings')", "lock.acquire_write"),
        ("nc.RWLock(name='savings')", "lock.acquire_read"),
    ],
    ids=["RLock", "Lock", "RWLock-write", "RWLock-read"],
)
def test_after_a_fork_a_lock_of_a_lost_thread_is_an_error_and_no_hang(run_script, make, hold):
    run_script(
        f"""
        import os, threading, time, traceback
        import nativeconc as nc

        lock, ready, leave = {make}, threading.Event(), threading.Event()
        acquire = lock.acquire_write if isinstance(lock, nc.RWLock) else lock.acquire

        def hold():
            {hold}()
            ready.set()
            leave.wait()
            {hold.replace("acquire", "release")}()

        holder = threading.Thread(target=hold, name="holder")
        holder.start()
        ready.wait()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                assert acquire(False) is False
                assert acquire(timeout=0.05) is False
                for _ in range(2):
                    try:
                        acquire()
                    except nc.DeadlockError as error:
                        report = error.report
                        assert report.kind == "lost", report
                        assert report.parties[1].name == "holder", report
                        assert report.parties[1].fate == "lost"
                        assert "'holder' was lost in a fork" in str(error), str(error)
                    else:
                        raise AssertionError("taken")
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        leave.set()
        holder.join()
        acquire()
        print("done")
        """,
        options=FORKING,
    ).check("done\n")


def test_after_a_fork_the_forking_thread_keeps_its_locks_and_deadlocks_are_found(run_script):
    run_script(
        """
        import os, threading, traceback
        import nativeconc as nc

        mine = nc.RLock(name="mine")

        def in_child():
            assert mine._is_owned()
            mine.acquire()
            mine.release()
            other, ready, errors = nc.RLock(name="other"), threading.Event(), []

            def cross():
                try:
                    with other:
                        ready.set()
                        with mine:
                            pass
                except nc.DeadlockError as error:
                    errors.append(error)

            thread = threading.Thread(target=cross)
            thread.start()
            ready.wait()
            try:
                with other:
                    pass
            except nc.DeadlockError as error:
                errors.append(error)
            mine.release()
            thread.join()
            assert len(errors) == 1, errors

        mine.acquire()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                in_child()
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        mine.release()
        print("done")
        """,
        options=FORKING,
    ).check("done\n")


def test_a_deadlock_between_daemons_does_not_disturb_the_exit(run_script):
    for grace in ("0", "0.05", "1000"):
        run_script(
            f"""
            import threading, time
            import nativeconc as nc

            nc.deadlock.enable(grace={grace})
            a, b, both = nc.Lock(), nc.Lock(), threading.Barrier(3)

            def cross(mine, yours):
                with mine:
                    both.wait()
                    try:
                        yours.acquire()
                    except nc.DeadlockError:
                        pass

            for args in ((a, b), (b, a)):
                threading.Thread(target=cross, args=args, daemon=True).start()
            both.wait()
            time.sleep(0.04)
            """
        ).check("")


def test_ctrl_c_ends_a_suspected_deadlock(run_script):
    run_script("""
        import _thread, threading
        import nativeconc as nc

        nc.deadlock.enable(grace=1000)
        a, b, ready = nc.Lock(name="a"), nc.Lock(name="b"), threading.Event()

        def cross():
            with b:
                ready.set()
                with a:
                    pass

        with a:
            thread = threading.Thread(target=cross)
            thread.start()
            ready.wait()
            threading.Timer(0.1, _thread.interrupt_main).start()
            try:
                with b:
                    raise AssertionError("entered")
            except KeyboardInterrupt:
                print("interrupted")
        thread.join()
    """).check("interrupted\n")


def test_a_deadlock_inside_a_signal_handler_s_own_wait_is_found(run_script):
    # The main thread waits for `outer`; meanwhile its handler wants `inner`, whose owner waits for
    # a lock of the main thread.
    run_script("""
        import os, signal, threading, time
        import nativeconc as nc

        mine, inner, outer = (nc.RLock(name=name) for name in ("mine", "inner", "outer"))
        ready, leave, errors = threading.Event(), threading.Event(), []

        def hold_outer():
            with outer:
                ready.set()
                leave.wait()

        def cross():
            with inner:
                crossing.set()
                try:
                    with mine:
                        pass
                except nc.DeadlockError as error:
                    errors.append(error)

        def handler(*_):
            try:
                with inner:
                    pass
            except nc.DeadlockError as error:
                errors.append(error)
            leave.set()

        crossing = threading.Event()
        signal.signal(signal.SIGALRM, handler)
        threads = [threading.Thread(target=hold_outer), threading.Thread(target=cross)]
        with mine:
            for thread in threads:
                thread.start()
            ready.wait()
            crossing.wait()
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with outer:
                pass
        for thread in threads:
            thread.join()
        assert len(errors) == 1, errors
        assert {p.wants.name for p in errors[0].report.parties} == {"mine", "inner"}
        print("done")
    """).check("done\n")
