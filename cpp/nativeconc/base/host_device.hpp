// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Marks the functions that both a CPU kernel and its GPU twin compile.
// A function so marked must be pure arithmetic: no memory, no library calls, no exceptions.
#pragma once

#if defined(__CUDACC__)
#define NATIVECONC_HOST_DEVICE __host__ __device__
#else
#define NATIVECONC_HOST_DEVICE
#endif
