// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/simd.hpp"

#include <atomic>
#include <cstdlib>
#include <string>

namespace nativeconc::kernels {
namespace {

constexpr SimdPath kPaths[] = {SimdPath::baseline, SimdPath::avx2, SimdPath::avx512};

SimdPath widest_supported() {
  SimdPath widest = SimdPath::baseline;
  for (const SimdPath path : kPaths) {
    if (simd_supported(path)) widest = path;
  }
  return widest;
}

struct Choice {
  SimdPath path = SimdPath::baseline;
  std::string problem;
};

Choice choose() {
  const char* const wanted = std::getenv("NATIVECONC_SIMD");
  if (wanted == nullptr || *wanted == '\0') return {widest_supported(), {}};
  for (const SimdPath path : kPaths) {
    if (simd_name(path) != std::string(wanted)) continue;
    if (simd_supported(path)) return {path, {}};
    return {SimdPath::baseline,
            std::string("NATIVECONC_SIMD is '") + wanted +
                "', which this machine does not support; the widest it does is '" +
                simd_name(widest_supported()) + "'"};
  }
  return {
      SimdPath::baseline,
      std::string("NATIVECONC_SIMD must be 'baseline', 'avx2' or 'avx512', not '") + wanted + "'"};
}

const Choice& choice() {
  static const Choice made = choose();
  return made;
}

std::atomic<SimdPath>& current() {
  static std::atomic<SimdPath> path{choice().path};
  return path;
}

// Made when the library is loaded: see thread_pool.cpp.
[[maybe_unused]] const std::atomic<SimdPath>& made_early = current();

}  // namespace

const char* simd_name(SimdPath path) {
  switch (path) {
    case SimdPath::avx2:
      return "avx2";
    case SimdPath::avx512:
      return "avx512";
    case SimdPath::baseline:
      break;
  }
  return "baseline";
}

bool simd_supported(SimdPath path) {
  switch (path) {
    case SimdPath::baseline:
      return true;
#if defined(__x86_64__)
    case SimdPath::avx2:
      return __builtin_cpu_supports("avx2") != 0;
    case SimdPath::avx512:
      return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
             __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
#else
    case SimdPath::avx2:
    case SimdPath::avx512:
      return false;
#endif
  }
  return false;
}

// Relaxed: the path guards no other data.
SimdPath simd_path() { return current().load(std::memory_order_relaxed); }

const std::string& simd_problem() { return choice().problem; }

void set_simd_path(SimdPath path) {
  if (simd_supported(path)) current().store(path, std::memory_order_relaxed);
}

}  // namespace nativeconc::kernels
