// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/group_sort.hpp"

#include <algorithm>

#include "nativeconc/kernels/lane_sort.hpp"

namespace nativeconc::kernels {
namespace {

using Kind = FoundGroups::Kind;
using Record = FoundGroups::Record;

class Source final : public RecordSource<Kind> {
 public:
  explicit Source(const FoundGroups& groups) : groups_(groups) {}

  void fill(std::int64_t first, std::int64_t count, Record* out) const override {
    groups_.copy(first, count, out);
  }

 private:
  const FoundGroups& groups_;
};

class Sink final : public RecordSink<Kind> {
 public:
  explicit Sink(const GroupOutput& out) : out_(out) {}

  Record* place(std::int64_t) const override { return nullptr; }

  void emit(std::int64_t first, std::int64_t count, const Record* sorted) const override {
    std::uint64_t keys[kBlock];
    std::uint64_t results[kBlock];
    for (std::int64_t done = 0; done < count; done += kBlock) {
      const std::int64_t n = std::min(kBlock, count - done);
      for (std::int64_t i = 0; i < n; ++i) {
        keys[i] = sorted[done + i].key;
        results[i] = sorted[done + i].index;
      }
      out_.write(first + done, n, keys, results);
    }
  }

 private:
  const GroupOutput& out_;
};

}  // namespace

void FoundGroups::copy(std::int64_t first, std::int64_t count, Record* out) const {
  auto list = std::upper_bound(lists_.begin(), lists_.end(), first,
                               [](std::int64_t i, const List& each) { return i < each.before; });
  --list;
  for (const std::int64_t end = first + count; first < end; ++list) {
    const std::int64_t list_end = list + 1 == lists_.end() ? n_ : (list + 1)->before;
    const std::int64_t here = std::min(end, list_end) - first;
    std::copy_n(at(list->place + first - list->before), here, out);
    out += here;
    first += here;
  }
}

pool::Outcome write_sorted(const FoundGroups& groups, const pool::Execution& execution,
                           GroupOutput& out) {
  out.allocate(groups.size());
  return sort_lanes<Kind>(
      1, groups.size(), [&](std::int64_t) { return Source(groups); },
      [&](std::int64_t) { return Sink(out); }, execution);
}

}  // namespace nativeconc::kernels
