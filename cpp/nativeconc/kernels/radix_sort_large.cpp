// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include <algorithm>
#include <atomic>
#include <bit>
#include <new>
#include <vector>

#include "nativeconc/kernels/radix_sort.hpp"
#include "nativeconc/kernels/work_memory.hpp"

namespace nativeconc::kernels {
namespace {

template <class Kind>
using Record = typename Kind::Record;

constexpr std::int64_t kBetweenStops = 1 << 16;
constexpr std::int64_t kStep = 1024;     // records made at a time
constexpr std::int64_t kScan = 1 << 17;  // records a chunk looks at
constexpr std::int64_t kLeastPortion = 1
                                       << 19;  // records that are counted and distributed together
constexpr std::int64_t kMostPortions = 64;
constexpr int kMostCellBits = 16;
constexpr std::int64_t kBuckets = 512;
constexpr std::int64_t kLeastBucket = 4096;

// What a look at all keys tells.
template <class Word>
struct Survey {
  Word smallest;
  Word largest;
  bool in_order;
};

template <class Kind>
Survey<typename Kind::Word> survey_block(const RecordSource<Kind>& source, std::int64_t first,
                                         std::int64_t end) {
  Record<Kind> records[kStep + 1];
  source.fill(first, 1, records);
  Survey<typename Kind::Word> out{Kind::word(records[0]), Kind::word(records[0]), true};
  for (; first < end; first += kStep) {
    const std::int64_t count = std::min(kStep, end - first);
    if (first > 0) {
      source.fill(first - 1, count + 1, records);
    } else {
      source.fill(0, 1, records);
      source.fill(0, count, records + 1);
    }
    bool falls = false;
    for (std::int64_t i = 1; i <= count; ++i) {
      const auto word = Kind::word(records[i]);
      out.smallest = std::min(out.smallest, word);
      out.largest = std::max(out.largest, word);
      falls |= word < Kind::word(records[i - 1]);
    }
    out.in_order &= !falls;
  }
  return out;
}

template <class Kind>
class LargeSort {
 public:
  using Word = typename Kind::Word;

  LargeSort(std::int64_t n, const RecordSource<Kind>& source, const RecordSink<Kind>& sink,
            const pool::Execution& execution)
      : n_(n), source_(source), sink_(sink), execution_(execution) {}

  pool::Outcome run() {
    if (survey() == pool::Outcome::cancelled) return pool::Outcome::cancelled;
    if (in_order_) return copy();
    if (count_cells() == pool::Outcome::cancelled) return pool::Outcome::cancelled;
    join_cells();
    if (distribute_all() == pool::Outcome::cancelled) return pool::Outcome::cancelled;
    cell_counts_ = WorkMemory<std::uint32_t>();
    return sort_buckets();
  }

 private:
  pool::Outcome survey() {
    const std::int64_t n_blocks = (n_ - 1) / kScan + 1;
    std::vector<Survey<Word>> surveys(static_cast<std::size_t>(n_blocks));
    const auto outcome =
        pool::parallel_for(n_blocks, execution_, [&](std::int64_t block, const pool::Checkpoint&) {
          surveys[static_cast<std::size_t>(block)] =
              survey_block(source_, block * kScan, std::min(n_, (block + 1) * kScan));
        });
    if (outcome == pool::Outcome::cancelled) return outcome;
    smallest_ = surveys[0].smallest;
    Word largest = surveys[0].largest;
    in_order_ = true;
    for (const Survey<Word>& each : surveys) {
      smallest_ = std::min(smallest_, each.smallest);
      largest = std::max(largest, each.largest);
      in_order_ &= each.in_order;
    }
    const int width = static_cast<int>(std::bit_width(static_cast<Word>(largest - smallest_)));
    const int size_bits = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(n_)));
    cell_bits_ = std::min(width, std::clamp(size_bits - 5, 6, kMostCellBits));
    shift_ = width - cell_bits_;
    n_cells_ = std::int64_t{1} << cell_bits_;
    return pool::Outcome::done;
  }

  pool::Outcome copy() const {
    const std::int64_t n_blocks = (n_ - 1) / kScan + 1;
    return pool::parallel_for(
        n_blocks, execution_, [&](std::int64_t block, const pool::Checkpoint&) {
          const std::int64_t end = std::min(n_, (block + 1) * kScan);
          for (std::int64_t first = block * kScan; first < end; first += kStep) {
            const std::int64_t count = std::min(kStep, end - first);
            Record<Kind> records[kStep];
            Record<Kind>* const place = sink_.place(first);
            Record<Kind>* const target = place != nullptr ? place : records;
            source_.fill(first, count, target);
            sink_.emit(first, count, target);
          }
        });
  }

  // Inside the cells even if somebody changes the numbers meanwhile: the result may be anything
  // then, but no memory is damaged.
  std::int64_t cell_of(const Record<Kind>& record) const {
    const std::uint64_t cell = static_cast<Word>(Kind::word(record) - smallest_) >> shift_;
    return static_cast<std::int64_t>(std::min(cell, static_cast<std::uint64_t>(n_cells_ - 1)));
  }

  std::int64_t portion_begin(std::int64_t portion) const {
    return std::min(n_, portion * portion_size_);
  }

  // Calls use(records, count) for all records of a portion. False: stopped.
  template <class Use>
  bool walk(std::int64_t portion, const pool::Checkpoint& checkpoint, const Use& use) const {
    Record<Kind> records[kStep];
    const std::int64_t end = portion_begin(portion + 1);
    std::int64_t until_stop = kBetweenStops;
    for (std::int64_t first = portion_begin(portion); first < end; first += kStep) {
      const std::int64_t count = std::min(kStep, end - first);
      source_.fill(first, count, records);
      use(records, count);
      until_stop -= count;
      if (until_stop <= 0) {
        if (checkpoint.stop()) return false;
        until_stop = kBetweenStops;
      }
    }
    return true;
  }

  pool::Outcome count_cells() {
    n_portions_ = std::clamp<std::int64_t>(n_ / kLeastPortion, 1, kMostPortions);
    portion_size_ = (n_ - 1) / n_portions_ + 1;
    cell_counts_ = WorkMemory<std::uint32_t>(n_portions_ * n_cells_);
    return pool::parallel_for(
        n_portions_, execution_, [&](std::int64_t portion, const pool::Checkpoint& checkpoint) {
          std::uint32_t* const counts = cell_counts_.data() + portion * n_cells_;
          std::fill_n(counts, n_cells_, 0U);
          walk(portion, checkpoint, [&](const Record<Kind>* records, std::int64_t count) {
            for (std::int64_t i = 0; i < count; ++i) ++counts[cell_of(records[i])];
          });
        });
  }

  void join_cells() {
    const std::int64_t most = std::max(n_ / kBuckets, kLeastBucket);
    bucket_of_.resize(static_cast<std::size_t>(n_cells_));
    std::vector<std::int64_t> totals(static_cast<std::size_t>(n_cells_));
    for (std::int64_t portion = 0; portion < n_portions_; ++portion) {
      const std::uint32_t* const counts = cell_counts_.data() + portion * n_cells_;
      for (std::int64_t cell = 0; cell < n_cells_; ++cell) {
        totals[static_cast<std::size_t>(cell)] += counts[cell];
      }
    }
    std::int64_t in_bucket = 0;
    std::int64_t before = 0;
    begins_.assign(1, 0);
    cells_in_.assign(1, 0);
    for (std::size_t cell = 0; cell < totals.size(); ++cell) {
      if (in_bucket > 0 && in_bucket + totals[cell] > most) {
        begins_.push_back(before);
        cells_in_.push_back(0);
        in_bucket = 0;
      }
      bucket_of_[cell] = static_cast<std::uint16_t>(begins_.size() - 1);
      in_bucket += totals[cell];
      before += totals[cell];
      cells_in_.back() += totals[cell] > 0 ? 1 : 0;
    }
    n_buckets_ = static_cast<std::int64_t>(begins_.size());
    begins_.push_back(n_);

    // Where each portion's share of each bucket begins.
    offsets_.assign(static_cast<std::size_t>(n_portions_ * n_buckets_), 0);
    for (std::int64_t portion = 0; portion < n_portions_; ++portion) {
      const std::uint32_t* const counts = cell_counts_.data() + portion * n_cells_;
      std::int64_t* const row = offsets_.data() + portion * n_buckets_;
      for (std::int64_t cell = 0; cell < n_cells_; ++cell) {
        row[bucket_of_[static_cast<std::size_t>(cell)]] += counts[cell];
      }
    }
    for (std::int64_t bucket = 0; bucket < n_buckets_; ++bucket) {
      std::int64_t next = begins_[static_cast<std::size_t>(bucket)];
      for (std::int64_t portion = 0; portion < n_portions_; ++portion) {
        std::int64_t& offset = offsets_[static_cast<std::size_t>(portion * n_buckets_ + bucket)];
        const std::int64_t count = offset;
        offset = next;
        next += count;
      }
    }
  }

  pool::Outcome distribute_all() {
    buckets_ = WorkMemory<Record<Kind>>(n_);
    std::vector<std::int64_t> cursors(offsets_.size());  // a chunk that is run again starts afresh
    Record<Kind>* const target = buckets_.data();
    return pool::parallel_for(
        n_portions_, execution_, [&](std::int64_t portion, const pool::Checkpoint& checkpoint) {
          std::int64_t* const next = cursors.data() + portion * n_buckets_;
          std::copy_n(offsets_.data() + portion * n_buckets_, n_buckets_, next);
          const std::uint16_t* const bucket_of = bucket_of_.data();
          walk(portion, checkpoint, [&](const Record<Kind>* records, std::int64_t count) {
            for (std::int64_t i = 0; i < count; ++i) {
              const std::int64_t at = next[bucket_of[cell_of(records[i])]]++;
              if (at < n_) target[at] = records[i];  // see cell_of()
            }
          });
        });
  }

  pool::Outcome sort_buckets() const {
    std::atomic<bool> no_memory{false};  // relaxed: read after the end of the run alone
    const auto outcome = pool::parallel_for(
        n_buckets_, execution_, [&](std::int64_t bucket, const pool::Checkpoint& checkpoint) {
          const auto b = static_cast<std::size_t>(bucket);
          const std::int64_t first = begins_[b];
          const std::int64_t count = begins_[b + 1] - first;
          if (count == 0) return;
          const Record<Kind>* const records = buckets_.data() + first;
          Record<Kind>* target = sink_.place(first);
          if (shift_ == 0 && cells_in_[b] == 1) {  // all keys are equal
            if (target != nullptr) copy_records<Kind>(records, target, count);
            sink_.emit(first, count, target != nullptr ? target : records);
            return;
          }
          // The bucket itself stays as it is: this chunk may be run again.
          WorkMemory<Record<Kind>> memory;
          if (!memory.try_allocate(target != nullptr ? count : 2 * count)) {
            no_memory.store(true, std::memory_order_relaxed);
            return;
          }
          if (target == nullptr) target = memory.data() + count;
          if (sort_records<Kind>(records, target, memory.data(), count, checkpoint)) {
            sink_.emit(first, count, target);
          }
        });
    if (no_memory.load(std::memory_order_relaxed)) throw std::bad_alloc();
    return outcome;
  }

  const std::int64_t n_;
  const RecordSource<Kind>& source_;
  const RecordSink<Kind>& sink_;
  const pool::Execution& execution_;

  Word smallest_ = 0;
  bool in_order_ = false;
  int cell_bits_ = 0;
  int shift_ = 0;
  std::int64_t n_cells_ = 0;
  std::int64_t n_portions_ = 0;
  std::int64_t portion_size_ = 0;
  std::int64_t n_buckets_ = 0;
  WorkMemory<std::uint32_t> cell_counts_;  // [portion][cell]
  std::vector<std::uint16_t> bucket_of_;   // [cell]
  std::vector<std::int64_t> begins_;       // [bucket], and the end
  std::vector<std::int64_t> cells_in_;     // [bucket], that are not empty
  std::vector<std::int64_t> offsets_;      // [portion][bucket]
  WorkMemory<Record<Kind>> buckets_;
};

}  // namespace

template <class Kind>
pool::Outcome sort_large(std::int64_t n, const RecordSource<Kind>& source,
                         const RecordSink<Kind>& sink, const pool::Execution& execution) {
  return LargeSort<Kind>(n, source, sink, execution).run();
}

#define NATIVECONC_SORT(Kind)                                                      \
  template pool::Outcome sort_large<Kind>(std::int64_t, const RecordSource<Kind>&, \
                                          const RecordSink<Kind>&, const pool::Execution&);
NATIVECONC_SORT(KeyRecord<std::uint8_t>)
NATIVECONC_SORT(KeyRecord<std::uint16_t>)
NATIVECONC_SORT(KeyRecord<std::uint32_t>)
NATIVECONC_SORT(KeyRecord<std::uint64_t>)
NATIVECONC_SORT(PackedRecord)
NATIVECONC_SORT(PairRecord<std::uint32_t>)
NATIVECONC_SORT(PairRecord<std::uint64_t>)
#undef NATIVECONC_SORT

}  // namespace nativeconc::kernels
