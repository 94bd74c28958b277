// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What tests write into leases, and look for again.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "nativeconc/shared/memory.hpp"

namespace nativeconc::shared::testing {

inline Memory& memory() { return Memory::instance(); }

inline void fill(const Lease& lease, int value) { std::memset(lease.data, value, lease.size); }

inline bool is_filled(const Lease& lease, int value) {
  return std::all_of(lease.data, lease.data + lease.size,
                     [value](std::byte byte) { return byte == static_cast<std::byte>(value); });
}

}  // namespace nativeconc::shared::testing
