// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What a thread writes on the board of waits (shared/wait_board.hpp) for the people of other
// processes: who it is, what it waits for, and in which line. Needs the GIL; runs no Python code of
// its own.
#pragma once

#include "nativeconc/deadlock/want.hpp"
#include "nativeconc/shared/wait_board.hpp"
#include "python.hpp"

namespace nativeconc::seam {

// Of the calling thread, which is about to wait for a lock of its process.
void describe_wait(shared::WaitNotice& notice, const deadlock::Want& want);
// The same for a primitive in shared memory.
void describe_wait(shared::WaitNotice& notice, const shared::SharedWant& want, bool is_timed);

}  // namespace nativeconc::seam
