// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/bincount.hpp"

#include <bit>
#include <limits>
#include <new>
#include <type_traits>
#include <vector>

#include "nativeconc/kernels/both_ends.hpp"
#include "nativeconc/kernels/owned_places.hpp"
#include "nativeconc/kernels/vectors.hpp"
#include "nativeconc/pool/parallel_for.hpp"

namespace nativeconc::kernels {
namespace {

constexpr std::int64_t kUsualChunk = 1 << 17;
constexpr std::int64_t kMostChunks = 64;
constexpr std::int64_t kLargestChunk = 1 << 30;  // a chunk's counts fit 32 bits
constexpr std::int64_t kSmallRoom = 1 << 20;     // bytes
constexpr std::int64_t kPartsAbove = 1 << 15;    // with fewer weights, one thread does it all

// With few numbers, neighbours are counted in different rows: see bins.cpp.
constexpr std::int64_t kRows = 4;
constexpr std::int64_t kFewNumbers = 1024;

template <class T>
using Seen = std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>;

void allocate(std::int64_t n, Bincount& out) {
  out.numbers.reset(std::calloc(static_cast<std::size_t>(std::max<std::int64_t>(n, 1)), 8));
  if (!out.numbers) throw std::bad_alloc();
  out.n = n;
}

// All bits that are set in a block's elements: below a power of two if they all are.
template <class T>
struct BlockBits {
  template <int kBytes>
  static NATIVECONC_SIMD_BODY void body(const unsigned char* block, std::int64_t n,
                                        std::uint64_t& bits) {
    constexpr int kVectors = 4;
    using Word = Lanes<T, kBytes / static_cast<int>(sizeof(T))>;
    const std::int64_t bytes = n * static_cast<std::int64_t>(sizeof(T));
    Word joined[kVectors] = {};
    std::int64_t i = 0;
    for (; i + kVectors * kBytes <= bytes; i += kVectors * kBytes) {
      for (int v = 0; v < kVectors; ++v) {
        Word word;
        load(block + i + v * kBytes, word);
        joined[v] |= word;
      }
    }
    for (int v = 1; v < kVectors; ++v) joined[0] |= joined[v];
    T rest = 0;
    for (unsigned lane = 0; lane < sizeof(Word) / sizeof(T); ++lane) {
      rest = static_cast<T>(rest | joined[0][lane]);
    }
    for (; i < bytes; i += static_cast<std::int64_t>(sizeof(T))) {
      T one;
      __builtin_memcpy(&one, block + i, sizeof(T));
      rest = static_cast<T>(rest | one);
    }
    bits |= rest;
  }
  NATIVECONC_SIMD_STRUCT(Stamped, body,
                         (const unsigned char* block, std::int64_t n, std::uint64_t& bits),
                         (block, n, bits));
};

// Counts a chunk of numbers that should be below `capacity`, a power of two. False, and the counts
// mean nothing, if one is not.
template <class T>
bool count_chunk(const StridedWalk& x, std::int64_t first, std::int64_t count,
                 std::uint64_t capacity, const pool::Checkpoint& checkpoint,
                 std::uint32_t* counts) {
  using Bits = std::make_unsigned_t<T>;
  const auto n_numbers = static_cast<std::int64_t>(capacity);
  std::fill(counts, counts + n_numbers, 0);
  std::uint32_t local[kRows * kFewNumbers];
  const bool few = n_numbers <= kFewNumbers;
  std::uint32_t* const r0 = few ? local : counts;
  const std::int64_t apart = few ? n_numbers : 0;
  std::uint32_t* const r1 = r0 + apart;
  std::uint32_t* const r2 = r1 + apart;
  std::uint32_t* const r3 = r2 + apart;
  if (few) std::fill(local, local + kRows * n_numbers, 0);
  bool fits = true;
  visit_blocks(x, first, count, checkpoint,
               [&](const unsigned char* block, std::int64_t n, std::int64_t) {
                 std::uint64_t bits = 0;
                 BlockBits<Bits>::Stamped::run(block, n, bits);
                 fits = fits && bits < capacity;
                 if (!fits) return;
                 std::int64_t i = 0;
                 for (; i + kRows <= n; i += kRows) {
                   ++r0[element<Bits>(block, i)];
                   ++r1[element<Bits>(block, i + 1)];
                   ++r2[element<Bits>(block, i + 2)];
                   ++r3[element<Bits>(block, i + 3)];
                 }
                 for (; i < n; ++i) ++r0[element<Bits>(block, i)];
               });
  for (std::int64_t row = 0; few && row < kRows; ++row) {
    for (std::int64_t i = 0; i < n_numbers; ++i) counts[i] += local[row * n_numbers + i];
  }
  return fits;
}

// The smallest power of two above some of the elements, spread over the array: a good guess.
template <class T>
std::uint64_t guessed_capacity(const StridedWalk& x) {
  constexpr std::int64_t kSample = 512;
  std::uint64_t bits = kFewNumbers / 4 - 1;
  const std::int64_t step = std::max<std::int64_t>((x.size - 1) / kSample, 1);
  for (std::int64_t i = 0; i < x.size; i += step) {
    T one;
    x.gather(i, 1, reinterpret_cast<unsigned char*>(&one));
    bits |= static_cast<std::make_unsigned_t<T>>(one);
  }
  T last;
  x.gather(x.size - 1, 1, reinterpret_cast<unsigned char*>(&last));
  bits |= static_cast<std::make_unsigned_t<T>>(last);
  if (bits >= std::uint64_t{1} << 62) return 0;
  // Not above the largest number there is, so that negative ones stand out.
  const auto largest = static_cast<std::uint64_t>(std::numeric_limits<T>::max());
  return std::bit_ceil(std::min(bits, largest) + 1);
}

// How many chunks of the counts of `capacity` numbers there is room for; 0: not even one.
std::int64_t chunks_for(const StridedWalk& x, std::uint64_t capacity) {
  const std::int64_t room = std::max(x.size * x.itemsize / 2, kSmallRoom);
  if (capacity == 0 || capacity > static_cast<std::uint64_t>(room / 4)) return 0;
  std::int64_t n = std::clamp<std::int64_t>(x.size / kUsualChunk, 1, kMostChunks);
  // A row is to be cheap to clear and to merge beside what a chunk counts.
  const std::int64_t worthwhile = x.size / (4 * static_cast<std::int64_t>(capacity));
  while (n > 1 && (n * static_cast<std::int64_t>(capacity) * 4 > room || n > 2 * worthwhile)) {
    n /= 2;
  }
  return std::max(n, (x.size - 1) / kLargestChunk + 1);
}

// Private counts for each chunk. Sets `fits` to whether all numbers were below the capacity.
template <class T>
pool::Outcome count_in_chunks(const StridedWalk& x, std::uint64_t capacity, std::int64_t minlength,
                              const pool::Execution& execution, Bincount& out, bool& fits) {
  const std::int64_t n_chunks = std::max<std::int64_t>(1, chunks_for(x, capacity));
  const auto n_numbers = static_cast<std::int64_t>(capacity);
  const std::int64_t per_chunk = (x.size - 1) / n_chunks + 1;
  const std::unique_ptr<std::uint32_t[]> rows(
      new std::uint32_t[static_cast<std::size_t>(n_chunks * n_numbers)]);
  std::vector<char> chunk_fits(static_cast<std::size_t>(n_chunks), 1);
  pool::Outcome outcome = pool::parallel_for(
      n_chunks, execution, [&](std::int64_t chunk, const pool::Checkpoint& checkpoint) {
        const std::int64_t first = std::min(chunk * per_chunk, x.size);
        chunk_fits[static_cast<std::size_t>(chunk)] =
            count_chunk<T>(x, first, std::min(per_chunk, x.size - first), capacity, checkpoint,
                           rows.get() + chunk * n_numbers);
      });
  if (outcome != pool::Outcome::done) return outcome;
  fits = std::find(chunk_fits.begin(), chunk_fits.end(), 0) == chunk_fits.end();
  if (!fits) return outcome;

  std::int64_t n = n_numbers;  // up to the largest number that occurs
  const auto occurs = [&](std::int64_t number) {
    for (std::int64_t chunk = 0; chunk < n_chunks; ++chunk) {
      if (rows[static_cast<std::size_t>(chunk * n_numbers + number)] != 0) return true;
    }
    return false;
  };
  while (n > 0 && !occurs(n - 1)) --n;
  allocate(std::max(n, minlength), out);
  std::int64_t* const counts = static_cast<std::int64_t*>(out.numbers.get());
  constexpr std::int64_t kAtOnce = 1 << 14;
  return pool::parallel_for((n + kAtOnce - 1) / kAtOnce, execution,
                            [&](std::int64_t part, const pool::Checkpoint&) {
                              const std::int64_t first = part * kAtOnce;
                              const std::int64_t end = std::min(first + kAtOnce, n);
                              std::fill(counts + first, counts + end, 0);
                              for (std::int64_t chunk = 0; chunk < n_chunks; ++chunk) {
                                const std::uint32_t* const row = rows.get() + chunk * n_numbers;
                                for (std::int64_t i = first; i < end; ++i) counts[i] += row[i];
                              }
                            });
}

// Allocates the result for what the elements are. False if there is none.
bool allocate_for(const Extremes& ends, std::int64_t minlength, std::int64_t limit, Bincount& out) {
  out.negative = ends.low < 0 || ends.high < 0;  // a uint64 beyond int64 too, as for NumPy
  out.too_large = !out.negative && ends.high >= limit;
  if (out.negative || out.too_large) return false;
  allocate(std::max(ends.high + 1, minlength), out);
  return true;
}

// weights(first, n, buffer): gives a function of i, the weight of element first + i, i < n <=
// kBlock.
template <class T, class Number, class Weights>
pool::Outcome add_alone(const StridedWalk& x, const pool::Execution& execution, Number* sums,
                        Weights&& weights) {
  return pool::parallel_for(1, execution, [&](std::int64_t, const pool::Checkpoint& checkpoint) {
    alignas(64) unsigned char buffer[kBlock * 8];
    visit_blocks(x, 0, x.size, checkpoint,
                 [&](const unsigned char* block, std::int64_t n, std::int64_t done) {
                   const auto weight = weights(done, n, buffer);
                   for (std::int64_t i = 0; i < n; ++i) sums[element<T>(block, i)] += weight(i);
                 });
  });
}

// The same sums, bit for bit, on several threads.
template <class T, class Weights>
pool::Outcome add_in_parts(const StridedWalk& x, std::int64_t n_numbers,
                           const pool::Execution& execution, double* sums, Weights&& weights) {
  const OwnedRanges ranges =
      owned_ranges(x.size, n_numbers, execution.threads, [&](std::int64_t i) {
        T one;
        x.gather(i, 1, reinterpret_cast<unsigned char*>(&one));
        return static_cast<std::int64_t>(one);
      });
  return pool::parallel_for(
      ranges.n_parts, execution, [&](std::int64_t part, const pool::Checkpoint& checkpoint) {
        const std::int64_t low = ranges.low(part);
        const std::int64_t high = ranges.high(part);
        alignas(64) unsigned char buffer[kBlock * 8];
        std::int64_t numbers[kBlock];
        std::uint16_t own[kBlock + 8];
        std::fill(sums + low, sums + high, 0.0);
        visit_blocks(x, 0, x.size, checkpoint,
                     [&](const unsigned char* block, std::int64_t n, std::int64_t done) {
                       if constexpr (sizeof(T) < 8) {
                         for (std::int64_t i = 0; i < n; ++i) numbers[i] = element<T>(block, i);
                         block = reinterpret_cast<const unsigned char*>(numbers);
                       }
                       std::int64_t n_own = 0;
                       OwnElements::Stamped::run(block, n, low, high, own, n_own);
                       const auto weight = weights(done, n, buffer);
                       for (std::int64_t k = 0; k < n_own; ++k) {
                         sums[element<std::int64_t>(block, own[k])] += weight(own[k]);
                       }
                     });
      });
}

template <class T>
pool::Outcome bincount_of(const ArrayView& view, const ArrayView* weights, std::int64_t minlength,
                          const pool::Execution& execution, Bincount& out, std::int64_t limit) {
  const StridedWalk x(view);
  if (weights == nullptr && x.size >= kUsualChunk) {
    const std::uint64_t capacity = guessed_capacity<T>(x);
    bool fits = false;
    if (chunks_for(x, capacity) > 0) {
      const pool::Outcome outcome =
          count_in_chunks<T>(x, capacity, minlength, execution, out, fits);
      if (fits || outcome != pool::Outcome::done) return outcome;
    }
  }
  Extremes ends;
  const pool::Outcome outcome = extremes(view, execution, ends);
  if (outcome != pool::Outcome::done) return outcome;
  if (!allocate_for(ends, minlength, limit, out)) return outcome;
  if (weights == nullptr) {
    const std::uint64_t capacity = std::bit_ceil(static_cast<std::uint64_t>(ends.high) + 1);
    if (x.size >= kUsualChunk && chunks_for(x, capacity) > 0) {
      bool fits = false;
      return count_in_chunks<T>(x, capacity, minlength, execution, out, fits);
    }
    return add_alone<T>(x, execution, static_cast<std::int64_t*>(out.numbers.get()),
                        [](std::int64_t, std::int64_t, unsigned char*) {
                          return [](std::int64_t) { return std::int64_t{1}; };
                        });
  }
  const StridedWalk w(*weights);
  double* const sums = static_cast<double*>(out.numbers.get());
  // Where the numbers are many more than the elements, cleaning the parts' ranges would cost most.
  const bool in_parts =
      parts_for(out.n, execution.threads) > 1 && x.size >= kPartsAbove && out.n <= 4 * x.size;
  return visit_dtype(weights->dtype, [&](auto tag) {
    using Weight = typename decltype(tag)::type;
    const auto read = [&](std::int64_t first, std::int64_t n, unsigned char* buffer) {
      const unsigned char* const block = block_of(w, first, n, buffer);
      return [block](std::int64_t i) { return static_cast<double>(element<Weight>(block, i)); };
    };
    if (in_parts) return add_in_parts<T>(x, out.n, execution, sums, read);
    return add_alone<T>(x, execution, sums, read);
  });
}

}  // namespace

pool::Outcome bincount(const ArrayView& x, const ArrayView* weights, std::int64_t minlength,
                       const pool::Execution& execution, Bincount& out, std::int64_t limit) {
  if (x.size() == 0) {
    allocate(minlength, out);
    return pool::Outcome::done;
  }
  return visit_dtype(x.dtype, [&](auto tag) -> pool::Outcome {
    using T = Seen<typename decltype(tag)::type>;
    if constexpr (std::is_integral_v<T>) {
      return bincount_of<T>(x, weights, minlength, execution, out, limit);
    } else {
      return pool::Outcome::done;  // the table lists no such type
    }
  });
}

double bincount_estimated_ns(const ArrayView& x, bool weighted, std::int64_t minlength) {
  return 200.0 + static_cast<double>(x.size()) * (weighted ? 2.5 : 1.5) +
         0.2 * static_cast<double>(minlength);
}

}  // namespace nativeconc::kernels
