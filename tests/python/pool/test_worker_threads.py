# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""When the pool's threads exist, and that they disturb nobody. In child processes of their own."""

from __future__ import annotations

import pytest

# NumPy's BLAS would start threads of its own.
QUIET = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

PRELUDE = """
    import os, signal, sys, threading, time
    import nativeconc as nc
    from nativeconc import kernels

    N, PRIMES = 50_000_000, 3_001_134

    def compute(threads=3):
        assert kernels.count_primes(N, threads=threads, gil="release") == PRIMES

    def tasks():
        # The system's names and signal masks of this process's threads.
        found = []
        for task in os.listdir("/proc/self/task"):
            try:
                with open(f"/proc/self/task/{task}/status") as file:
                    status = dict(line.split(":", 1) for line in file)
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended since
            found.append((status["Name"].strip(), int(status["SigBlk"], 16)))
        return found

    def workers():
        return [mask for name, mask in tasks() if name == "nativeconc"]

    def in_fork(body):
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                body()
                status = 0
            except BaseException:
                import traceback
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
"""


@pytest.fixture
def run_pooled(run_script):
    def run(source, **options):
        return run_script(PRELUDE + source, env=QUIET, **options)

    return run


def test_importing_starts_no_thread(run_script):
    run_script(
        """
        import os
        import nativeconc as nc
        with nc.Lock():
            pass
        nc.get_num_threads()
        with nc.num_threads(2):
            pass
        print(len(os.listdir("/proc/self/task")))
        """,
        env=QUIET,
    ).check("1\n")


def test_threads_start_with_the_first_kernel_that_wants_them_and_stay(run_pooled):
    run_pooled("""
    compute(threads=1)
    assert len(tasks()) == 1
    with nc.num_threads(1):
        compute(threads=None)
    assert len(tasks()) == 1
    compute(threads=3)
    assert len(workers()) == 2  # the caller is the third
    compute(threads=2)
    compute(threads=3)
    assert len(workers()) == 2
    compute(threads=5)
    assert len(workers()) == 4
    with nc.num_threads(6):
        compute(threads=None)
    assert len(workers()) == 5
    """).check("")


def test_workers_block_all_signals_but_faults(run_pooled):
    run_pooled("""
    compute()
    # Faults stay open: so faulthandler, or a core dump, tells of a crash.
    faults = {getattr(signal, "SIG" + name) for name in "SEGV BUS FPE ILL TRAP ABRT".split()}
    sent = 0
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP} - faults:
        sent |= 1 << (number - 1)
    assert len(workers()) == 2
    # The C library starts a thread with all signals blocked; the thread itself opens the faults.
    while any(mask >> (fault - 1) & 1 for mask in workers() for fault in faults):
        time.sleep(0.001)
    for mask in workers():
        assert mask & sent == sent, hex(mask)
    # And the calling thread's mask is as it was.
    assert [mask for name, mask in tasks() if name != "nativeconc"] == [0]
    """).check("")


def test_sigwait_gets_its_signals_beside_a_pool(run_pooled):
    run_pooled("""
    compute()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    for _ in range(20):
        os.kill(os.getpid(), signal.SIGUSR1)
        assert signal.sigwait({signal.SIGUSR1}) == signal.SIGUSR1
    """).check("")


def test_an_idle_pool_stops_before_a_fork_so_that_nothing_warns(run_pooled):
    # 3.12 and later warn when a process with several threads forks; here that is an error.
    run_pooled("""
    compute()
    assert len(workers()) == 2

    def child():
        assert len(tasks()) == 1
        compute()
        assert len(workers()) == 2
        in_fork(compute)

    for _ in range(3):
        in_fork(child)
        assert len(workers()) == 0
        compute()
        assert len(workers()) == 2
    """).check("")


def test_a_fork_beside_a_busy_pool_leaves_both_processes_whole(run_pooled):
    run_pooled(
        """
    stop, done = False, []

    def keep_busy():
        while not stop:
            compute()
            done.append(None)

    threads = [threading.Thread(target=keep_busy) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        time.sleep(0.02)
        in_fork(compute)
    before = len(done)
    while len(done) < before + 4:
        time.sleep(0.001)
    stop = True
    for thread in threads:
        thread.join()
    compute()
    """,
        options=("-W", "error", "-W", "ignore:This process:DeprecationWarning"),
    ).check("")


def test_multiprocessing_by_fork_after_a_kernel(run_pooled):
    run_pooled("""
    import multiprocessing

    compute()
    with multiprocessing.get_context("fork").Pool(2) as pool:
        counts = pool.starmap(kernels.count_primes, [(N,)] * 4)
    assert counts == [PRIMES] * 4
    """).check("")


def test_concurrent_callers_share_the_workers(run_pooled):
    run_pooled("""
    threads = [threading.Thread(target=compute) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(workers()) == 2
    """).check("")


@pytest.mark.parametrize("ending", ["", "sys.exit(0)", "threading.Thread(target=compute).start()"])
def test_exits_cleanly_with_an_idle_pool(run_pooled, ending):
    run_pooled(f"""
    compute()
    {ending}
    """).check("")


def test_a_kernel_at_exit_works(run_pooled):
    # Registered before and after ours: it runs once the pool has been stopped, and while it lives.
    run_pooled("""
    import atexit
    atexit.register(compute)
    compute()
    """).check("")


def test_exits_cleanly_while_daemon_threads_compute(run_pooled, scale):
    for _ in range(3 * scale):
        run_pooled("""
    def keep_busy():
        while True:
            compute()

    for _ in range(3):
        threading.Thread(target=keep_busy, daemon=True).start()
    time.sleep(0.05)
    """).check("")
