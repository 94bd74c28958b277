/* SPDX-FileCopyrightText: The nativeconc authors */
/* SPDX-License-Identifier: BSD-3-Clause */

/* The C ABI of libnativeconc_cuda.so: all that the rest of nativeconc knows of the GPU.
 *
 * Any thread may call any function, several at once. None of them calls Python, throws, or keeps a
 * pointer that it was given. After a fork of a process that has used the GPU, the child is answered
 * NATIVECONC_CUDA_UNAVAILABLE (CUDA does not survive a fork).
 *
 * Invariants: types are of fixed width and the structs have no hidden padding, so that any compiler
 * lays them out alike; the calling thread's current device is the same after a call as before it;
 * every function that can fail returns a NATIVECONC_CUDA_* code and, if it is not OK, leaves one
 * plain sentence in *error. Change anything here and raise the version: a library of another
 * version is refused when it is opened. */
#ifndef NATIVECONC_CUDA_ABI_H
#define NATIVECONC_CUDA_ABI_H

#include <stdint.h>

#define NATIVECONC_CUDA_ABI_VERSION 1

#define NATIVECONC_CUDA_MAX_DIMS 64
#define NATIVECONC_CUDA_TEXT_LENGTH 256

/* What a function returns. */
#define NATIVECONC_CUDA_OK 0
#define NATIVECONC_CUDA_INVALID 1       /* an argument is wrong; the GPU was not used */
#define NATIVECONC_CUDA_UNAVAILABLE 2   /* there is no GPU that this library can use */
#define NATIVECONC_CUDA_OUT_OF_MEMORY 3 /* of the device's memory */
#define NATIVECONC_CUDA_FAILED 4        /* CUDA reported an error; cuda_code is its number */
#define NATIVECONC_CUDA_CANCELLED 5     /* the poll function asked to stop: output incomplete */

#if defined(__GNUC__)
#define NATIVECONC_CUDA_EXPORT __attribute__((visibility("default")))
#else
#define NATIVECONC_CUDA_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct NativeconcCudaError {
  int32_t cuda_code; /* 0 where CUDA had no part in it */
  char message[NATIVECONC_CUDA_TEXT_LENGTH];
} NativeconcCudaError;

/* Versions are CUDA's own numbers: 13020 is 13.2. */
typedef struct NativeconcCudaState {
  int32_t code;            /* OK: at least one device can be used. Else UNAVAILABLE */
  int32_t driver_version;  /* the newest CUDA that the driver supports; 0: there is no driver */
  int32_t library_version; /* the CUDA that this library was built with */
  int32_t oldest_compute;  /* the oldest compute capability built for: 75 is 7.5 */
  int32_t device_count;    /* usable or not */
  char message[NATIVECONC_CUDA_TEXT_LENGTH]; /* if UNAVAILABLE: why, one sentence */
} NativeconcCudaState;

typedef struct NativeconcCudaDevice {
  int64_t memory_bytes;
  int32_t index;
  int32_t compute_major;
  int32_t compute_minor;
  int32_t multiprocessors;
  int32_t has_memory_pools; /* 0 or 1 */
  int32_t usable;           /* 0: older than what this library was built for */
  char name[NATIVECONC_CUDA_TEXT_LENGTH];
} NativeconcCudaDevice;

/* A strided array in memory that the device can read. Elements lie at multiples of their size. */
typedef struct NativeconcCudaArray {
  const void* data;
  int32_t dtype; /* nativeconc::Dtype: 0 float32, 1 float64, 2 int32, 3 int64 */
  int32_t ndim;
  int64_t shape[NATIVECONC_CUDA_MAX_DIMS];
  int64_t strides[NATIVECONC_CUDA_MAX_DIMS]; /* bytes; zero and negative ones are welcome */
} NativeconcCudaArray;

typedef struct NativeconcCudaFrame {
  double re_lo;
  double re_hi;
  double im_lo;
  double im_hi;
  int64_t width;
  int64_t height;
  int32_t max_iter;
  int32_t reserved; /* 0 */
} NativeconcCudaFrame;

/* Where to run, and after what. Streams are cudaStream_t as numbers, as Python's array interfaces
 * pass them: 1 is the legacy default stream, 2 the per-thread one, 0 in `stream` the legacy one. */
typedef struct NativeconcCudaPlace {
  uint64_t stream;   /* the caller's: the work is put there, and the call does not wait for it */
  uint64_t producer; /* the stream that the input is ready on; 0: it is ready. The work starts after
                        what is in this stream now, and what comes later there waits for the work */
  int32_t device;
  int32_t reserved; /* 0 */
} NativeconcCudaPlace;

/* Called by the thread that made the call, about every 50 ms. Not zero: stop. */
typedef int32_t (*NativeconcCudaPoll)(void* context);

NATIVECONC_CUDA_EXPORT int32_t nativeconc_cuda_abi_version(void);

/* Never fails; creates no context on any device. */
NATIVECONC_CUDA_EXPORT void nativeconc_cuda_state(NativeconcCudaState* state);
NATIVECONC_CUDA_EXPORT int32_t nativeconc_cuda_device(int32_t index, NativeconcCudaDevice* device,
                                                      NativeconcCudaError* error);

/* The device that a pointer belongs to. */
NATIVECONC_CUDA_EXPORT int32_t nativeconc_cuda_pointer_device(uint64_t pointer, int32_t* device,
                                                              NativeconcCudaError* error);

/* The sum of all elements. The result is float for float32, double for float64 and int64_t for both
 * integers; `out` points to device memory of that type. Returns before the work is done. */
NATIVECONC_CUDA_EXPORT int32_t nativeconc_cuda_sum(const NativeconcCudaArray* array,
                                                   const NativeconcCudaPlace* place, void* out,
                                                   NativeconcCudaError* error);

/* The same for `n` adjacent elements in host memory, copied to the device in pieces; `out` is host
 * memory. Returns when the result is there. `poll` may be null. */
NATIVECONC_CUDA_EXPORT int32_t nativeconc_cuda_sum_host(const void* data, int32_t dtype, int64_t n,
                                                        int32_t device, NativeconcCudaPoll poll,
                                                        void* poll_context, void* out,
                                                        NativeconcCudaError* error);

/* Writes height x width step counts, row by row, to device memory. Returns before the work is done.
 */
NATIVECONC_CUDA_EXPORT int32_t nativeconc_cuda_mandelbrot(const NativeconcCudaFrame* frame,
                                                          const NativeconcCudaPlace* place,
                                                          int32_t* out, NativeconcCudaError* error);

/* The same into host memory, band by band; returns when the image is there. `poll` may be null. */
NATIVECONC_CUDA_EXPORT int32_t nativeconc_cuda_mandelbrot_host(const NativeconcCudaFrame* frame,
                                                               int32_t device,
                                                               NativeconcCudaPoll poll,
                                                               void* poll_context, int32_t* out,
                                                               NativeconcCudaError* error);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* NATIVECONC_CUDA_ABI_H */
