# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Reader-writer locks whose readers and writers are killed: a sum behind each, as for locks."""

from __future__ import annotations

import nativeconc as nc
from nativeconc import shared
from stress.kill_harness import Worker
from stress.kill_scenarios.locks import GivenUpError, Locks


class RWLocks(Locks):
    """shared.RWLock."""

    kind = shared.RWLock

    def visit(self, me: Worker, which: int) -> None:
        rw, rng, account = self.locks[which], me.rng, self.accounts[which]
        way, timeout = rng.randrange(9), rng.choice((None, None, 0, 1e-4, 100))
        wrote = False
        try:
            if way < 3:
                with rw.read(timeout):
                    self.look(me, which)
                    if rng.random() < 0.3:
                        with rw.read():
                            self.look(me, which)
            elif way == 3:
                if not rw.acquire_read(False):
                    return
                self.look(me, which)
                rw.release_read()
            elif way == 4:
                with nc.acquire_all(rw.read(), timeout=100):
                    self.look(me, which)
            elif way == 5:
                with rw.recover() as dead:
                    if dead is not None:
                        self.repair(me, which, dead)
                        return
                    self.inside(me, which)
                    wrote = True
            elif way == 6:
                if not rw.acquire_write(timeout=rng.choice((-1, 1e-4, 100))):
                    return
                self.inside(me, which)
                wrote = True
                rw.downgrade()
                account.look()
                rw.release_read()
            else:
                with rw.write(timeout):
                    self.inside(me, which)
                    wrote = True
                    if rng.random() < 0.2:
                        with rw.read(), rw.write():
                            account.look()
        except nc.OwnerDiedError as error:
            self.recover(me, which, error)
            return
        except (nc.LockTimeout, GivenUpError):
            return
        if wrote:
            account.settle(me)

    def look(self, me: Worker, which: int) -> None:
        """As a reader. With on_owner_death="continue" the sum may be half-done."""
        if self.POLICIES[which] != "continue":
            self.accounts[which].look()
        if which + 1 < len(self.locks) and me.rng.random() < 0.1:
            self.visit(me, which + 1)

    def check(self) -> None:
        self.check_accounts()
        for rw in self.locks:
            assert "unlocked" in repr(rw), rw
            assert rw.stats().waiters == 0
