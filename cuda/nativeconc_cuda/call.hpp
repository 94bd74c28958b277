// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What every entry point of the library needs: error text, the device made current and put back,
// streams that belong to one call, and a poll function that is asked at a bounded rate.
//
// Any thread. Destructors call CUDA but never wait for Python; nothing here throws.
// Invariant: whoever gets a code other than OK finds a sentence in the error.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdarg>
#include <cstdint>
#include <cstdio>

#include "nativeconc/base/deadline.hpp"
#include "nativeconc_cuda/abi.h"

namespace nativeconc::cuda {

using Code = std::int32_t;

// Writes the sentence (printf's notation) and passes `code` on. `error` may be null.
[[gnu::format(printf, 4, 5)]] inline Code fail(NativeconcCudaError* error, Code code,
                                               cudaError_t cuda_code, const char* format, ...) {
  if (error == nullptr) return code;
  error->cuda_code = static_cast<std::int32_t>(cuda_code);
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(error->message, sizeof error->message, format, arguments);
  va_end(arguments);
  return code;
}

// Turns the answer of one CUDA call into one of ours. `doing` completes "CUDA failed while ...".
inline Code check(cudaError_t answer, const char* doing, NativeconcCudaError* error) {
  if (answer == cudaSuccess) return NATIVECONC_CUDA_OK;
  cudaGetLastError();  // it is reported here: do not leave it for the next call to find
  if (answer == cudaErrorMemoryAllocation) {
    return fail(error, NATIVECONC_CUDA_OUT_OF_MEMORY, answer,
                "The GPU has too little free memory (while %s).", doing);
  }
  return fail(error, NATIVECONC_CUDA_FAILED, answer, "CUDA failed while %s: %s (%s, error %d).",
              doing, cudaGetErrorString(answer), cudaGetErrorName(answer),
              static_cast<int>(answer));
}

// Leaves the enclosing function with the code of a step that went wrong.
#define NATIVECONC_CUDA_TRY(...)                             \
  do {                                                       \
    const ::nativeconc::cuda::Code try_code = (__VA_ARGS__); \
    if (try_code != NATIVECONC_CUDA_OK) return try_code;     \
  } while (false)

// UNAVAILABLE with its reason, or OK and a device that exists and can run our code.
Code require_device(std::int32_t device, NativeconcCudaError* error);

// Makes a device current for the calling thread, and puts the former one back at the end.
class CurrentDevice {
 public:
  CurrentDevice() = default;
  CurrentDevice(const CurrentDevice&) = delete;
  CurrentDevice& operator=(const CurrentDevice&) = delete;
  ~CurrentDevice() {
    if (former_ >= 0) cudaSetDevice(former_);
  }

  Code enter(int device, NativeconcCudaError* error) {
    int former = -1;
    NATIVECONC_CUDA_TRY(check(cudaGetDevice(&former), "asking for the current device", error));
    NATIVECONC_CUDA_TRY(check(cudaSetDevice(device), "selecting the device", error));
    if (former != device) former_ = former;
    return NATIVECONC_CUDA_OK;
  }

 private:
  int former_ = -1;  // below 0: nothing to put back
};

// A stream of the current device for one call that waits for its own work, apart from everybody's.
class OwnStream {
 public:
  OwnStream() = default;
  OwnStream(const OwnStream&) = delete;
  OwnStream& operator=(const OwnStream&) = delete;
  ~OwnStream() {
    if (stream_ == nullptr) return;
    // A call that gives up half-way must not leave a copy at work on memory that is its caller's.
    cudaStreamSynchronize(stream_);
    cudaStreamDestroy(stream_);
  }

  Code create(NativeconcCudaError* error) {
    return check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "creating a stream",
                 error);
  }
  cudaStream_t get() const { return stream_; }
  Code synchronize(NativeconcCudaError* error) const {
    return check(cudaStreamSynchronize(stream_), "waiting for the GPU", error);
  }

 private:
  cudaStream_t stream_ = nullptr;
};

inline cudaStream_t stream_from(std::uint64_t number) {
  return reinterpret_cast<cudaStream_t>(static_cast<std::uintptr_t>(number));
}

// What is put into `later` from now on starts after what is in `earlier` now. Nobody waits here.
inline Code order_after(cudaStream_t later, cudaStream_t earlier, NativeconcCudaError* error) {
  cudaEvent_t event = nullptr;
  NATIVECONC_CUDA_TRY(
      check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "creating an event", error));
  cudaError_t answer = cudaEventRecord(event, earlier);
  if (answer == cudaSuccess) answer = cudaStreamWaitEvent(later, event, 0);
  cudaEventDestroy(event);  // the driver keeps it until the wait is over
  return check(answer, "ordering two streams", error);
}

// The streams of one asynchronous call: the input's producer before our work, and after it again,
// so that the producer may reuse the memory in its own order.
class StreamOrder {
 public:
  explicit StreamOrder(const NativeconcCudaPlace& place)
      : stream_(stream_from(place.stream)), producer_(stream_from(place.producer)) {
    const std::uint64_t stream = place.stream == 0 ? 1 : place.stream;  // 0 and 1 are the same one
    two_streams_ = place.producer != 0 && place.producer != stream;
  }

  cudaStream_t stream() const { return stream_; }
  Code begin(NativeconcCudaError* error) const {
    return two_streams_ ? order_after(stream_, producer_, error) : NATIVECONC_CUDA_OK;
  }
  Code end(NativeconcCudaError* error) const {
    return two_streams_ ? order_after(producer_, stream_, error) : NATIVECONC_CUDA_OK;
  }

 private:
  cudaStream_t stream_;
  cudaStream_t producer_;
  bool two_streams_ = false;
};

// Asks the caller's poll function whether to stop, at most every 50 ms. Once true, stays true.
class Poller {
 public:
  Poller(NativeconcCudaPoll poll, void* context)
      : poll_(poll), context_(context), next_ns_(monotonic_ns() + kIntervalNs) {}

  bool stop() {
    if (poll_ == nullptr || stop_) return stop_;
    if (monotonic_ns() < next_ns_) return false;
    stop_ = poll_(context_) != 0;
    next_ns_ = monotonic_ns() + kIntervalNs;
    return stop_;
  }

 private:
  static constexpr std::int64_t kIntervalNs = 50'000'000;

  NativeconcCudaPoll poll_;
  void* context_;
  std::int64_t next_ns_;
  bool stop_ = false;
};

}  // namespace nativeconc::cuda
