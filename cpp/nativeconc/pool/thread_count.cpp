// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/pool/thread_count.hpp"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "nativeconc/os/cpu_budget.hpp"

namespace nativeconc::pool {
namespace {

constexpr const char* kVariable = "NATIVECONC_NUM_THREADS";

std::atomic<int> default_count{0};  // 0: not read yet. A lone number, so relaxed is enough.

int read_thread_count() {
  int count = std::min(os::read_cpu_budget().threads(), kMaxThreads);
  if (const char* text = std::getenv(kVariable); text != nullptr && *text != '\0') {
    const std::string given = text;
    int limit = 0;
    const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), limit);
    if (error != std::errc{} || end != given.data() + given.size() || limit < 1 ||
        limit > kMaxThreads) {
      throw std::invalid_argument(std::string(kVariable) + " is '" + given +
                                  "'; it must be a number from 1 to " +
                                  std::to_string(kMaxThreads));
    }
    count = std::min(count, limit);
  }
  return count;
}

}  // namespace

int default_thread_count() {
  int count = default_count.load(std::memory_order_relaxed);
  if (count == 0) {
    const int read = read_thread_count();
    // Somebody may have set a number meanwhile; then that one stands.
    if (default_count.compare_exchange_strong(count, read, std::memory_order_relaxed)) count = read;
  }
  return count;
}

void set_default_thread_count(int count) { default_count.store(count, std::memory_order_relaxed); }

}  // namespace nativeconc::pool
