// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// How a wait ended. The core reports `interrupted` and does nothing about signals itself: the seam
// runs Python's handlers and calls again with the same deadline.
#pragma once

namespace nativeconc {

enum class [[nodiscard]] WaitResult {
  acquired,     // the caller now holds what it waited for
  timed_out,    // the deadline passed first; nothing is held
  interrupted,  // a signal arrived first; nothing is held
  owner_died,   // shared scope only: the owner is dead and left the data in doubt
};

}  // namespace nativeconc
