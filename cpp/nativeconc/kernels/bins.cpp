// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/bins.hpp"

#include <limits>
#include <memory>
#include <type_traits>

#include "nativeconc/kernels/block_visit.hpp"
#include "nativeconc/pool/parallel_for.hpp"

namespace nativeconc::kernels {
namespace {

constexpr std::int64_t kUsualChunk = 1 << 17;
constexpr std::int64_t kMostChunks = 64;
constexpr std::int64_t kLargestChunk = 1 << 30;  // a chunk's counts fit 32 bits
constexpr std::int64_t kSmallRoom = 1 << 20;     // bytes

// With few bins, neighbours are counted in different rows: adding to a number that was just stored
// waits for the store.
constexpr std::int64_t kRows = 4;
constexpr std::int64_t kFewBins = 1024;

// Of NumPy's histogram.
constexpr std::int64_t kWeightBlock = 65536;
constexpr std::int64_t kWaveBytes = 16 << 20;

std::int64_t chunks_for(std::int64_t size, std::int64_t itemsize, std::int64_t n_places) {
  std::int64_t n = std::clamp<std::int64_t>(size / kUsualChunk, 1, kMostChunks);
  const std::int64_t room = std::max(size * itemsize, kSmallRoom);
  while (n > 1 && n * n_places * 4 > room) n /= 2;
  return std::max(n, (size - 1) / kLargestChunk + 1);
}

void count_in_rows(const std::int32_t* bins, std::int64_t n, std::int64_t n_places,
                   std::uint32_t* rows) {
  std::uint32_t* const r1 = rows + n_places;
  std::uint32_t* const r2 = r1 + n_places;
  std::uint32_t* const r3 = r2 + n_places;
  std::int64_t i = 0;
  for (; i + kRows <= n; i += kRows) {
    ++rows[bins[i]];
    ++r1[bins[i + 1]];
    ++r2[bins[i + 2]];
    ++r3[bins[i + 3]];
  }
  for (; i < n; ++i) ++rows[bins[i]];
}

// Counts one chunk into `counts`, from zero on.
void count_chunk(const StridedWalk& walk, std::int64_t first, std::int64_t count,
                 const BinFinder& finder, const pool::Checkpoint& checkpoint,
                 std::uint32_t* counts) {
  const std::int64_t n_places = finder.n_bins() + 1;
  std::int32_t bins[kBlock + BinFinder::kSlack];
  std::fill(counts, counts + n_places, 0);
  if (n_places > kFewBins) {
    visit_blocks(walk, first, count, checkpoint,
                 [&](const unsigned char* block, std::int64_t n, std::int64_t) {
                   finder.find(block, n, bins);
                   for (std::int64_t i = 0; i < n; ++i) ++counts[bins[i]];
                 });
    return;
  }
  std::uint32_t rows[kRows * kFewBins];
  std::fill(rows, rows + kRows * n_places, 0);
  visit_blocks(walk, first, count, checkpoint,
               [&](const unsigned char* block, std::int64_t n, std::int64_t) {
                 finder.find(block, n, bins);
                 count_in_rows(bins, n, n_places, rows);
               });
  for (std::int64_t row = 0; row < kRows; ++row) {
    for (std::int64_t i = 0; i < n_places; ++i) counts[i] += rows[row * n_places + i];
  }
}

// What NumPy's conversion gives on x86 where a number does not fit.
template <class T>
T converted(double value) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(value);
  } else if constexpr (std::is_same_v<T, std::uint64_t>) {
    if (value >= 0x1p63 && value < 0x1p64) return static_cast<T>(value);
    return static_cast<T>(converted<std::int64_t>(value));
  } else {
    const bool fits = value >= -0x1p63 && value < 0x1p63;
    return static_cast<T>(fits ? static_cast<std::int64_t>(value)
                               : std::numeric_limits<std::int64_t>::min());
  }
}

template <class T>
T converted(std::uint64_t value) {
  return static_cast<T>(value);
}

template <class T>
T added(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return a + b;
  } else if constexpr (std::is_same_v<T, bool>) {
    return a || b;
  } else {
    return static_cast<T>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
  }
}

// One block's sums, from zero on. Sum: what they are added up in.
template <class Weight, class Sum>
void weigh_block(const StridedWalk& a, const StridedWalk& weights, std::int64_t first,
                 std::int64_t count, const BinFinder& finder, const pool::Checkpoint& checkpoint,
                 Sum* sums) {
  std::int32_t bins[kBlock + BinFinder::kSlack];
  alignas(64) unsigned char buffer[kBlock * sizeof(Weight)];
  std::fill(sums, sums + finder.n_bins() + 1, Sum{0});
  visit_blocks(a, first, count, checkpoint,
               [&](const unsigned char* block, std::int64_t n, std::int64_t done) {
                 const unsigned char* const w = block_of(weights, first + done, n, buffer);
                 finder.find(block, n, bins);
                 for (std::int64_t i = 0; i < n; ++i) {
                   sums[bins[i]] += static_cast<Sum>(element<Weight>(w, i));
                 }
               });
}

// Total: what the blocks' sums are added up in.
template <class Weight, class Sum, class Total>
pool::Outcome weigh(const ArrayView& a, const ArrayView& w, const BinFinder& finder,
                    const pool::Execution& execution, Weight* out) {
  const StridedWalk walk(a);
  const StridedWalk weights(w);
  const std::int64_t n_bins = finder.n_bins();
  const std::int64_t n_places = n_bins + 1;
  const std::int64_t n_blocks = (walk.size + kWeightBlock - 1) / kWeightBlock;
  const std::int64_t row_bytes = n_places * static_cast<std::int64_t>(sizeof(Sum));
  const std::int64_t wave =
      std::min(n_blocks, std::max<std::int64_t>(kWaveBytes / row_bytes, kRows));
  const std::unique_ptr<Sum[]> rows(new Sum[static_cast<std::size_t>(wave * n_places)]);
  std::unique_ptr<Total[]> own;
  Total* totals = nullptr;
  if constexpr (std::is_same_v<Total, Weight>) {
    totals = out;
  } else {
    own.reset(new Total[static_cast<std::size_t>(n_bins)]);
    totals = own.get();
  }
  std::fill(totals, totals + n_bins, Total{0});
  for (std::int64_t done = 0; done < n_blocks; done += wave) {
    const std::int64_t n_rows = std::min(wave, n_blocks - done);
    const pool::Outcome outcome = pool::parallel_for(
        n_rows, execution, [&](std::int64_t row, const pool::Checkpoint& checkpoint) {
          const std::int64_t first = (done + row) * kWeightBlock;
          weigh_block<Weight, Sum>(walk, weights, first, std::min(kWeightBlock, walk.size - first),
                                   finder, checkpoint, rows.get() + row * n_places);
        });
    if (outcome != pool::Outcome::done) return outcome;
    for (std::int64_t row = 0; row < n_rows; ++row) {
      const Sum* const sums = rows.get() + row * n_places;
      for (std::int64_t i = 0; i < n_bins; ++i) {
        totals[i] = added<Total>(totals[i], converted<Total>(sums[i]));
      }
    }
  }
  if constexpr (!std::is_same_v<Total, Weight>) {
    for (std::int64_t i = 0; i < n_bins; ++i) out[i] = converted<Weight>(totals[i]);
  }
  return pool::Outcome::done;
}

}  // namespace

pool::Outcome count_bins(const ArrayView& a, const BinFinder& finder,
                         const pool::Execution& execution, std::int64_t* counts) {
  const StridedWalk walk(a);
  const std::int64_t n_bins = finder.n_bins();
  const std::int64_t n_places = n_bins + 1;
  std::fill(counts, counts + n_bins, 0);
  if (walk.size == 0) return pool::Outcome::done;
  const std::int64_t n_chunks = chunks_for(walk.size, walk.itemsize, n_places);
  const std::unique_ptr<std::uint32_t[]> rows(
      new std::uint32_t[static_cast<std::size_t>(n_chunks * n_places)]);
  const std::int64_t per_chunk = (walk.size - 1) / n_chunks + 1;
  const pool::Outcome outcome = pool::parallel_for(
      n_chunks, execution, [&](std::int64_t chunk, const pool::Checkpoint& checkpoint) {
        const std::int64_t first = std::min(chunk * per_chunk, walk.size);
        count_chunk(walk, first, std::min(per_chunk, walk.size - first), finder, checkpoint,
                    rows.get() + chunk * n_places);
      });
  if (outcome != pool::Outcome::done) return outcome;

  constexpr std::int64_t kMergedAtOnce = 1 << 14;
  return pool::parallel_for((n_bins + kMergedAtOnce - 1) / kMergedAtOnce, execution,
                            [&](std::int64_t part, const pool::Checkpoint&) {
                              const std::int64_t first = part * kMergedAtOnce;
                              const std::int64_t end = std::min(first + kMergedAtOnce, n_bins);
                              std::fill(counts + first, counts + end, 0);
                              for (std::int64_t chunk = 0; chunk < n_chunks; ++chunk) {
                                const std::uint32_t* const row = rows.get() + chunk * n_places;
                                for (std::int64_t i = first; i < end; ++i) counts[i] += row[i];
                              }
                            });
}

pool::Outcome weigh_bins(const ArrayView& a, const ArrayView& weights, const BinFinder& finder,
                         Rounding rounding, const pool::Execution& execution, void* sums) {
  return visit_dtype(weights.dtype, [&](auto tag) {
    using Weight = typename decltype(tag)::type;
    Weight* const out = static_cast<Weight*>(sums);
    if (rounding == Rounding::each_block) {
      return weigh<Weight, double, Weight>(a, weights, finder, execution, out);
    }
    using Exact = std::conditional_t<std::is_floating_point_v<Weight>, double, std::uint64_t>;
    return weigh<Weight, Exact, Exact>(a, weights, finder, execution, out);
  });
}

}  // namespace nativeconc::kernels
