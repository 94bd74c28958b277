// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The GPU library, opened when it is first asked for. Knows no Python.
//
// Any thread; no locks, so it is still right after fork. Opening may read a disk and initialise
// CUDA's runtime: never call it with the GIL held. Invariant: once open() has succeeded,
// cuda_library() gives the same table for ever. The library is never closed: CUDA leaves threads
// and handlers behind that must not lose their code.
#pragma once

#include <cstddef>

#include "nativeconc_cuda/abi.h"

namespace nativeconc::seam {

// The functions of abi.h.
struct CudaLibrary {
  decltype(&nativeconc_cuda_abi_version) abi_version = nullptr;
  decltype(&nativeconc_cuda_state) state = nullptr;
  decltype(&nativeconc_cuda_device) device = nullptr;
  decltype(&nativeconc_cuda_pointer_device) pointer_device = nullptr;
  decltype(&nativeconc_cuda_sum) sum = nullptr;
  decltype(&nativeconc_cuda_sum_host) sum_host = nullptr;
  decltype(&nativeconc_cuda_mandelbrot) mandelbrot = nullptr;
  decltype(&nativeconc_cuda_mandelbrot_host) mandelbrot_host = nullptr;
};

// Opens the library at `path` and checks that it speaks our ABI version. On failure writes one
// plain sentence to `reason`. The first library that is opened well is the one in use; others are
// only checked.
bool open_cuda_library(const char* path, char* reason, std::size_t reason_size);

// Null before the first successful open.
const CudaLibrary* cuda_library();

}  // namespace nativeconc::seam
