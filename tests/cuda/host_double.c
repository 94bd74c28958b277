/* SPDX-FileCopyrightText: The nativeconc authors */
/* SPDX-License-Identifier: BSD-3-Clause */

/* A GPU library without a GPU: it speaks the ABI over host memory and remembers what it was told.
 * With it the tests see what the seam and nativeconc.cuda really pass on. Never part of a build. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "nativeconc_cuda/abi.h"

#ifndef REPORTED_ABI_VERSION
#define REPORTED_ABI_VERSION NATIVECONC_CUDA_ABI_VERSION
#endif

/* Set and read by the tests, through ctypes. */
NATIVECONC_CUDA_EXPORT int64_t double_last[8]; /* device, stream, producer, calls, polls */
NATIVECONC_CUDA_EXPORT int32_t double_waits_ms;
NATIVECONC_CUDA_EXPORT int32_t double_fails_with;
NATIVECONC_CUDA_EXPORT int32_t double_is_there = 1;

static int32_t failed(NativeconcCudaError* error) {
  if (double_fails_with == 0) return 0;
  error->cuda_code = 700;
  snprintf(error->message, sizeof error->message, "told to fail with %d", double_fails_with);
  return double_fails_with;
}

static void remember(const NativeconcCudaPlace* place) {
  double_last[0] = place->device;
  double_last[1] = (int64_t)place->stream;
  double_last[2] = (int64_t)place->producer;
  __atomic_fetch_add(&double_last[3], 1, __ATOMIC_RELAXED);
}

static int32_t wait_and_poll(NativeconcCudaPoll poll, void* context) {
  for (int32_t ms = 0; ms < double_waits_ms; ++ms) {
    struct timespec one = {0, 1000000};
    nanosleep(&one, 0);
    if (poll == 0) continue;
    __atomic_fetch_add(&double_last[4], 1, __ATOMIC_RELAXED);
    if (poll(context) != 0) return NATIVECONC_CUDA_CANCELLED;
  }
  return NATIVECONC_CUDA_OK;
}

int32_t nativeconc_cuda_abi_version(void) { return REPORTED_ABI_VERSION; }

void nativeconc_cuda_state(NativeconcCudaState* state) {
  memset(state, 0, sizeof *state);
  state->driver_version = 13020;
  state->library_version = 13000;
  state->oldest_compute = 75;
  state->device_count = double_is_there ? 2 : 0;
  state->code = double_is_there ? NATIVECONC_CUDA_OK : NATIVECONC_CUDA_UNAVAILABLE;
  if (!double_is_there) strcpy(state->message, "The double was switched off.");
}

int32_t nativeconc_cuda_device(int32_t index, NativeconcCudaDevice* device,
                               NativeconcCudaError* error) {
  if (failed(error)) return double_fails_with;
  memset(device, 0, sizeof *device);
  device->index = index;
  device->compute_major = index == 0 ? 6 : 9;
  device->memory_bytes = 80000000000;
  device->multiprocessors = 132;
  device->has_memory_pools = 1;
  device->usable = index == 1;
  snprintf(device->name, sizeof device->name, "Double %d", index);
  return NATIVECONC_CUDA_OK;
}

int32_t nativeconc_cuda_pointer_device(uint64_t pointer, int32_t* device,
                                       NativeconcCudaError* error) {
  if (failed(error)) return double_fails_with;
  *device = pointer != 0;
  return NATIVECONC_CUDA_OK;
}

static double element(const char* at, int32_t dtype) {
  float f;
  double d;
  int32_t i;
  int64_t l;
  switch (dtype) {
    case 0:
      return memcpy(&f, at, sizeof f), f;
    case 1:
      return memcpy(&d, at, sizeof d), d;
    case 2:
      return memcpy(&i, at, sizeof i), i;
    default:
      return memcpy(&l, at, sizeof l), (double)l;
  }
}

static double sum_axes(const NativeconcCudaArray* array, int32_t axis, const char* at) {
  double total = 0;
  if (axis == array->ndim) return element(at, array->dtype);
  for (int64_t i = 0; i < array->shape[axis]; ++i) {
    total += sum_axes(array, axis + 1, at + i * array->strides[axis]);
  }
  return total;
}

static void write_result(double total, int32_t dtype, void* out) {
  if (dtype == 0) {
    *(float*)out = (float)total;
  } else if (dtype == 1) {
    *(double*)out = total;
  } else {
    *(int64_t*)out = (int64_t)total;
  }
}

int32_t nativeconc_cuda_sum(const NativeconcCudaArray* array, const NativeconcCudaPlace* place,
                            void* out, NativeconcCudaError* error) {
  if (failed(error)) return double_fails_with;
  remember(place);
  write_result(sum_axes(array, 0, array->data), array->dtype, out);
  return wait_and_poll(0, 0);
}

int32_t nativeconc_cuda_sum_host(const void* data, int32_t dtype, int64_t n, int32_t device,
                                 NativeconcCudaPoll poll, void* poll_context, void* out,
                                 NativeconcCudaError* error) {
  NativeconcCudaArray array = {data, dtype, 1, {n}, {dtype % 2 ? 8 : 4}};
  NativeconcCudaPlace place = {0, 0, device, 0};
  if (failed(error)) return double_fails_with;
  remember(&place);
  write_result(sum_axes(&array, 0, data), dtype, out);
  return wait_and_poll(poll, poll_context);
}

static void paint(const NativeconcCudaFrame* frame, int32_t* out) {
  for (int64_t i = 0; i < frame->width * frame->height; ++i) out[i] = (int32_t)i + frame->max_iter;
}

int32_t nativeconc_cuda_mandelbrot(const NativeconcCudaFrame* frame,
                                   const NativeconcCudaPlace* place, int32_t* out,
                                   NativeconcCudaError* error) {
  if (failed(error)) return double_fails_with;
  remember(place);
  paint(frame, out);
  return NATIVECONC_CUDA_OK;
}

int32_t nativeconc_cuda_mandelbrot_host(const NativeconcCudaFrame* frame, int32_t device,
                                        NativeconcCudaPoll poll, void* poll_context, int32_t* out,
                                        NativeconcCudaError* error) {
  NativeconcCudaPlace place = {0, 0, device, 0};
  if (failed(error)) return double_fails_with;
  remember(&place);
  paint(frame, out);
  return wait_and_poll(poll, poll_context);
}
