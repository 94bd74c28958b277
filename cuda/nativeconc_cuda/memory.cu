// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc_cuda/memory.hpp"

#include <array>
#include <atomic>
#include <cstdint>

namespace nativeconc::cuda {
namespace {

constexpr int kMaxPools = 64;  // devices beyond that get plain allocations
constexpr std::uint64_t kKeptBytes = std::uint64_t{64} << 20;

// One pool a device, made on first use and never destroyed: when static objects end, the driver may
// be gone already. Written once, with release, so that who reads it sees a finished pool.
std::array<std::atomic<cudaMemPool_t>, kMaxPools> g_pools{};

// Null where the device has no pools, or gives none.
cudaMemPool_t make_pool(int device) {
  int supported = 0;
  if (cudaDeviceGetAttribute(&supported, cudaDevAttrMemoryPoolsSupported, device) != cudaSuccess ||
      supported == 0) {
    return nullptr;
  }
  cudaMemPoolProps properties{};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.handleTypes = cudaMemHandleTypeNone;
  properties.location.type = cudaMemLocationTypeDevice;
  properties.location.id = device;
  cudaMemPool_t pool = nullptr;
  if (cudaMemPoolCreate(&pool, &properties) != cudaSuccess) return nullptr;
  std::uint64_t kept = kKeptBytes;
  cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &kept);
  return pool;
}

cudaMemPool_t pool_of(int device) {
  if (device < 0 || device >= kMaxPools) return nullptr;
  std::atomic<cudaMemPool_t>& slot = g_pools[static_cast<std::size_t>(device)];
  cudaMemPool_t pool = slot.load(std::memory_order_acquire);  // pairs with the exchange below
  if (pool != nullptr) return pool;
  cudaMemPool_t made = make_pool(device);
  if (made == nullptr) {
    cudaGetLastError();  // not having pools is no error
    return nullptr;
  }
  if (slot.compare_exchange_strong(pool, made, std::memory_order_acq_rel)) return made;
  cudaMemPoolDestroy(made);  // another thread was first
  return pool;
}

}  // namespace

Code DeviceMemory::allocate(std::size_t bytes, int device, cudaStream_t stream,
                            NativeconcCudaError* error) {
  stream_ = stream;
  const cudaMemPool_t pool = pool_of(device);
  if (pool != nullptr) {
    NATIVECONC_CUDA_TRY(check(cudaMallocFromPoolAsync(&data_, bytes, pool, stream),
                              "allocating device memory", error));
    from_pool_ = true;
    return NATIVECONC_CUDA_OK;
  }
  return check(cudaMalloc(&data_, bytes), "allocating device memory", error);
}

DeviceMemory::~DeviceMemory() {
  if (data_ == nullptr) return;
  if (from_pool_) {
    cudaFreeAsync(data_, stream_);
  } else {
    cudaFree(data_);  // waits for the device, so the memory is no longer in use
  }
}

}  // namespace nativeconc::cuda
