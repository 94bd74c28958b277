// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/radix_sort.hpp"

#include <algorithm>
#include <bit>

namespace nativeconc::kernels {
namespace {

constexpr std::int64_t kInsertion = 24;  // up to here insertion is the fastest
constexpr std::int64_t kFewSteps = 24;   // an insertion that moves more gives up
constexpr std::int64_t kBetweenStops = 1 << 16;
constexpr int kMostDigitBits = 11;

template <class Kind>
using Record = typename Kind::Record;

template <class Kind>
void insertion_sort(const Record<Kind>* source, Record<Kind>* target, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    const Record<Kind> record = source[i];
    const auto word = Kind::word(record);
    std::int64_t at = i;
    for (; at > 0 && word < Kind::word(target[at - 1]); --at) target[at] = target[at - 1];
    target[at] = record;
  }
}

// Sorts what is nearly in order. False: it is not, and is left as some permutation.
template <class Kind>
bool mend(Record<Kind>* target, std::int64_t n) {
  auto before = Kind::word(target[0]);
  for (std::int64_t i = 1; i < n; ++i) {
    const auto word = Kind::word(target[i]);
    if (!(word < before)) {
      before = word;
      continue;
    }
    const Record<Kind> record = target[i];
    std::int64_t at = i;
    const std::int64_t last = std::max<std::int64_t>(0, i - kFewSteps);
    for (; at > last && word < Kind::word(target[at - 1]); --at) target[at] = target[at - 1];
    target[at] = record;
    if (at == last && at > 0 && word < Kind::word(target[at - 1])) return false;
  }
  return true;
}

template <class Kind>
bool distribute(const Record<Kind>* source, Record<Kind>* target, std::int64_t n, int shift,
                unsigned mask, std::int64_t* next, const pool::Checkpoint& checkpoint) {
  for (std::int64_t first = 0; first < n; first += kBetweenStops) {
    const std::int64_t end = std::min(n, first + kBetweenStops);
    for (std::int64_t i = first; i < end; ++i) {
      const Record<Kind> record = source[i];
      const unsigned digit = static_cast<unsigned>(Kind::word(record) >> shift) & mask;
      target[next[digit]++] = record;
    }
    if (n > kBetweenStops && checkpoint.stop()) return false;
  }
  return true;
}

// Runs of records that agree from bit `low` on are sorted one by one.
template <class Kind>
bool sort_runs(Record<Kind>* target, Record<Kind>* spare, std::int64_t n, int low,
               const pool::Checkpoint& checkpoint) {
  for (std::int64_t first = 0, end = 0; first < n; first = end) {
    const auto upper = Kind::word(target[first]) >> low;
    for (end = first + 1; end < n && Kind::word(target[end]) >> low == upper;) ++end;
    if (!sort_records<Kind>(target + first, target + first, spare + first, end - first,
                            checkpoint)) {
      return false;
    }
  }
  return true;
}

// All bits in which the words differ.
template <class Kind>
typename Kind::Word difference(const Record<Kind>* source, std::int64_t n) {
  using Word = typename Kind::Word;
  const Word first = Kind::word(source[0]);
  Word differ = 0;
  for (std::int64_t i = 1; i < n; ++i) {
    differ = static_cast<Word>(differ | (Kind::word(source[i]) ^ first));
  }
  return differ;
}

template <class Kind>
bool sort_by_digits(const Record<Kind>* source, Record<Kind>* target, Record<Kind>* spare,
                    std::int64_t n, int low, int digit_bits, int digits,
                    const pool::Checkpoint& checkpoint) {
  std::int64_t next[2][1 << kMostDigitBits];
  const std::int64_t n_values = std::int64_t{1} << digit_bits;
  const unsigned mask = static_cast<unsigned>(n_values) - 1;
  for (int d = 0; d < digits; ++d) std::fill_n(next[d], n_values, 0);
  for (std::int64_t i = 0; i < n; ++i) {
    const auto word = Kind::word(source[i]) >> low;
    ++next[0][static_cast<unsigned>(word) & mask];
    if (digits == 2) ++next[1][static_cast<unsigned>(word >> digit_bits) & mask];
  }
  for (int d = 0; d < digits; ++d) {
    std::int64_t before = 0;
    for (std::int64_t v = 0; v < n_values; ++v) {
      const std::int64_t count = next[d][v];
      next[d][v] = before;
      before += count;
    }
  }
  if (digits == 1) {
    if (source != target) {
      return distribute<Kind>(source, target, n, low, mask, next[0], checkpoint);
    }
    if (!distribute<Kind>(source, spare, n, low, mask, next[0], checkpoint)) return false;
    copy_records<Kind>(spare, target, n);
    return true;
  }
  return distribute<Kind>(source, spare, n, low, mask, next[0], checkpoint) &&
         distribute<Kind>(spare, target, n, low + digit_bits, mask, next[1], checkpoint);
}

}  // namespace

template <class Kind>
bool sort_records(const Record<Kind>* source, Record<Kind>* target, Record<Kind>* spare,
                  std::int64_t n, const pool::Checkpoint& checkpoint) {
  if (n <= kInsertion) {
    insertion_sort<Kind>(source, target, n);
    return true;
  }
  const auto differ = difference<Kind>(source, n);
  if (differ == 0) {
    copy_records<Kind>(source, target, n);
    return true;
  }
  const int high = static_cast<int>(std::bit_width(differ));
  const int lowest = std::countr_zero(differ);
  const int size_bits = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(n)));
  int digit_bits = std::clamp((size_bits + 5) / 2, 4, kMostDigitBits);
  int low = lowest;
  int digits = 2;
  if (high - lowest <= digit_bits) {
    digits = 1;
    digit_bits = high - lowest;
  } else if (high - lowest <= 2 * digit_bits) {
    digit_bits = (high - lowest + 1) / 2;
  } else {
    low = high - 2 * digit_bits;
  }
  if (!sort_by_digits<Kind>(source, target, spare, n, low, digit_bits, digits, checkpoint)) {
    return false;
  }
  if (low == lowest) return true;
  // Giving up must leave runs of equal digits whole, and it does: mend() moves records only to
  // where they belong among those before them.
  return mend<Kind>(target, n) || sort_runs<Kind>(target, spare, n, low, checkpoint);
}

#define NATIVECONC_SORT(Kind)                                                         \
  template bool sort_records<Kind>(const Kind::Record*, Kind::Record*, Kind::Record*, \
                                   std::int64_t, const pool::Checkpoint&);
NATIVECONC_SORT(KeyRecord<std::uint8_t>)
NATIVECONC_SORT(KeyRecord<std::uint16_t>)
NATIVECONC_SORT(KeyRecord<std::uint32_t>)
NATIVECONC_SORT(KeyRecord<std::uint64_t>)
NATIVECONC_SORT(PackedRecord)
NATIVECONC_SORT(PairRecord<std::uint32_t>)
NATIVECONC_SORT(PairRecord<std::uint64_t>)
#undef NATIVECONC_SORT

}  // namespace nativeconc::kernels
