// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Memory that a kernel works in: elements are left undefined, and large blocks lie on large pages
// where the system has them, because page faults would cost as much as the work.
//
// Any thread. Invariant: the memory is freed by whoever holds the object.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <limits>
#include <new>
#include <type_traits>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace nativeconc::kernels {

template <class T>
class WorkMemory {
 public:
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

  WorkMemory() = default;

  // Throws std::bad_alloc.
  explicit WorkMemory(std::int64_t n) : data_(allocate(n)) {
    if (data_ == nullptr) throw std::bad_alloc();
  }
  WorkMemory(const WorkMemory&) = delete;
  WorkMemory& operator=(const WorkMemory&) = delete;
  WorkMemory(WorkMemory&& other) noexcept : data_(other.data_) { other.data_ = nullptr; }
  WorkMemory& operator=(WorkMemory&& other) noexcept {
    T* const mine = data_;
    data_ = other.data_;
    other.data_ = mine;
    return *this;
  }
  ~WorkMemory() { std::free(static_cast<void*>(data_)); }

  // For the body of parallel_for, which may not throw: false if there is no memory.
  bool try_allocate(std::int64_t n) {
    std::free(static_cast<void*>(data_));
    data_ = allocate(n);
    return data_ != nullptr;
  }

  T* data() const { return data_; }
  T& operator[](std::int64_t i) const { return data_[i]; }

 private:
  static T* allocate(std::int64_t n) {
    constexpr std::size_t kLargePage = std::size_t{2} << 20;
    if (n > std::numeric_limits<std::int64_t>::max() / static_cast<std::int64_t>(sizeof(T)) / 2) {
      return nullptr;
    }
    const std::size_t bytes = static_cast<std::size_t>(n < 1 ? 1 : n) * sizeof(T);
    if (bytes < 2 * kLargePage) return static_cast<T*>(std::malloc(bytes));
    const std::size_t rounded = (bytes + kLargePage - 1) / kLargePage * kLargePage;
    void* const memory = std::aligned_alloc(kLargePage, rounded);
#if defined(__linux__)
    if (memory != nullptr) madvise(memory, rounded, MADV_HUGEPAGE);  // only a wish
#endif
    return static_cast<T*>(memory);
  }

  T* data_ = nullptr;
};

}  // namespace nativeconc::kernels
