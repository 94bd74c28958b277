# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Every limit of a system ends in an exception: never in a signal, and nothing stays allocated."""

from __future__ import annotations

import pytest

from python.shared.processes import TESTS, files_with, new_name

PRELUDE = """
    import errno, os, random, resource, signal, sys, threading
    from pathlib import Path
    import numpy as np
    from nativeconc import shared
    from nativeconc.errors import SharedMemoryFull
    from python.shared.confined import *
    from python.shared.processes import descriptors, files_with, mappings

    MIB = 1 << 20
    prefix = sys.argv[1]

    def picture():
        shared.sweep()
        return descriptors(), mappings(), files_with(prefix)

    def lower(limit, value):
        resource.setrlimit(limit, (value, resource.getrlimit(limit)[1]))

    def is_usable():
        # The process goes on as if nothing had been.
        assert shared.full(100, 3.0).sum() == 300
        small = shared.Buffer(100)
        memoryview(small)[:] = b"x" * 100
        assert bytes(small) == b"x" * 100
"""


@pytest.fixture
def run_limited(run_script):
    prefix = new_name("limit")

    def run(source):
        finished = run_script(PRELUDE + source, prefix, timeout=800, env={"PYTHONPATH": str(TESTS)})
        # Where the system lets nobody set this limit; it says why. CI's does.
        if finished.stdout.startswith("skip: "):
            pytest.skip(finished.stdout[6:].strip())
        finished.check("")

    yield run
    assert files_with(prefix) == []


pytestmark = pytest.mark.watchdog(900)


def test_anonymous_memory_does_not_care_how_small_dev_shm_is(run_limited):
    run_limited("""
    need_memory(2048 * MIB)
    own_dev_shm("64m")
    before = picture()
    big = shared.Buffer(1024 * MIB)
    memoryview(big)[-1] = 7
    array = shared.zeros(100 * MIB, dtype=np.uint8)
    array[::4096] = 1
    assert array.sum() == 100 * MIB // 4096
    assert memoryview(big)[-1] == 7
    del big, array
    assert picture() == before
    """)


def test_a_full_dev_shm_is_told_and_left_as_it_was(run_limited):
    run_limited("""
    own_dev_shm("64m")
    before = picture(), os.statvfs("/dev/shm").f_bfree
    for kwargs in {}, {"prefault": True}, {"exist_ok": True}, {"huge_pages": True}:
        for create in shared.Buffer, lambda n, **k: shared.Array(n, np.uint8, **k):
            error = raises(SharedMemoryFull, lambda: create(128 * MIB, name=prefix, **kwargs))
            assert kwargs.get("huge_pages") or "/dev/shm" in str(error), error
            assert (picture(), os.statvfs("/dev/shm").f_bfree) == before
            raises(FileNotFoundError, lambda: shared.attach(prefix))
    arrays = []
    def fill():
        while True:
            i = len(arrays)
            arrays.append(shared.full(5 * MIB, i, dtype=np.uint8, name=f"{prefix}-{i}"))
    raises(SharedMemoryFull, fill)
    assert len(arrays) >= 10
    for i, array in enumerate(arrays):
        assert (array == i).all()
    is_usable()
    del array, arrays[5:]
    arrays.append(shared.full(20 * MIB, 5, dtype=np.uint8, name=f"{prefix}-again"))
    for i, array in enumerate(arrays):
        assert (array == i).all()
    del array, arrays
    assert (picture(), os.statvfs("/dev/shm").f_bfree) == before
    """)


def test_a_readonly_dev_shm_can_be_read(run_limited):
    run_limited("""
    own_dev_shm("64m")
    kept = shared.full(1000, 5, dtype=np.uint8, name=prefix + "-kept")
    make_dev_shm_readonly()
    before = picture()
    for size in 100, 10 * MIB:
        error = raises(OSError, lambda: shared.Buffer(size, name=prefix))
        assert error.errno == errno.EROFS, error
        assert "/dev/shm" in str(error), error
    assert raises(OSError, lambda: shared.attach(prefix + "-kept", "r+")).errno == errno.EROFS
    assert picture() == before
    seen = shared.attach(prefix + "-kept", "r")
    assert (seen == 5).all()
    kept[3] = 6
    assert seen[3] == 6
    assert not seen.flags.writeable
    is_usable()
    del seen
    assert picture() == before
    """)


def test_a_process_without_descriptors_is_told_so(run_limited):
    run_limited("""
    is_usable()
    before = picture()
    lower(resource.RLIMIT_NOFILE, 64)
    for name in None, prefix:
        for _ in range(3):
            kept = []
            def fill():
                while True:
                    i = len(kept)
                    kept.append(shared.Buffer(100_000 + i, name=name and f"{name}-{i}"))
                    memoryview(kept[-1])[:] = bytes([i]) * (100_000 + i)
            error = raises(OSError, fill)
            assert error.errno == errno.EMFILE, error
            assert 20 < len(kept) < 64, len(kept)
            for i, buffer in enumerate(kept):
                assert bytes(buffer) == bytes([i]) * (100_000 + i)
            assert isinstance(raises(OSError, lambda: shared.copy(buffer)), OSError)
            del buffer
            kept.clear()
            assert picture() == before
    is_usable()
    """)


def test_many_small_arrays_take_few_descriptors(run_limited):
    run_limited("""
    lower(resource.RLIMIT_NOFILE, 64)
    before = picture()
    rng = random.Random(1)
    for n in 10_000, 100_000:
        arrays = [shared.Array(2, dtype=np.int64) for _ in range(n)]
        for i, array in enumerate(arrays):
            array[0], array[1] = i, -i
        for i, array in enumerate(arrays):
            assert array[0] == i and array[1] == -i
        rng.shuffle(arrays)
        del arrays[n // 2 :], array
        more = [shared.Array(rng.randrange(2, 9), dtype=np.int64) for _ in range(n // 2)]
        for array in more:
            assert not array.any()
        assert len({int(array[0]) for array in arrays}) == len(arrays)
        for array in arrays:
            assert array[0] == -array[1]
        del arrays, more, array
        assert picture() == before
    """)


def test_too_little_address_space_is_told(run_limited):
    run_limited("""
    is_usable()
    before = picture()
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    lower(resource.RLIMIT_AS, size + 200 * MIB)
    for name in None, prefix:
        for huge_pages in False, True:
            raises(
                (SharedMemoryFull, MemoryError),
                lambda: shared.Buffer(400 * MIB, name=name, huge_pages=huge_pages),
            )
            assert picture() == before
        kept = []
        def fill():
            while True:
                i = len(kept)
                kept.append(shared.Buffer(10 * MIB, name=name and f"{name}-{i}"))
                memoryview(kept[-1])[i] = 1
        raises((SharedMemoryFull, MemoryError), fill)
        assert len(kept) > 5, len(kept)
        if name:  # to read only, each is mapped a second time
            def attach_all():
                again = [shared.attach(f"{name}-{i}", "r") for i in range(len(kept))]
            raises((SharedMemoryFull, MemoryError), attach_all)
        for i, buffer in enumerate(kept):
            assert memoryview(buffer)[i] == 1
        del buffer
        kept.clear()
        assert picture() == before
    lower(resource.RLIMIT_AS, resource.RLIM_INFINITY)
    is_usable()
    """)


def test_a_limit_on_the_size_of_files_is_told(run_limited):
    run_limited("""
    before = picture()
    lower(resource.RLIMIT_FSIZE, MIB)
    for name in None, prefix:
        for size in 2 * MIB, 50 * MIB:
            for huge_pages in False, True:
                error = raises(
                    SharedMemoryFull,
                    lambda: shared.Buffer(size, name=name, huge_pages=huge_pages),
                )
                assert error.errno == errno.EFBIG
                assert picture() == before
        assert shared.Buffer(100_000, name=name).size == 100_000
    is_usable()
    assert picture() == before
    """)


def test_a_limit_of_the_cgroup_is_told_and_nobody_is_killed(run_limited):
    run_limited("""
    need_memory(512 * MIB)
    own_names = shared.Buffer(100, name=prefix + "-0")
    before = picture()
    group = enter_memory_group(64 * MIB)
    try:
        for name in None, prefix:
            for kwargs in {}, {"prefault": True}, {"huge_pages": True}:
                raises(SharedMemoryFull, lambda: shared.Buffer(200 * MIB, name=name, **kwargs))
                raises(SharedMemoryFull, lambda: shared.zeros(200 * MIB, np.uint8, name=name))
            assert picture() == before
            kept = []
            def fill():
                while True:
                    i = len(kept)
                    kept.append(shared.Buffer(4 * MIB, name=name and f"{name}-{i + 1}"))
                    memoryview(kept[-1])[:] = bytes([i]) * (4 * MIB)
            raises(SharedMemoryFull, fill)
            assert 4 <= len(kept) <= 16, len(kept)
            for i, buffer in enumerate(kept):
                assert memoryview(buffer)[0] == memoryview(buffer)[-1] == i
            del buffer
            kept.clear()
            assert picture() == before
        is_usable()
    finally:
        leave_memory_group(group)
    """)


def test_ctrl_c_while_a_big_buffer_is_made_leaves_nothing(run_limited):
    run_limited("""
    import time
    need_memory(1024 * MIB)
    SIZE = 300 * MIB
    rng = random.Random(1)
    start = time.monotonic()
    shared.Buffer(SIZE).close()
    duration = time.monotonic() - start
    before = picture()
    main = threading.main_thread().ident

    def interrupt(delay):
        time.sleep(delay)
        signal.pthread_kill(main, signal.SIGINT)

    ways = [
        lambda: shared.Buffer(SIZE),
        lambda: shared.Buffer(SIZE, name=prefix),
        lambda: shared.Buffer(SIZE, prefault=True),
        lambda: shared.Buffer(SIZE, name=prefix, prefault=True),
        lambda: shared.Array(SIZE, np.uint8, huge_pages=True),
        lambda: shared.zeros(SIZE, np.uint8, name=prefix),
    ]
    interrupted = 0
    i = 0
    while interrupted < 12:
        made = None
        thread = threading.Thread(target=interrupt, args=(rng.random() * duration,))
        try:
            thread.start()
            made = ways[i % len(ways)]()
            while True:  # it comes now, or came before
                time.sleep(0.01)
        except KeyboardInterrupt:
            interrupted += made is None
        thread.join()
        made = None
        assert picture() == before
        i += 1
    is_usable()
    """)
