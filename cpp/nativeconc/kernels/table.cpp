// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/table.hpp"

#include <array>

namespace nativeconc::kernels {
namespace {

constexpr std::array kNumbers = {Dtype::float32, Dtype::float64, Dtype::int32, Dtype::int64};

constexpr std::array kReals = {Dtype::boolean, Dtype::int8,    Dtype::int16,  Dtype::int32,
                               Dtype::int64,   Dtype::uint8,   Dtype::uint16, Dtype::uint32,
                               Dtype::uint64,  Dtype::float32, Dtype::float64};

constexpr std::array kTable = {
    KernelRow{"argsort", kReals, false, "numpy.argsort"},
    KernelRow{"count_primes", {}, false, "a NumPy sieve of Eratosthenes"},
    KernelRow{"isin", kReals, false, "numpy.isin"},
    KernelRow{"mandelbrot", {}, true, "a NumPy loop over whole images"},
    KernelRow{"median", kReals, false, "numpy.median"},
    KernelRow{"monte_carlo_pi", {}, false, "numpy.random.Generator.random"},
    KernelRow{"searchsorted", kReals, false, "numpy.searchsorted"},
    KernelRow{"sort", kReals, false, "numpy.sort"},
    KernelRow{"sum", kNumbers, true, "numpy.sum"},
    KernelRow{"unique", kReals, false, "numpy.unique"},
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
