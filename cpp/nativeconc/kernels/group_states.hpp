// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What is kept of a group while its rows come in, one type for each statistic.
//
// Plain values; any thread. Each is made from zeros, takes value words (row_words.hpp) with add(),
// the state of later rows with merge(), and gives the word of its result. So all results depend on
// the order of the rows and on where they were cut, and on nothing else.
//
// Real sums are compensated: what each addition rounds off is kept apart, exactly, and its sum is
// added at the end (Knuth, TAOCP 2, 4.2.2, theorem B; Ogita, Rump and Oishi, "Accurate sum and dot
// product", 2005, algorithm Sum2). With u = 2^-53, the result of n values is within
// u * |sum| + 2 * (n * u)^2 * (sum of the absolute values) of the exact sum. It costs no time that
// shows: the next addition does not wait for it.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace nativeconc::kernels {

class RowCount {
 public:
  void add(std::uint64_t) { ++n_; }
  void merge(const RowCount& later) { n_ += later.n_; }
  std::uint64_t result() const { return n_; }

 private:
  std::uint64_t n_ = 0;
};

// Wraps around, as NumPy's sums of integers do.
class IntegerSum {
 public:
  void add(std::uint64_t value) { sum_ += value; }
  void merge(const IntegerSum& later) { sum_ += later.sum_; }
  std::uint64_t result() const { return sum_; }

 private:
  std::uint64_t sum_ = 0;
};

// Of words that are larger the more extreme a value is.
class Extreme {
 public:
  void add(std::uint64_t value) { word_ = std::max(word_, value); }
  void merge(const Extreme& later) { add(later.word_); }
  std::uint64_t result() const { return word_; }

 private:
  std::uint64_t word_ = 0;
};

class RealSum {
 public:
  void add(std::uint64_t value) { add_real(std::bit_cast<double>(value)); }
  void merge(const RealSum& later) {
    add_real(later.sum_);
    lost_ += later.lost_;
  }
  std::uint64_t result() const { return word_of(real()); }

 protected:
  double real() const {
    // Nothing can be said of what was lost beside an infinity or a NaN.
    return std::isfinite(lost_) ? sum_ + lost_ : sum_;
  }
  static std::uint64_t word_of(double result) {
    if (std::isnan(result)) result = std::numeric_limits<double>::quiet_NaN();  // of one sign
    return std::bit_cast<std::uint64_t>(result);
  }

 private:
  void add_real(double value) {
    const double sum = sum_ + value;
    const double added = sum - sum_;
    lost_ += (sum_ - (sum - added)) + (value - added);
    sum_ = sum;
  }

  double sum_ = 0.0;
  double lost_ = 0.0;
};

class RealMean : private RealSum {
 public:
  void add(std::uint64_t value) {
    RealSum::add(value);
    ++n_;
  }
  void merge(const RealMean& later) {
    RealSum::merge(later);
    n_ += later.n_;
  }
  std::uint64_t result() const { return word_of(real() / static_cast<double>(n_)); }

 private:
  std::uint64_t n_ = 0;
};

}  // namespace nativeconc::kernels
