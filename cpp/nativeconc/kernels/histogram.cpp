// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/histogram.hpp"

#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <type_traits>

#include "nativeconc/kernels/block_visit.hpp"
#include "nativeconc/kernels/vectors.hpp"

namespace nativeconc::kernels {
namespace {

template <class T>
using Seen = std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>;

template <class S>
struct EvenScale {
  S first;
  S low;
  S high;
  double span;
  double n_bins;
  // Where it is not 0: multiplying by n_bins / span gives the same bin as NumPy's rule for all
  // elements but those nearer than this to an edge, in bins.
  double doubt;
};

// A bound on how far, in bins, quotients and edges are from what they would be without rounding,
// each operation with a relative error of at most u: 5 u n for the quotient (difference, range,
// scale, product), 3 u n + u M n / span for an edge, M the largest of the edges; twice that, so as
// not to have to count terms of second order.
template <class S>
double doubt_of(const EvenBins& bins) {
  const double n = static_cast<double>(bins.edges.size() - 1);
  const double largest = std::max(std::abs(bins.edges.front()), std::abs(bins.edges.back()));
  const double unit = static_cast<double>(std::numeric_limits<S>::epsilon()) / 2;
  const double doubt = 16.0 * unit * (n + largest * n / bins.span);
  constexpr double kNormal = sizeof(S) == 8 ? 1e-280 : 1e-30;  // far from where accuracy is lost
  const bool usual = bins.span > kNormal && bins.span < 1.0 / kNormal && largest < 1.0 / kNormal;
  return usual && doubt < 0.125 ? doubt : 0.0;
}

// The numbers of a block's elements before they are put right; n_bins for those that are left out.
// S: the type of the elements, Q: of the quotient.
template <class S, class Q>
struct EvenNumbers {
  template <int kBytes>
  static NATIVECONC_SIMD_BODY void body(const unsigned char* block, std::int64_t n,
                                        const EvenScale<S>& scale, std::int32_t* out,
                                        bool& doubtful) {
    if (scale.doubt > 0.0) {
      number<kBytes, true>(block, n, scale, out, doubtful);
    } else {
      number<kBytes, false>(block, n, scale, out, doubtful);
    }
  }

  template <int kBytes, bool kByScale>
  static NATIVECONC_SIMD_BODY void number(const unsigned char* block, std::int64_t n,
                                          const EvenScale<S>& scale, std::int32_t* out,
                                          bool& doubtful) {
    constexpr int kWidth = kBytes / static_cast<int>(sizeof(Q));
    using Elements = Lanes<S, kWidth>;
    using Quotients = Lanes<Q, kWidth>;
    using Numbers = Lanes<std::int32_t, kWidth>;
    Elements first, low, high, nothing;
    broadcast(scale.first, first);
    broadcast(scale.low, low);
    broadcast(scale.high, high);
    broadcast(std::numeric_limits<S>::quiet_NaN(), nothing);
    Quotients span, count, last, factor, doubt;
    broadcast(static_cast<Q>(scale.n_bins / scale.span), factor);
    broadcast(static_cast<Q>(scale.doubt), doubt);
    broadcast(static_cast<Q>(scale.span), span);
    broadcast(static_cast<Q>(scale.n_bins), count);
    broadcast(static_cast<Q>(scale.n_bins) - Q{1}, last);
    Numbers none;
    broadcast(static_cast<std::int32_t>(scale.n_bins), none);
    Numbers differing{};
    for (std::int64_t i = 0; i < n; i += kWidth) {
      Elements x;
      if (i + kWidth <= n) {
        load(block + i * static_cast<std::int64_t>(sizeof(S)), x);
      } else {
        x = nothing;
        __builtin_memcpy(&x, block + i * static_cast<std::int64_t>(sizeof(S)),
                         static_cast<std::size_t>(n - i) * sizeof(S));
      }
      x = x >= low ? x : nothing;
      x = x <= high ? x : nothing;
      Quotients q;
      if constexpr (std::is_same_v<S, Q>) {
        q = x - first;
      } else {
        const Elements difference = x - first;
        widen(difference, q);
      }
      Numbers numbers;
      if constexpr (kByScale) {
        q = q * factor;
      } else {
        q = q / span * count;
      }
      const auto kept = q == q;
      if constexpr (kByScale) {
        Numbers below;
        Quotients moved = q - doubt;
        moved = moved < count ? moved : last;  // NaN too
        to_int32(moved, below);
        moved = q + doubt;
        moved = moved < count ? moved : last;
        to_int32(moved, numbers);
        differing |= below ^ numbers;
      } else {
        q = q < count ? q : last;
        to_int32(q, numbers);
      }
      Numbers mask;
      narrow(kept, mask);
      numbers = (numbers & mask) | (none & ~mask);
      store(numbers, out + i);
    }
    doubtful = !kByScale;
    for (int lane = 0; lane < kWidth; ++lane) doubtful |= differing[lane] != 0;
  }

  template <class From>
  static NATIVECONC_SIMD_BODY void to_int32(const From& from,
                                            Lanes<std::int32_t, sizeof(From) / sizeof(Q)>& to) {
    if constexpr (sizeof(From) / sizeof(Q) == 2) {  // GCC takes the general form apart here
      to = Lanes<std::int32_t, 2>{static_cast<std::int32_t>(from[0]),
                                  static_cast<std::int32_t>(from[1])};
    } else {
      to = __builtin_convertvector(from, Lanes<std::int32_t, sizeof(From) / sizeof(Q)>);
    }
  }

  template <class From>
  static NATIVECONC_SIMD_BODY void narrow(const From& from,
                                          Lanes<std::int32_t, sizeof(From) / sizeof(Q)>& to) {
    if constexpr (sizeof(Q) == 4) {
      to = (Lanes<std::int32_t, sizeof(From) / sizeof(Q)>)from;
    } else {
      to = __builtin_convertvector(from, Lanes<std::int32_t, sizeof(From) / sizeof(Q)>);
    }
  }

  NATIVECONC_SIMD_STRUCT(Stamped, body,
                         (const unsigned char* block, std::int64_t n, const EvenScale<S>& scale,
                          std::int32_t* out, bool& doubtful),
                         (block, n, scale, out, doubtful));
};

// T: the elements' type; S, Q: as above.
template <class T, class S, class Q>
class EvenFinder final : public BinFinder {
 public:
  explicit EvenFinder(const EvenBins& bins)
      : BinFinder(static_cast<std::int64_t>(bins.edges.size()) - 1),
        edges_(new S[bins.edges.size() + 1]),
        low_(static_cast<T>(bins.low)),
        high_(static_cast<T>(bins.high)) {
    constexpr S kInfinity = std::numeric_limits<S>::infinity();
    for (std::size_t i = 0; i < bins.edges.size(); ++i) edges_[i] = static_cast<S>(bins.edges[i]);
    scale_ = {edges_[0],        -kInfinity, kInfinity, bins.span, static_cast<double>(n_bins()),
              doubt_of<S>(bins)};
    if (!bins.bounded) {
      // Found from the data, which somebody may have changed since.
      scale_.low = edges_[0];
      scale_.high = edges_[bins.edges.size() - 1];
      low_ = std::numeric_limits<T>::lowest();
      high_ = std::numeric_limits<T>::max();
    } else if (std::is_floating_point_v<T>) {
      // Below the first edge there is no bin, whatever low is.
      scale_.low = std::max(static_cast<S>(bins.low_real), edges_[0]);
      scale_.high = static_cast<S>(bins.high_real);
    }
    // Nothing is moved out of the last bin, nor out of the place for what is left out.
    edges_[bins.edges.size() - 1] = edges_[bins.edges.size()] = std::numeric_limits<S>::quiet_NaN();
  }

  void find(const unsigned char* block, std::int64_t n, std::int32_t* bins) const override {
    S converted[kBlock];
    if constexpr (!std::is_same_v<T, S>) {
      for (std::int64_t i = 0; i < n; ++i) converted[i] = to_single_or_double(element<T>(block, i));
      block = reinterpret_cast<const unsigned char*>(converted);
    }
    constexpr std::int64_t kStretch = 256;  // what is put right together
    for (std::int64_t i = 0; i < n; i += kStretch) {
      const unsigned char* const stretch = block + i * static_cast<std::int64_t>(sizeof(S));
      number(stretch, std::min(kStretch, n - i), bins + i);
    }
  }

 private:
  void number(const unsigned char* stretch, std::int64_t n, std::int32_t* bins) const {
    bool doubtful = false;
    EvenNumbers<S, Q>::Stamped::run(stretch, n, scale_, bins, doubtful);
    if (!doubtful) return;
    const S* const edges = edges_.get();
    for (std::int64_t i = 0; i < n; ++i) {
      const S x = element<S>(stretch, i);
      std::int32_t bin = bins[i];
      bin -= x < edges[bin] ? 1 : 0;
      bin += x >= edges[bin + 1] ? 1 : 0;
      bins[i] = bin;
    }
  }

  S to_single_or_double(T x) const {
    if constexpr (!std::is_floating_point_v<T>) {
      if (x < low_ || x > high_) return std::numeric_limits<S>::quiet_NaN();
    }
    return static_cast<S>(x);
  }

  std::unique_ptr<S[]> edges_;
  EvenScale<S> scale_;
  T low_;
  T high_;
};

// T: the elements' type, E: the edges'.
template <class T, class E>
class UnevenFinder final : public BinFinder {
 public:
  explicit UnevenFinder(const UnevenBins& bins)
      : BinFinder(bins.n_edges - 1),
        n_edges_(bins.n_edges),
        step_(static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(bins.n_edges)))) {
    // A full tree needs 2 * step - 1 edges; what is missing is larger than any element, or (the
    // largest integer) put right in place().
    constexpr bool kReal = std::is_floating_point_v<E>;
    constexpr E kLargest =
        kReal ? std::numeric_limits<E>::quiet_NaN() : std::numeric_limits<E>::max();
    edges_.reset(new E[static_cast<std::size_t>(2 * step_)]);
    const E* const given = static_cast<const E*>(bins.edges);
    std::copy(given, given + n_edges_, edges_.get());
    std::fill(edges_.get() + n_edges_, edges_.get() + 2 * step_, kLargest);
    last_ = given[n_edges_ - 1];
    if constexpr (kReal) nan_is_last_ = last_ != last_;
  }

  void find(const unsigned char* block, std::int64_t n, std::int32_t* bins) const override {
    constexpr std::int64_t kAtOnce = 8;  // so that one search's waits are filled by the others
    std::int64_t i = 0;
    for (; i + kAtOnce <= n; i += kAtOnce) search<kAtOnce>(block, i, bins);
    for (; i < n; ++i) search<1>(block, i, bins);
  }

 private:
  template <std::int64_t kCount>
  void search(const unsigned char* block, std::int64_t first, std::int32_t* bins) const {
    const E* const edges = edges_.get();
    E x[kCount];
    std::int64_t below[kCount] = {};  // how many edges are not above x
    for (std::int64_t k = 0; k < kCount; ++k) x[k] = static_cast<E>(element<T>(block, first + k));
    for (std::int64_t step = step_; step > 0; step /= 2) {
      const E* const middle = edges + step - 1;
      for (std::int64_t k = 0; k < kCount; ++k) {  // no branch: nobody could foretell it
        below[k] += step & -static_cast<std::int64_t>(middle[below[k]] <= x[k]);
      }
    }
    for (std::int64_t k = 0; k < kCount; ++k) bins[first + k] = place(x[k], below[k]);
  }

  std::int32_t place(E x, std::int64_t below) const {
    below = std::min(below, n_edges_);
    std::int64_t bin = below - 1;
    if (below == n_edges_) bin = x > last_ ? n_bins() : n_bins() - 1;
    if (below == 0) bin = nan_is_last_ && x != x ? n_bins() - 1 : n_bins();
    return static_cast<std::int32_t>(bin >= 0 ? bin : n_bins());
  }

  std::int64_t n_edges_;
  std::int64_t step_;
  std::unique_ptr<E[]> edges_;
  E last_;
  bool nan_is_last_ = false;
};

pool::Outcome run(const ArrayView& a, const BinFinder& finder, const ArrayView* weights,
                  Rounding rounding, const pool::Execution& execution, void* out) {
  if (weights != nullptr) return weigh_bins(a, *weights, finder, rounding, execution, out);
  return count_bins(a, finder, execution, static_cast<std::int64_t*>(out));
}

}  // namespace

pool::Outcome histogram(const ArrayView& a, const EvenBins& bins, const ArrayView* weights,
                        const pool::Execution& execution, void* out) {
  return visit_dtype(a.dtype, [&](auto tag) {
    using T = Seen<typename decltype(tag)::type>;
    const auto use = [&](const BinFinder& finder) {
      return run(a, finder, weights, Rounding::each_block, execution, out);
    };
    if constexpr (sizeof(T) < 4 || std::is_same_v<T, float>) {
      if (bins.single && bins.single_quotient) return use(EvenFinder<T, float, float>(bins));
      if (bins.single) return use(EvenFinder<T, float, double>(bins));
    }
    return use(EvenFinder<T, double, double>(bins));
  });
}

pool::Outcome histogram(const ArrayView& a, const UnevenBins& bins, const ArrayView* weights,
                        const pool::Execution& execution, void* out) {
  return visit_dtype(a.dtype, [&](auto tag) {
    using T = Seen<typename decltype(tag)::type>;
    const auto use = [&](const BinFinder& finder) {
      return run(a, finder, weights, Rounding::at_the_end, execution, out);
    };
    if constexpr (std::is_integral_v<T>) {
      if (bins.dtype == Dtype::int64) return use(UnevenFinder<T, std::int64_t>(bins));
      if (bins.dtype == Dtype::uint64) return use(UnevenFinder<T, std::uint64_t>(bins));
    }
    return use(UnevenFinder<T, double>(bins));
  });
}

double histogram_estimated_ns(const ArrayView& a, std::int64_t n_bins, bool even) {
  const double per_element =
      even ? 3.0
           : 1.0 + 0.5 * static_cast<double>(std::bit_width(static_cast<std::uint64_t>(n_bins)));
  return 200.0 + static_cast<double>(a.size()) * per_element + static_cast<double>(n_bins);
}

}  // namespace nativeconc::kernels
