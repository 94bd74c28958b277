// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Clang's thread-safety annotations, so that `-Wthread-safety` proves which mutex guards what.
// They vanish under other compilers.
#pragma once

#if defined(__clang__)
#define NATIVECONC_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define NATIVECONC_THREAD_ANNOTATION(x)
#endif

#define NATIVECONC_CAPABILITY(name) NATIVECONC_THREAD_ANNOTATION(capability(name))
#define NATIVECONC_SCOPED_CAPABILITY NATIVECONC_THREAD_ANNOTATION(scoped_lockable)
#define NATIVECONC_GUARDED_BY(mutex) NATIVECONC_THREAD_ANNOTATION(guarded_by(mutex))
#define NATIVECONC_REQUIRES(...) NATIVECONC_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define NATIVECONC_ACQUIRE(...) NATIVECONC_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define NATIVECONC_RELEASE(...) NATIVECONC_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
#define NATIVECONC_EXCLUDES(...) NATIVECONC_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
