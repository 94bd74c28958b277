// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Runs a check on each SIMD path of this machine and several numbers of threads.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "nativeconc/kernels/simd.hpp"
#include "nativeconc/pool/execution.hpp"

namespace nativeconc::kernels {

template <class Check>
void on_every_path(Check&& check) {
  const SimdPath before = simd_path();
  for (const SimdPath path : {SimdPath::baseline, SimdPath::avx2, SimdPath::avx512}) {
    if (!simd_supported(path)) continue;
    set_simd_path(path);
    for (const int threads : {1, 2, 3, 8, 64}) {
      SCOPED_TRACE(std::string(simd_name(path)) + ", " + std::to_string(threads) + " threads");
      check(pool::Execution{threads});
    }
  }
  set_simd_path(before);
}

// A cancellation that is requested before the run begins.
class AlreadyCancelled {
 public:
  AlreadyCancelled() { cancellation_.request(); }
  pool::Execution execution(int threads) { return {threads, &cancellation_}; }

 private:
  pool::Cancellation cancellation_;
};

}  // namespace nativeconc::kernels
