// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Which elements of an array occur in another one. Twin of numpy.isin(element, test_elements).
//
// Any thread, several at once, after fork. The arrays must not change meanwhile.
//
// A NaN occurs nowhere; -0.0 and 0.0 are equal. Integers that span few values are looked up in a
// table of bits, all else in a hash table (open addressing, linear probing; Knuth, TAOCP 3, 6.4,
// algorithm L). Threads fill the table together; in which order changes where keys lie, but never
// which ones are in it.
// Memory: the hash table, 16 to 32 bytes for each test element; or one bit for each value in the
// span of the test elements, which is at most 8 bits for each element of either array.
#pragma once

#include "nativeconc/base/array_view.hpp"
#include "nativeconc/pool/execution.hpp"

namespace nativeconc::kernels {

// out: element.size() bools, in row-major order; both arrays have one dtype. invert: true for those
// that do not occur. Throws std::bad_alloc.
pool::Outcome isin(const ArrayView& element, const ArrayView& test_elements, bool invert,
                   const pool::Execution& execution, bool* out);

// A rough cost on one thread.
double isin_estimated_ns(const ArrayView& element, const ArrayView& test_elements);

}  // namespace nativeconc::kernels
