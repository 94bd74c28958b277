// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The keys (order_keys.hpp) of a stretch of an array, or of keys that were made before, walked on
// all cores: the stretch is cut into portions, whose keys are handed out a step at a time.
//
// Any thread. Invariant: where portions and steps begin depends on the length alone.
#pragma once

#include <algorithm>
#include <cstdint>

#include "nativeconc/kernels/row_major.hpp"
#include "nativeconc/pool/parallel_for.hpp"

namespace nativeconc::kernels {

template <class T>
class KeySource {
 public:
  // `n` elements from number `begin` on.
  KeySource(const RowMajor& elements, std::int64_t begin, std::int64_t n)
      : elements_(&elements), begin_(begin), size_(n) {}
  KeySource(const Key<T>* keys, std::int64_t n) : keys_(keys), size_(n) {}

  std::int64_t size() const { return size_; }

  void fill(std::int64_t first, std::int64_t count, Key<T>* out) const {
    if (keys_ != nullptr) {
      std::copy_n(keys_ + first, count, out);
    } else {
      elements_->visit<T>(begin_ + first, count,
                          [&](std::int64_t i, T value) { out[i] = key_of(value); });
    }
  }

  Key<T> at(std::int64_t i) const {
    return keys_ != nullptr ? keys_[i] : key_of(elements_->at<T>(begin_ + i));
  }

 private:
  const RowMajor* elements_ = nullptr;
  std::int64_t begin_ = 0;
  const Key<T>* keys_ = nullptr;
  std::int64_t size_;
};

struct KeyPortions {
  static constexpr std::int64_t kStep = 1024;  // keys handed out at a time
  static constexpr std::int64_t kLeast = 1 << 18;
  static constexpr std::int64_t kMost = 64;

  explicit KeyPortions(std::int64_t n)
      : length(n),
        count(std::clamp<std::int64_t>(n / kLeast, 1, kMost)),
        size((n - 1) / count + 1) {}

  std::int64_t length;
  std::int64_t count;
  std::int64_t size;
};

// For each portion: start(portion), then use(portion, keys, count) for its keys, in order.
template <class T, class Start, class Use>
pool::Outcome walk_keys(const KeySource<T>& source, const KeyPortions& portions,
                        const pool::Execution& execution, const Start& start, const Use& use) {
  constexpr std::int64_t kBetweenStops = 1 << 16;
  return pool::parallel_for(
      portions.count, execution, [&](std::int64_t portion, const pool::Checkpoint& checkpoint) {
        Key<T> keys[KeyPortions::kStep];
        start(portion);
        const std::int64_t end = std::min(portions.length, (portion + 1) * portions.size);
        std::int64_t until_stop = kBetweenStops;
        for (std::int64_t at = portion * portions.size; at < end; at += KeyPortions::kStep) {
          const std::int64_t count = std::min(KeyPortions::kStep, end - at);
          source.fill(at, count, keys);
          use(portion, keys, count);
          until_stop -= count;
          if (until_stop <= 0) {
            if (checkpoint.stop()) return;
            until_stop = kBetweenStops;
          }
        }
      });
}

}  // namespace nativeconc::kernels
