// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/strided_walk.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace nativeconc::kernels {
namespace {

struct Axis {
  std::int64_t extent;
  std::int64_t stride;
};

// NumPy's insertion sort: pairs with a zero stride cannot be compared and are looked past.
void sort_axes(Axis* axes, int ndim) {
  for (int i = 1; i < ndim; ++i) {
    int place = i;
    for (int j = i - 1; j >= 0; --j) {
      if (axes[j].stride == 0 || axes[i].stride == 0) continue;
      if (std::abs(axes[i].stride) <= std::abs(axes[j].stride)) break;
      place = j;
    }
    std::rotate(axes + place, axes + i, axes + i + 1);
  }
}

int join_axes(Axis* axes, int ndim) {
  int last = 0;
  for (int i = 1; i < ndim; ++i) {
    if (axes[last].stride == axes[i].stride * axes[i].extent) {
      axes[last] = {axes[last].extent * axes[i].extent, axes[i].stride};
    } else {
      axes[++last] = axes[i];
    }
  }
  return ndim == 0 ? 0 : last + 1;
}

template <class Word>
void copy_run(const unsigned char* source, std::int64_t stride, std::int64_t count,
              unsigned char* out) {
  if (stride == static_cast<std::int64_t>(sizeof(Word))) {
    std::memcpy(out, source, static_cast<std::size_t>(count) * sizeof(Word));
    return;
  }
  for (std::int64_t i = 0; i < count; ++i) {
    std::memcpy(out + i * static_cast<std::int64_t>(sizeof(Word)), source + i * stride,
                sizeof(Word));
  }
}

// Calls visit(offset, stride, count) for each stretch of evenly spaced elements, in order.
template <class Visit>
void for_each_run(const StridedWalk& walk, std::int64_t first, std::int64_t count,
                  const Visit& visit) {
  if (walk.ndim == 0) return visit(std::int64_t{0}, walk.itemsize, std::int64_t{1});
  std::array<std::int64_t, ArrayView::kMaxDims> index;
  const auto inner = static_cast<std::size_t>(walk.ndim - 1);
  std::int64_t rest = first;
  std::int64_t offset = 0;
  for (std::size_t axis = inner + 1; axis-- > 0;) {
    index[axis] = rest % walk.shape[axis];
    rest /= walk.shape[axis];
    offset += index[axis] * walk.strides[axis];
  }
  while (true) {
    const std::int64_t run = std::min(count, walk.shape[inner] - index[inner]);
    visit(offset, walk.strides[inner], run);
    count -= run;
    if (count == 0) return;
    offset -= index[inner] * walk.strides[inner];
    index[inner] = 0;
    for (std::size_t axis = inner; axis-- > 0;) {  // the next row: count up like an odometer
      offset += walk.strides[axis];
      if (++index[axis] < walk.shape[axis]) break;
      offset -= walk.shape[axis] * walk.strides[axis];
      index[axis] = 0;
    }
  }
}

template <class Word>
void gather_words(const StridedWalk& walk, std::int64_t first, std::int64_t count,
                  unsigned char* out) {
  for_each_run(walk, first, count, [&](std::int64_t offset, std::int64_t stride, std::int64_t run) {
    copy_run<Word>(walk.data + offset, stride, run, out);
    out += run * static_cast<std::int64_t>(sizeof(Word));
  });
}

}  // namespace

StridedWalk::StridedWalk(const ArrayView& view)
    : data(static_cast<const unsigned char*>(view.data)),
      size(view.size()),
      itemsize(static_cast<std::int64_t>(size_of(view.dtype))) {
  if (size == 0) return;
  Axis axes[ArrayView::kMaxDims];
  int n = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(view.ndim); ++i) {
    if (view.shape[i] != 1) axes[n++] = {view.shape[i], view.strides[i]};
  }
  sort_axes(axes, n);
  ndim = join_axes(axes, n);
  for (std::size_t i = 0; i < static_cast<std::size_t>(ndim); ++i) {
    shape[i] = axes[i].extent;
    strides[i] = axes[i].stride;
  }
}

void StridedWalk::gather(std::int64_t first, std::int64_t count, unsigned char* out) const {
  if (count == 0) return;
  switch (itemsize) {
    case 1:
      return gather_words<std::uint8_t>(*this, first, count, out);
    case 2:
      return gather_words<std::uint16_t>(*this, first, count, out);
    case 4:
      return gather_words<std::uint32_t>(*this, first, count, out);
    default:
      return gather_words<std::uint64_t>(*this, first, count, out);
  }
}

void StridedWalk::list_offsets(std::int64_t first, std::int64_t count, std::int64_t* out) const {
  if (count == 0) return;
  for_each_run(*this, first, count,
               [&](std::int64_t offset, std::int64_t stride, std::int64_t run) {
                 for (std::int64_t i = 0; i < run; ++i) *out++ = offset + i * stride;
               });
}

}  // namespace nativeconc::kernels
