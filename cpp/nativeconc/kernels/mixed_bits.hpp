// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// A hash of 64 bits: any bit of the input changes each bit of the output about half of the time, so
// any of them will do as a place in a table.
//
// Pure function; any thread. Invariant: different words have different hashes.
// (Multiplications and shifts in turn, as the finish of MurmurHash does; each step can be undone.)
#pragma once

#include <cstdint>

namespace nativeconc::kernels {

constexpr std::uint64_t mixed_bits(std::uint64_t word) {
  word ^= word >> 32;
  word *= 0x9d3c8f5b1ae64d27U;  // odd, and otherwise of no meaning
  word ^= word >> 29;
  word *= 0xc5a1f36b97d42e8bU;
  word ^= word >> 32;
  return word;
}

}  // namespace nativeconc::kernels
