// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Picks the widest vector instructions of the machine at run time, and stamps a kernel's body once
// for each width.
//
// Any thread, also after fork. The path is chosen on first use and then stays, so a run never mixes
// paths unless a test calls set_simd_path().
// Invariants: every path gives the same bits. Whole files are never compiled for a wider
// instruction set, because the linker might then keep the wide copy of an inline function for
// everybody: only the stamped functions are, and what they call is always inlined.
#pragma once

#include <string>

namespace nativeconc::kernels {

enum class SimdPath {
  baseline,  // what the build targets: x86-64-v2, or NEON on aarch64
  avx2,
  avx512,  // F, BW, DQ and VL
};

const char* simd_name(SimdPath path);
bool simd_supported(SimdPath path);  // by this machine and this build

// The path in use: the widest supported one, or what the environment variable NATIVECONC_SIMD
// names.
SimdPath simd_path();

// Empty, or a sentence on why NATIVECONC_SIMD cannot be honoured. simd_path() is then `baseline`.
const std::string& simd_problem();

// For tests only: switches to a supported path.
void set_simd_path(SimdPath path);

}  // namespace nativeconc::kernels

// NATIVECONC_SIMD_BODY marks what is stamped, and all it calls.
#define NATIVECONC_SIMD_BODY inline __attribute__((always_inline))

#if defined(__x86_64__)
#define NATIVECONC_TARGET_AVX2 __attribute__((target("avx2")))
#define NATIVECONC_TARGET_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#else
#define NATIVECONC_TARGET_AVX2
#define NATIVECONC_TARGET_AVX512
#endif

// Given a body `template <int kBytes, ...> void BODY(parameters)` for vectors of kBytes bytes,
// defines `void name parameters`, which runs the body on the current path. May follow `template
// <class T>` inside a struct.
#define NATIVECONC_SIMD_STRUCT(name, body, parameters, arguments)                  \
  struct name {                                                                    \
    static void baseline parameters { body<16> arguments; }                        \
    NATIVECONC_TARGET_AVX2 static void avx2 parameters { body<32> arguments; }     \
    NATIVECONC_TARGET_AVX512 static void avx512 parameters { body<64> arguments; } \
    static void run parameters {                                                   \
      switch (::nativeconc::kernels::simd_path()) {                                \
        case ::nativeconc::kernels::SimdPath::avx512:                              \
          return avx512 arguments;                                                 \
        case ::nativeconc::kernels::SimdPath::avx2:                                \
          return avx2 arguments;                                                   \
        case ::nativeconc::kernels::SimdPath::baseline:                            \
          break;                                                                   \
      }                                                                            \
      baseline arguments;                                                          \
    }                                                                              \
  }
