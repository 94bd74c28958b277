// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Device memory for the length of one call, in the order of a stream.
//
// Any thread. Memory comes from a pool of our own on each device, so that the process' default pool
// keeps its settings; the pool keeps a little between calls, because asking the driver anew costs
// more than a small kernel. Devices without pools get plain allocations.
//
// Invariant: what was allocated is given back on every path, after the work in its stream.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

#include "nativeconc_cuda/call.hpp"

namespace nativeconc::cuda {

class DeviceMemory {
 public:
  DeviceMemory() = default;
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;
  ~DeviceMemory();

  // Once per object. `device` is current; the stream outlives the object. Aligned to 256 bytes.
  Code allocate(std::size_t bytes, int device, cudaStream_t stream, NativeconcCudaError* error);

  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_ = nullptr;
  cudaStream_t stream_ = nullptr;
  bool from_pool_ = false;
};

}  // namespace nativeconc::cuda
