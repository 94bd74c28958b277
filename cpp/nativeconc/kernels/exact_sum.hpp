// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// A sum of doubles without any rounding error, which is rounded once, when it is asked for.
//
// A plain value; one thread at a time. (Neal, "Fast exact summation using small and large
// superaccumulators", 2015: the small one.)
//
// The sum is a whole number of units of 2^-1074, kept in digits of 32 bits:
//     sum = units * (digits_[0] + digits_[1] * 2^32 + digits_[2] * 2^64 + ...)
// Digits are signed 64-bit integers, so that many numbers can be added before a carry must go on.
//
// Invariants: |digits_[i]| <= 2^32 + uncarried_ * 2^53, and uncarried_ <= kMostUncarried, so no
// digit overflows. Infinities and NaNs are noted apart. Additions in any order, and merges in any
// tree, give the same value.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace nativeconc::kernels {

class ExactSum {
 public:
  void add(double x) {
    const auto bits = std::bit_cast<std::uint64_t>(x);
    const auto exponent = static_cast<std::int64_t>(bits >> 52 & 0x7ff);
    std::uint64_t mantissa = bits & kFraction;
    if (exponent == 0x7ff) return note(bits);
    if (exponent != 0) mantissa |= kFraction + 1;
    // In units of 2^-1074 the number is mantissa << place.
    const std::int64_t place = exponent == 0 ? 0 : exponent - 1;
    const auto digit = static_cast<std::size_t>(place >> 5);
    const auto shift = static_cast<int>(place & 31);
    const auto low = static_cast<std::int64_t>(mantissa << shift & 0xffffffff);
    const auto high = static_cast<std::int64_t>(mantissa >> (32 - shift));
    const std::int64_t sign = -static_cast<std::int64_t>(bits >> 63);  // 0 or -1
    digits_[digit] += (low ^ sign) - sign;
    digits_[digit + 1] += (high ^ sign) - sign;
    if (++uncarried_ == kMostUncarried) carry();
  }

  void merge(const ExactSum& other);

  // The sum, rounded to the nearest, ties to even. NaN if a NaN or both infinities were added.
  double to_double() const;
  float to_float() const;

 private:
  static constexpr std::uint64_t kFraction = (std::uint64_t{1} << 52) - 1;
  static constexpr int kMostUncarried = 1 << 9;
  // Digits 0 to 65 take the largest double, and two more 2^64 of them.
  static constexpr std::size_t kDigits = 68;

  void note(std::uint64_t bits);
  void carry();  // brings all digits but the last into 0 .. 2^32 - 1

  // The nearest number with this many bits whose last bit is worth at least 2^last units.
  double rounded(int bits, int last) const;

  std::array<std::int64_t, kDigits> digits_{};
  int uncarried_ = 0;
  bool nan_ = false;
  bool positive_infinity_ = false;
  bool negative_infinity_ = false;
};

}  // namespace nativeconc::kernels
