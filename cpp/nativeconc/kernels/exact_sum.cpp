// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/exact_sum.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nativeconc::kernels {

void ExactSum::note(std::uint64_t bits) {
  if ((bits & kFraction) != 0) {
    nan_ = true;
  } else if (bits >> 63 != 0) {
    negative_infinity_ = true;
  } else {
    positive_infinity_ = true;
  }
}

void ExactSum::carry() {
  std::int64_t carried = 0;
  for (std::size_t i = 0; i + 1 < kDigits; ++i) {
    const std::int64_t digit = digits_[i] + carried;
    digits_[i] = digit & 0xffffffff;
    carried = digit >> 32;  // rounds down, so what stays is not negative
  }
  digits_[kDigits - 1] += carried;
  uncarried_ = 0;
}

void ExactSum::merge(const ExactSum& other) {
  ExactSum carried = other;
  carried.carry();
  carry();
  for (std::size_t i = 0; i < kDigits; ++i) digits_[i] += carried.digits_[i];
  ++uncarried_;
  nan_ |= other.nan_;
  positive_infinity_ |= other.positive_infinity_;
  negative_infinity_ |= other.negative_infinity_;
}

double ExactSum::to_double() const { return rounded(53, 0); }

// The last bit of the smallest float is 2^-149.
float ExactSum::to_float() const { return static_cast<float>(rounded(24, 1074 - 149)); }

double ExactSum::rounded(int bits, int last) const {
  if (nan_ || (positive_infinity_ && negative_infinity_)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (positive_infinity_) return std::numeric_limits<double>::infinity();
  if (negative_infinity_) return -std::numeric_limits<double>::infinity();
  ExactSum size = *this;
  size.carry();
  const bool is_negative = size.digits_[kDigits - 1] < 0;
  if (is_negative) {
    for (std::int64_t& digit : size.digits_) digit = -digit;
    size.carry();
  }
  int top = -1;  // the highest bit that is set
  for (std::size_t i = kDigits; i-- > 0 && top < 0;) {
    const auto digit = static_cast<std::uint64_t>(size.digits_[i]);
    if (digit != 0) top = static_cast<int>(i) * 32 + 63 - std::countl_zero(digit);
  }
  if (top < 0) return 0.0;
  const auto bit = [&](int place) {
    const std::size_t digit = std::min(static_cast<std::size_t>(place) / 32, kDigits - 1);
    const auto shift = static_cast<std::size_t>(place) - digit * 32;
    return static_cast<std::uint64_t>(size.digits_[digit]) >> shift & 1;
  };
  const int lowest = std::max(top - bits + 1, last);  // the last bit that stays
  std::uint64_t kept = 0;
  for (int place = top; place >= lowest; --place) kept = kept << 1 | bit(place);
  bool more = false;  // anything below the first bit that goes
  for (int place = 0; place < lowest - 1 && !more; ++place) more = bit(place) != 0;
  const bool half = lowest > 0 && lowest - 1 <= top && bit(lowest - 1) != 0;
  if (half && (more || (kept & 1) != 0)) ++kept;
  // Exact: kept has at most 54 bits of which the last is 0 if there are 54. May overflow, rightly.
  const double result = std::ldexp(static_cast<double>(kept), lowest - 1074);
  return is_negative ? -result : result;
}

}  // namespace nativeconc::kernels
