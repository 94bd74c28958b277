// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// kernels.sum on the GPU: blocks of a fixed length, each summed by cub::BlockReduce, then the sums
// of the blocks in the same way. cub::DeviceReduce would cut the work by the number of
// multiprocessors and by how the loads are made, so that its bits change with the device and the
// stride; here they depend on the values alone.
//
// float32 and float64 are summed in double, integers in 64 bits modulo 2^64, as numpy.sum does. A
// thread adds at most 16 terms in a row, the rest are trees: at least as accurate as pairwise.

#include <algorithm>
#include <cstdint>
#include <cub/block/block_reduce.cuh>
#include <type_traits>

#include "nativeconc/base/dtype.hpp"
#include "nativeconc_cuda/abi.h"
#include "nativeconc_cuda/call.hpp"
#include "nativeconc_cuda/memory.hpp"
#include "nativeconc_cuda/sum_layout.hpp"

namespace nativeconc::cuda {
namespace {

constexpr int kThreads = 256;
// A host array travels in pieces of this size: a whole number of blocks of every dtype, and small
// enough that signals are looked for every few milliseconds.
constexpr std::int64_t kPieceBytes = std::int64_t{64} << 20;

// What 16 bytes in a row are to the compiler, per element type: one load.
template <class T>
struct Quad;
template <>
struct Quad<float> {
  using Type = float4;
};
template <>
struct Quad<double> {
  using Type = double2;
};
template <>
struct Quad<std::int32_t> {
  using Type = int4;
};
template <>
struct Quad<std::int64_t> {
  using Type = longlong2;
};
template <>
struct Quad<std::uint64_t> {
  using Type = ulonglong2;
};

// Unsigned, because the sum of signed ones may not wrap in C++.
template <class T>
using Accumulator = std::conditional_t<std::is_floating_point_v<T>, double, std::uint64_t>;

// -0.0 leaves every number as it is, itself included; 0.0 would lose the sign of a sum of -0.0.
template <class Sum>
__device__ constexpr Sum identity() {
  if constexpr (std::is_same_v<Sum, double>) {
    return -0.0;
  } else {
    return 0;
  }
}

// The ways to reach element number i. kAhead: how many packs a thread loads before it adds the
// first. More hide the memory's latency better; with strides they cost compile time and code for
// nothing, because there the sectors fetched in vain are the limit.
template <class T>
struct Contiguous {
  using Element = T;
  static constexpr int kAhead = 8;
  const T* data;
  bool aligned;  // to 16 bytes

  __device__ T operator[](std::int64_t i) const { return data[i]; }
};

template <class T, class Index>
struct Strided {
  using Element = T;
  static constexpr int kAhead = 2;
  const char* data;
  SumWalk walk;

  __device__ T operator[](std::int64_t i) const {
    return *reinterpret_cast<const T*>(data + sum_offset<Index>(walk, static_cast<Index>(i)));
  }
};

template <class T>
__device__ void load_pack(const Contiguous<T>& source, std::int64_t first,
                          T (&pack)[16 / sizeof(T)]) {
  constexpr int kWidth = 16 / sizeof(T);
  if (source.aligned) {
    const auto quad = *reinterpret_cast<const typename Quad<T>::Type*>(source.data + first);
    pack[0] = quad.x;
    pack[1] = quad.y;
    if constexpr (kWidth == 4) {
      pack[2] = quad.z;
      pack[3] = quad.w;
    }
  } else {
#pragma unroll
    for (int k = 0; k < kWidth; ++k) pack[k] = source[first + k];
  }
}

template <class T, class Index>
__device__ void load_pack(const Strided<T, Index>& source, std::int64_t first,
                          T (&pack)[16 / sizeof(T)]) {
#pragma unroll
  for (int k = 0; k < static_cast<int>(16 / sizeof(T)); ++k) pack[k] = source[first + k];
}

// As the CPU's sum ends: a zero comes out positive, and there is one NaN.
__device__ double finished(double total) {
  return total == total ? total + 0.0 : __longlong_as_double(0x7ff8'0000'0000'0000);
}
__device__ std::uint64_t finished(std::uint64_t total) { return total; }

// Block b sums elements [b * kSumBlockLength, ...). Its threads take packs of 16 bytes in turn, and
// keep one sum for each place in a pack. If `result` is given there is one block, and the sum is
// the result; else it goes to partials[b].
template <class Source, class Sum, class Result>
__global__ void __launch_bounds__(kThreads, 4)
    sum_blocks(const Source source, std::int64_t n, Sum* partials, Result* result) {
  using T = typename Source::Element;
  constexpr int kWidth = 16 / sizeof(T);
  constexpr int kRounds = static_cast<int>(kSumBlockLength / (kThreads * kWidth));
  static_assert(kRounds * kThreads * kWidth == kSumBlockLength);
  using BlockReduce = cub::BlockReduce<Sum, kThreads, cub::BLOCK_REDUCE_WARP_REDUCTIONS>;
  __shared__ typename BlockReduce::TempStorage shared;

  const std::int64_t begin = static_cast<std::int64_t>(blockIdx.x) * kSumBlockLength;
  const std::int64_t mine = begin + static_cast<std::int64_t>(threadIdx.x) * kWidth;
  Sum sums[kWidth];
#pragma unroll
  for (int k = 0; k < kWidth; ++k) sums[k] = identity<Sum>();

  if (n - begin >= kSumBlockLength) {
#pragma unroll(Source::kAhead)
    for (int round = 0; round < kRounds; ++round) {
      T pack[kWidth];
      load_pack(source, mine + static_cast<std::int64_t>(round) * kThreads * kWidth, pack);
#pragma unroll
      for (int k = 0; k < kWidth; ++k) sums[k] += static_cast<Sum>(pack[k]);
    }
  } else {
    // The last block. Every load is made, past the end once more of the last element: loads that
    // wait for no condition are in flight together.
#pragma unroll(Source::kAhead)
    for (int round = 0; round < kRounds; ++round) {
      const std::int64_t first = mine + static_cast<std::int64_t>(round) * kThreads * kWidth;
#pragma unroll
      for (int k = 0; k < kWidth; ++k) {
        const bool inside = first + k < n;
        const T element = source[inside ? first + k : n - 1];
        sums[k] += inside ? static_cast<Sum>(element) : identity<Sum>();
      }
    }
  }
#pragma unroll
  for (int half = kWidth / 2; half > 0; half /= 2) {
#pragma unroll
    for (int k = 0; k < half; ++k) sums[k] += sums[k + half];
  }
  const Sum total = BlockReduce(shared).Sum(sums[0]);
  if (threadIdx.x == 0) {
    if (result != nullptr) {
      *result = static_cast<Result>(finished(total));
    } else {
      partials[blockIdx.x] = total;
    }
  }
}

template <class Source, class Sum, class Result>
Code launch(const Source& source, std::int64_t n, Sum* partials, Result* result,
            cudaStream_t stream, NativeconcCudaError* error) {
  const unsigned blocks = static_cast<unsigned>(sum_block_count(n));
  sum_blocks<Source, Sum, Result><<<blocks, kThreads, 0, stream>>>(source, n, partials, result);
  return check(cudaGetLastError(), "starting the sum", error);
}

template <class T>
Contiguous<T> contiguous(const T* data) {
  return {data, reinterpret_cast<std::uintptr_t>(data) % 16 == 0};
}

// From the sums of the first level's blocks, which lie at `partials`, to the result.
template <class Sum, class Result>
Code sum_partials(Sum* partials, std::int64_t n_blocks, Result* result, cudaStream_t stream,
                  NativeconcCudaError* error) {
  while (n_blocks > 1) {
    Sum* const next = partials + sum_level_size(n_blocks);
    const std::int64_t n_next = sum_block_count(n_blocks);
    NATIVECONC_CUDA_TRY(launch(contiguous<Sum>(partials), n_blocks, next,
                               n_next == 1 ? result : nullptr, stream, error));
    partials = next;
    n_blocks = n_next;
  }
  return NATIVECONC_CUDA_OK;
}

template <class Source, class Result>
Code sum_source(const Source& source, std::int64_t n, int device, cudaStream_t stream,
                Result* result, NativeconcCudaError* error) {
  using Sum = Accumulator<typename Source::Element>;
  const std::int64_t n_blocks = sum_block_count(n);
  if (n_blocks == 1) return launch<Source, Sum>(source, n, nullptr, result, stream, error);
  DeviceMemory partials;
  const std::size_t bytes = static_cast<std::size_t>(sum_partials_size(n)) * sizeof(Sum);
  NATIVECONC_CUDA_TRY(partials.allocate(bytes, device, stream, error));
  NATIVECONC_CUDA_TRY(
      launch<Source, Sum, Result>(source, n, partials.as<Sum>(), nullptr, stream, error));
  return sum_partials(partials.as<Sum>(), n_blocks, result, stream, error);
}

template <class T, class Result>
Code sum_array(const NativeconcCudaArray& array, std::int64_t n, int device, cudaStream_t stream,
               Result* result, NativeconcCudaError* error) {
  if (n == 0) {
    return check(cudaMemsetAsync(result, 0, sizeof(Result), stream), "writing a zero", error);
  }
  const SumWalk walk = sum_walk(array);
  if (sum_is_contiguous(walk, sizeof(T))) {
    return sum_source(contiguous(static_cast<const T*>(array.data)), n, device, stream, result,
                      error);
  }
  const char* const data = static_cast<const char*>(array.data);
  if (n <= 0xffffffff) {
    return sum_source(Strided<T, std::uint32_t>{data, walk}, n, device, stream, result, error);
  }
  return sum_source(Strided<T, std::uint64_t>{data, walk}, n, device, stream, result, error);
}

template <class T, class Result>
Code sum_host(const T* data, std::int64_t n, int device, Poller poller, Result* out,
              NativeconcCudaError* error) {
  using Sum = Accumulator<T>;
  constexpr std::int64_t kPiece = kPieceBytes / static_cast<std::int64_t>(sizeof(T));
  static_assert(kPiece % kSumBlockLength == 0);
  if (n == 0) {
    *out = 0;
    return NATIVECONC_CUDA_OK;
  }
  OwnStream stream;
  NATIVECONC_CUDA_TRY(stream.create(error));
  DeviceMemory piece;
  DeviceMemory partials;
  DeviceMemory result;
  const std::int64_t n_blocks = sum_block_count(n);
  const std::size_t piece_bytes = static_cast<std::size_t>(std::min(n, kPiece)) * sizeof(T);
  const std::size_t partial_bytes =
      static_cast<std::size_t>(std::max<std::int64_t>(sum_partials_size(n), 1)) * sizeof(Sum);
  NATIVECONC_CUDA_TRY(piece.allocate(piece_bytes, device, stream.get(), error));
  NATIVECONC_CUDA_TRY(partials.allocate(partial_bytes, device, stream.get(), error));
  NATIVECONC_CUDA_TRY(result.allocate(sizeof(Result), device, stream.get(), error));

  // The pieces share one buffer: the stream starts no copy before the kernel that reads it is done.
  for (std::int64_t first = 0; first < n; first += kPiece) {
    if (poller.stop()) return fail(error, NATIVECONC_CUDA_CANCELLED, cudaSuccess, "Cancelled.");
    const std::int64_t length = std::min(kPiece, n - first);
    NATIVECONC_CUDA_TRY(check(
        cudaMemcpyAsync(piece.as<T>(), data + first, static_cast<std::size_t>(length) * sizeof(T),
                        cudaMemcpyHostToDevice, stream.get()),
        "copying to the GPU", error));
    NATIVECONC_CUDA_TRY(launch(contiguous<T>(piece.as<T>()), length,
                               partials.as<Sum>() + first / kSumBlockLength,
                               n_blocks == 1 ? result.as<Result>() : nullptr, stream.get(), error));
  }
  NATIVECONC_CUDA_TRY(
      sum_partials(partials.as<Sum>(), n_blocks, result.as<Result>(), stream.get(), error));
  NATIVECONC_CUDA_TRY(check(cudaMemcpyAsync(out, result.as<Result>(), sizeof(Result),
                                            cudaMemcpyDeviceToHost, stream.get()),
                            "copying from the GPU", error));
  return stream.synchronize(error);
}

// Calls visit(element, result) with one value of the types that belong to a dtype.
template <class Visit>
Code visit_dtype(std::int32_t dtype, NativeconcCudaError* error, Visit visit) {
  switch (static_cast<Dtype>(dtype)) {
    case Dtype::float32:
      return visit(float{}, float{});
    case Dtype::float64:
      return visit(double{}, double{});
    case Dtype::int32:
      return visit(std::int32_t{}, std::int64_t{});
    case Dtype::int64:
      return visit(std::int64_t{}, std::int64_t{});
    default:
      break;
  }
  return fail(error, NATIVECONC_CUDA_INVALID, cudaSuccess, "Dtype number %d is not known.", dtype);
}

Code too_many(NativeconcCudaError* error) {
  return fail(error, NATIVECONC_CUDA_INVALID, cudaSuccess,
              "The array has a negative extent, or more elements than the GPU's sum can count "
              "(%lld).",
              static_cast<long long>(kSumMaxElements));
}

// A misaligned load would end the process' CUDA context.
bool is_aligned(const NativeconcCudaArray& array, std::size_t itemsize) {
  const auto size = static_cast<std::int64_t>(itemsize);
  if (reinterpret_cast<std::uintptr_t>(array.data) % itemsize != 0) return false;
  for (int axis = 0; axis < array.ndim; ++axis) {
    if (array.shape[axis] > 1 && array.strides[axis] % size != 0) return false;
  }
  return true;
}

}  // namespace
}  // namespace nativeconc::cuda

using namespace nativeconc::cuda;

extern "C" {

int32_t nativeconc_cuda_sum(const NativeconcCudaArray* array, const NativeconcCudaPlace* place,
                            void* out, NativeconcCudaError* error) {
  if (array->ndim < 0 || array->ndim > NATIVECONC_CUDA_MAX_DIMS) {
    return fail(error, NATIVECONC_CUDA_INVALID, cudaSuccess, "An array of %d dimensions.",
                array->ndim);
  }
  const int64_t n = sum_count(*array);
  if (n < 0 || n > kSumMaxElements) return too_many(error);
  return visit_dtype(array->dtype, error, [&](auto element, auto result) -> Code {
    using T = decltype(element);
    using Result = decltype(result);
    if (n > 0 && !is_aligned(*array, sizeof(T))) {
      return fail(error, NATIVECONC_CUDA_INVALID, cudaSuccess,
                  "The elements of a device array must lie at multiples of their size.");
    }
    NATIVECONC_CUDA_TRY(require_device(place->device, error));
    CurrentDevice current;
    NATIVECONC_CUDA_TRY(current.enter(place->device, error));
    const StreamOrder order(*place);
    NATIVECONC_CUDA_TRY(order.begin(error));
    NATIVECONC_CUDA_TRY(
        sum_array<T>(*array, n, place->device, order.stream(), static_cast<Result*>(out), error));
    return order.end(error);
  });
}

int32_t nativeconc_cuda_sum_host(const void* data, int32_t dtype, int64_t n, int32_t device,
                                 NativeconcCudaPoll poll, void* poll_context, void* out,
                                 NativeconcCudaError* error) {
  if (n < 0 || n > kSumMaxElements) return too_many(error);
  return visit_dtype(dtype, error, [&](auto element, auto result) -> Code {
    NATIVECONC_CUDA_TRY(require_device(device, error));
    CurrentDevice current;
    NATIVECONC_CUDA_TRY(current.enter(device, error));
    return sum_host(static_cast<const decltype(element)*>(data), n, device,
                    Poller(poll, poll_context), static_cast<decltype(result)*>(out), error);
  });
}

}  // extern "C"
