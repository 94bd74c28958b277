// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/table.hpp"

#include <array>

namespace nativeconc::kernels {
namespace {

constexpr std::array kNumbers = {Dtype::boolean, Dtype::int8,    Dtype::int16,  Dtype::int32,
                                 Dtype::int64,   Dtype::uint8,   Dtype::uint16, Dtype::uint32,
                                 Dtype::uint64,  Dtype::float32, Dtype::float64};

constexpr std::array kWhole = {Dtype::boolean, Dtype::int8,   Dtype::int16,
                               Dtype::int32,   Dtype::int64,  Dtype::uint8,
                               Dtype::uint16,  Dtype::uint32, Dtype::uint64};

constexpr std::array kTable = {
    KernelRow{"add_at", kNumbers, false, "numpy.add.at"},
    KernelRow{"argsort", kNumbers, false, "numpy.argsort"},
    KernelRow{"bincount", kWhole, false, "numpy.bincount"},
    KernelRow{"count_primes", {}, false, "a NumPy sieve of Eratosthenes"},
    KernelRow{"groupby", kNumbers, false, "pandas.Series.groupby"},
    KernelRow{"histogram", kNumbers, false, "numpy.histogram"},
    KernelRow{"isin", kNumbers, false, "numpy.isin"},
    KernelRow{"mandelbrot", {}, true, "a NumPy loop over whole images"},
    KernelRow{"max", kNumbers, false, "numpy.max"},
    KernelRow{"mean", kNumbers, false, "numpy.mean"},
    KernelRow{"median", kNumbers, false, "numpy.median"},
    KernelRow{"min", kNumbers, false, "numpy.min"},
    KernelRow{"monte_carlo_pi", {}, false, "numpy.random.Generator.random"},
    KernelRow{"nanmax", kNumbers, false, "numpy.nanmax"},
    KernelRow{"nanmean", kNumbers, false, "numpy.nanmean"},
    KernelRow{"nanmin", kNumbers, false, "numpy.nanmin"},
    KernelRow{"nanstd", kNumbers, false, "numpy.nanstd"},
    KernelRow{"nansum", kNumbers, false, "numpy.nansum"},
    KernelRow{"nanvar", kNumbers, false, "numpy.nanvar"},
    KernelRow{"partition", kNumbers, false, "numpy.partition"},
    KernelRow{"quantile", kNumbers, false, "numpy.quantile"},
    KernelRow{"searchsorted", kNumbers, false, "numpy.searchsorted"},
    KernelRow{"sort", kNumbers, false, "numpy.sort"},
    KernelRow{"std", kNumbers, false, "numpy.std"},
    KernelRow{"sum", kNumbers, true, "numpy.sum"},
    KernelRow{"unique", kNumbers, false, "numpy.unique"},
    KernelRow{"var", kNumbers, false, "numpy.var"},
};

}  // namespace

std::span<const KernelRow> table() { return kTable; }

std::span<const Dtype> dtypes_of(std::string_view kernel) {
  for (const KernelRow& row : kTable) {
    if (row.name == kernel) return row.dtypes;
  }
  return {};
}

}  // namespace nativeconc::kernels
