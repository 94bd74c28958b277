// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What there is to run on, and why there may be nothing.

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>

#include "nativeconc_cuda/abi.h"
#include "nativeconc_cuda/call.hpp"

namespace nativeconc::cuda {
namespace {

// nvcc lists what it compiles for, e.g. 750,900. There is code (or PTX) for every device from the
// oldest of them on.
constexpr int kArchitectures[] = {__CUDA_ARCH_LIST__};
constexpr int kOldestCompute =
    *std::min_element(std::begin(kArchitectures), std::end(kArchitectures)) / 10;

// The process that initialised CUDA; 0: none yet. A child that was forked later cannot use it.
// Relaxed: the number is all there is to see.
std::atomic<pid_t> g_initialised_in{0};

bool forked_after_use() {
  const pid_t process = g_initialised_in.load(std::memory_order_relaxed);
  return process != 0 && process != getpid();
}

bool is_usable(int major, int minor) { return major * 10 + minor >= kOldestCompute; }

[[gnu::format(printf, 2, 3)]] void unavailable(NativeconcCudaState* state, const char* format,
                                               ...) {
  state->code = NATIVECONC_CUDA_UNAVAILABLE;
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(state->message, sizeof state->message, format, arguments);
  va_end(arguments);
}

void explain_no_devices(NativeconcCudaState* state, cudaError_t answer) {
  if (state->driver_version == 0) {
    unavailable(state, "No NVIDIA driver is installed on this machine.");
  } else if (answer == cudaErrorInsufficientDriver) {
    unavailable(state,
                "The NVIDIA driver is too old: it supports CUDA %d.%d, and nativeconc was built "
                "with CUDA %d.%d.",
                state->driver_version / 1000, state->driver_version % 1000 / 10,
                state->library_version / 1000, state->library_version % 1000 / 10);
  } else if (answer == cudaErrorNoDevice || answer == cudaSuccess) {
    unavailable(state, "There is an NVIDIA driver, but no CUDA device is visible to this process.");
  } else if (answer == cudaErrorInitializationError) {
    unavailable(state,
                "CUDA could not be started: either the driver is out of order, or this process was "
                "forked from one that had used CUDA (start it with spawn or forkserver instead).");
  } else {
    unavailable(state, "CUDA could not be started: %s (%s, error %d).", cudaGetErrorString(answer),
                cudaGetErrorName(answer), static_cast<int>(answer));
  }
}

void look_for_devices(NativeconcCudaState* state) {
  const cudaError_t answer = cudaGetDeviceCount(&state->device_count);
  if (answer != cudaSuccess || state->device_count <= 0) {
    cudaGetLastError();
    state->device_count = 0;
    explain_no_devices(state, answer);
    return;
  }
  pid_t none = 0;
  g_initialised_in.compare_exchange_strong(none, getpid(), std::memory_order_relaxed);
  for (int device = 0; device < state->device_count; ++device) {
    int major = 0;
    int minor = 0;
    if (cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device) == cudaSuccess &&
        cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device) == cudaSuccess &&
        is_usable(major, minor)) {
      return;
    }
  }
  cudaGetLastError();
  unavailable(state,
              "The CUDA devices of this machine are too old: nativeconc was built for compute "
              "capability %d.%d and newer.",
              kOldestCompute / 10, kOldestCompute % 10);
}

Code no_such_device(std::int32_t index, const NativeconcCudaState& state,
                    NativeconcCudaError* error) {
  return fail(error, NATIVECONC_CUDA_INVALID, cudaErrorInvalidDevice,
              "There is no CUDA device %d; there are %d, numbered from 0.", index,
              state.device_count);
}

}  // namespace

Code require_device(std::int32_t device, NativeconcCudaError* error) {
  NativeconcCudaState state;
  nativeconc_cuda_state(&state);
  if (state.code != NATIVECONC_CUDA_OK) {
    return fail(error, state.code, cudaSuccess, "%s", state.message);
  }
  if (device < 0 || device >= state.device_count) return no_such_device(device, state, error);
  // Not cudaGetDeviceProperties: that takes longer than a small kernel.
  int major = 0;
  int minor = 0;
  NATIVECONC_CUDA_TRY(
      check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device),
            "asking for the compute capability", error));
  NATIVECONC_CUDA_TRY(
      check(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device),
            "asking for the compute capability", error));
  if (is_usable(major, minor)) return NATIVECONC_CUDA_OK;
  return fail(
      error, NATIVECONC_CUDA_UNAVAILABLE, cudaSuccess,
      "CUDA device %d (compute capability %d.%d) is too old: nativeconc was built for %d.%d "
      "and newer.",
      device, major, minor, kOldestCompute / 10, kOldestCompute % 10);
}

}  // namespace nativeconc::cuda

using namespace nativeconc::cuda;

extern "C" {

int32_t nativeconc_cuda_abi_version(void) { return NATIVECONC_CUDA_ABI_VERSION; }

void nativeconc_cuda_state(NativeconcCudaState* state) {
  std::memset(state, 0, sizeof *state);
  state->library_version = CUDART_VERSION;
  state->oldest_compute = kOldestCompute;
  if (forked_after_use()) {
    unavailable(state,
                "CUDA was used before this process was forked, and does not survive a fork: start "
                "the process with the spawn or forkserver method.");
    return;
  }
  if (cudaDriverGetVersion(&state->driver_version) != cudaSuccess) {
    cudaGetLastError();
    state->driver_version = 0;
  }
  look_for_devices(state);
}

int32_t nativeconc_cuda_device(int32_t index, NativeconcCudaDevice* device,
                               NativeconcCudaError* error) {
  NativeconcCudaState state;
  nativeconc_cuda_state(&state);
  if (state.device_count == 0) {
    return fail(error, NATIVECONC_CUDA_UNAVAILABLE, cudaSuccess, "%s", state.message);
  }
  if (index < 0 || index >= state.device_count) {
    return no_such_device(index, state, error);
  }
  cudaDeviceProp properties;
  NATIVECONC_CUDA_TRY(check(cudaGetDeviceProperties(&properties, index),
                            "asking for the properties of a device", error));
  std::memset(device, 0, sizeof *device);
  device->memory_bytes = static_cast<int64_t>(properties.totalGlobalMem);
  device->index = index;
  device->compute_major = properties.major;
  device->compute_minor = properties.minor;
  device->multiprocessors = properties.multiProcessorCount;
  device->has_memory_pools = properties.memoryPoolsSupported != 0;
  device->usable = is_usable(properties.major, properties.minor) ? 1 : 0;
  std::snprintf(device->name, sizeof device->name, "%s", properties.name);
  return NATIVECONC_CUDA_OK;
}

int32_t nativeconc_cuda_pointer_device(uint64_t pointer, int32_t* device,
                                       NativeconcCudaError* error) {
  NativeconcCudaState state;
  nativeconc_cuda_state(&state);
  if (state.code != NATIVECONC_CUDA_OK) {
    return fail(error, state.code, cudaSuccess, "%s", state.message);
  }
  cudaPointerAttributes attributes{};
  const cudaError_t answer = cudaPointerGetAttributes(
      &attributes, reinterpret_cast<const void*>(static_cast<std::uintptr_t>(pointer)));
  const bool unknown = answer == cudaErrorInvalidValue ||
                       (answer == cudaSuccess && attributes.type == cudaMemoryTypeUnregistered);
  if (unknown) {
    cudaGetLastError();
    return fail(error, NATIVECONC_CUDA_INVALID, cudaErrorInvalidValue,
                "The array interface gives an address that is not CUDA's: %#llx.",
                static_cast<unsigned long long>(pointer));
  }
  NATIVECONC_CUDA_TRY(check(answer, "looking up an address", error));
  *device = attributes.device;
  return NATIVECONC_CUDA_OK;
}

}  // extern "C"
