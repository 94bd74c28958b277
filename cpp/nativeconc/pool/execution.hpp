// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// How a kernel is to be run, and how the run ended. Plain values.
#pragma once

#include "nativeconc/pool/cancellation.hpp"

namespace nativeconc::pool {

struct Execution {
  int threads = 1;                       // 1: the calling thread alone, the pool is not touched
  Cancellation* cancellation = nullptr;  // borrowed; null: the run cannot be stopped
};

enum class [[nodiscard]] Outcome {
  done,
  cancelled,  // the output is incomplete and must be thrown away
};

}  // namespace nativeconc::pool
