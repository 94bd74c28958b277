// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/isin.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <vector>

#include "nativeconc/kernels/row_major.hpp"
#include "nativeconc/kernels/work_memory.hpp"
#include "nativeconc/pool/parallel_for.hpp"

namespace nativeconc::kernels {
namespace {

using pool::Outcome;

constexpr std::int64_t kChunk = 1 << 15;  // elements
constexpr std::int64_t kTogether = 32;    // look-ups that wait for memory together

// A word that threads share.
std::atomic_ref<std::uint64_t> shared(std::uint64_t& word) {
  return std::atomic_ref<std::uint64_t>(word);
}

// use(first, count), for pieces of at most kTogether elements.
template <class Use>
Outcome in_pieces(std::int64_t size, const pool::Execution& execution, const Use& use) {
  if (size == 0) return Outcome::done;
  return pool::parallel_for((size - 1) / kChunk + 1, execution,
                            [&](std::int64_t chunk, const pool::Checkpoint& checkpoint) {
                              const std::int64_t end = std::min(size, (chunk + 1) * kChunk);
                              std::int64_t first = chunk * kChunk;
                              for (int piece = 1; first < end; first += kTogether, ++piece) {
                                use(first, std::min(kTogether, end - first));
                                if (piece % 128 == 0 && checkpoint.stop()) return;
                              }
                            });
}

// A set of the keys from `low` to low + size - 1, one bit each.
class BitTable {
 public:
  BitTable(std::uint64_t low, std::uint64_t size) : low_(low), size_(size) {
    words_ = WorkMemory<std::uint64_t>(n_words());
  }

  Outcome clear(const pool::Execution& execution) {
    constexpr std::int64_t kWords = 1 << 17;
    return pool::parallel_for((n_words() - 1) / kWords + 1, execution,
                              [&](std::int64_t chunk, const pool::Checkpoint&) {
                                const std::int64_t end = std::min(n_words(), (chunk + 1) * kWords);
                                for (std::int64_t i = chunk * kWords; i < end; ++i) {
                                  shared(words_[i]).store(0, std::memory_order_relaxed);
                                }
                              });
  }

  // Relaxed throughout: the end of one parallel_for is before the start of the next.
  void add(const std::uint64_t* keys, std::int64_t count) const {
    for (std::int64_t i = 0; i < count; ++i) {
      const std::uint64_t at = keys[i] - low_;
      if (at >= size_) continue;  // somebody changed the array since its range was found
      const auto word = shared(words_[static_cast<std::int64_t>(at / 64)]);
      const std::uint64_t bit = std::uint64_t{1} << (at % 64);
      if ((word.load(std::memory_order_relaxed) & bit) == 0) {
        word.fetch_or(bit, std::memory_order_relaxed);
      }
    }
  }

  void look_up(const std::uint64_t* keys, std::int64_t count, bool* found) const {
    for (std::int64_t i = 0; i < count; ++i) {
      const std::uint64_t at = keys[i] - low_;
      const bool inside = at < size_;
      const std::uint64_t word = shared(words_[static_cast<std::int64_t>(inside ? at / 64 : 0)])
                                     .load(std::memory_order_relaxed);
      found[i] = inside && (word >> (at % 64) & 1) != 0;
    }
  }

 private:
  std::int64_t n_words() const { return static_cast<std::int64_t>((size_ - 1) / 64 + 1); }

  std::uint64_t low_;
  std::uint64_t size_;
  WorkMemory<std::uint64_t> words_;
};

// A set of any keys. A slot holds a key, or 0 if it is empty; whether the key 0 is there stands
// apart.
class HashTable {
 public:
  explicit HashTable(std::int64_t most)
      : bits_(std::max(4, static_cast<int>(std::bit_width(static_cast<std::uint64_t>(most))) + 1)),
        slots_(std::int64_t{1} << bits_) {}

  Outcome clear(const pool::Execution& execution) {
    constexpr std::int64_t kSlots = 1 << 17;
    const std::int64_t n_slots = std::int64_t{1} << bits_;
    return pool::parallel_for((n_slots - 1) / kSlots + 1, execution,
                              [&](std::int64_t chunk, const pool::Checkpoint&) {
                                const std::int64_t end = std::min(n_slots, (chunk + 1) * kSlots);
                                for (std::int64_t i = chunk * kSlots; i < end; ++i) {
                                  shared(slots_[i]).store(0, std::memory_order_relaxed);
                                }
                              });
  }

  // Relaxed: a slot holds all there is to know of its key.
  void add(const std::uint64_t* keys, std::int64_t count) {
    std::int64_t at[kTogether];
    find_slots(keys, count, at);
    for (std::int64_t i = 0; i < count; ++i) {
      if (keys[i] == 0) {
        has_zero_.store(true, std::memory_order_relaxed);
        continue;
      }
      for (std::int64_t slot = at[i];; slot = next(slot)) {
        std::uint64_t there = shared(slots_[slot]).load(std::memory_order_relaxed);
        if (there == 0) {
          shared(slots_[slot]).compare_exchange_strong(there, keys[i], std::memory_order_relaxed);
          if (there == 0) break;
        }
        if (there == keys[i]) break;
      }
    }
  }

  void look_up(const std::uint64_t* keys, std::int64_t count, bool* found) const {
    std::int64_t at[kTogether];
    find_slots(keys, count, at);
    for (std::int64_t i = 0; i < count; ++i) {
      if (keys[i] == 0) {
        found[i] = has_zero_.load(std::memory_order_relaxed);
        continue;
      }
      std::int64_t slot = at[i];
      std::uint64_t there = shared(slots_[slot]).load(std::memory_order_relaxed);
      while (there != 0 && there != keys[i]) {
        slot = next(slot);
        there = shared(slots_[slot]).load(std::memory_order_relaxed);
      }
      found[i] = there != 0;
    }
  }

 private:
  std::int64_t next(std::int64_t slot) const {
    return (slot + 1) & ((std::int64_t{1} << bits_) - 1);
  }

  void find_slots(const std::uint64_t* keys, std::int64_t count, std::int64_t* at) const {
    for (std::int64_t i = 0; i < count; ++i) {
      // Two multiplications by odd numbers, with the upper half brought down between them: all bits
      // of a key tell.
      std::uint64_t mixed = keys[i] * 0x9e3779b97f4a7c15U;
      mixed = (mixed ^ (mixed >> 32)) * 0xd6e8feb86659fd93U;
      at[i] = static_cast<std::int64_t>(mixed >> (64 - bits_));
      __builtin_prefetch(slots_.data() + at[i]);
    }
  }

  int bits_;
  WorkMemory<std::uint64_t> slots_;
  std::atomic<bool> has_zero_{false};
};

// Never put into a table, so the key that NaNs share, which no number has, is found nowhere.
template <class T>
bool is_nan([[maybe_unused]] T value) {
  if constexpr (std::is_floating_point_v<T>) return value != value;
  return false;
}

template <class T, class Table>
Outcome fill_and_look_up(Table& table, const ArrayView& element, const ArrayView& tests,
                         bool invert, const pool::Execution& execution, bool* out) {
  if (table.clear(execution) == Outcome::cancelled) return Outcome::cancelled;
  const RowMajor given(tests);
  auto outcome = in_pieces(given.size(), execution, [&](std::int64_t first, std::int64_t count) {
    std::uint64_t keys[kTogether];
    std::int64_t n_keys = 0;
    given.visit<T>(first, count, [&](std::int64_t, T value) {
      keys[n_keys] = equal_key_of(value);
      n_keys += is_nan(value) ? 0 : 1;
    });
    table.add(keys, n_keys);
  });
  if (outcome == Outcome::cancelled) return outcome;
  const RowMajor elements(element);
  return in_pieces(elements.size(), execution, [&](std::int64_t first, std::int64_t count) {
    std::uint64_t keys[kTogether];
    elements.visit<T>(first, count,
                      [&](std::int64_t i, T value) { keys[i] = equal_key_of(value); });
    table.look_up(keys, count, out + first);
    if (invert) {
      for (std::int64_t i = 0; i < count; ++i) out[first + i] = !out[first + i];
    }
  });
}

struct Span {
  std::uint64_t low = ~std::uint64_t{0};
  std::uint64_t high = 0;
};

template <class T>
Outcome find_span(const ArrayView& tests, const pool::Execution& execution, Span& out) {
  const RowMajor given(tests);
  const std::int64_t n_chunks = given.size() == 0 ? 0 : (given.size() - 1) / kChunk + 1;
  std::vector<Span> spans(static_cast<std::size_t>(n_chunks));
  const auto outcome =
      pool::parallel_for(n_chunks, execution, [&](std::int64_t chunk, const pool::Checkpoint&) {
        Span span;
        const std::int64_t first = chunk * kChunk;
        given.visit<T>(first, std::min(kChunk, given.size() - first), [&](std::int64_t, T value) {
          span.low = std::min<std::uint64_t>(span.low, key_of(value));
          span.high = std::max<std::uint64_t>(span.high, key_of(value));
        });
        spans[static_cast<std::size_t>(chunk)] = span;
      });
  for (const Span& each : spans) {
    out.low = std::min(out.low, each.low);
    out.high = std::max(out.high, each.high);
  }
  return outcome;
}

template <class T>
Outcome isin_of(const ArrayView& element, const ArrayView& tests, bool invert,
                const pool::Execution& execution, bool* out) {
  if constexpr (!std::is_floating_point_v<T>) {
    Span span;
    if (find_span<T>(tests, execution, span) == Outcome::cancelled) return Outcome::cancelled;
    const auto worth =
        8 * static_cast<std::uint64_t>(element.size() + tests.size()) + std::uint64_t{1024};
    if (span.low <= span.high && span.high - span.low < worth) {
      BitTable table(span.low, span.high - span.low + 1);
      return fill_and_look_up<T>(table, element, tests, invert, execution, out);
    }
  }
  HashTable table(tests.size());
  return fill_and_look_up<T>(table, element, tests, invert, execution, out);
}

}  // namespace

Outcome isin(const ArrayView& element, const ArrayView& test_elements, bool invert,
             const pool::Execution& execution, bool* out) {
  return visit_dtype(element.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    return isin_of<T>(element, test_elements, invert, execution, out);
  });
}

double isin_estimated_ns(const ArrayView& element, const ArrayView& test_elements) {
  return 300.0 + 6.0 * static_cast<double>(element.size()) +
         10.0 * static_cast<double>(test_elements.size());
}

}  // namespace nativeconc::kernels
