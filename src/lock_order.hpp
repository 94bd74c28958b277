// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The lock-order graph with what a report needs: labels of its nodes, and where each edge was seen.
//
// A node is a class of locks (one place of creation, or one name), or a single lock where two locks
// of one class are held together. Needs the GIL; guarded by a short mutex of its own.
//
// Memory is bounded: when the graph is full it is forgotten, and learned again. Nodes of single
// locks go when their locks go.
#pragma once

#include <cstdint>
#include <vector>

#include "origin.hpp"
#include "python.hpp"

namespace nativeconc::seam {

struct OrderNodes {
  std::uint64_t class_node = 0;
  std::uint64_t own_node = 0;
  friend bool operator==(const OrderNodes&, const OrderNodes&) = default;
};

// The nodes of a lock, made when it is first taken while the order is looked at.
OrderNodes order_nodes(PyObject* lock, Origin& origin);

// The locks in `held` were taken before `wanted`, by this thread, which `chain` stands for. Each
// chain is looked at once. Warns if some other order is known. False, with an error set, if
// warnings are errors.
bool check_chain(const std::vector<OrderNodes>& held, OrderNodes wanted, std::uint64_t chain);

void forget_order_node(std::uint64_t own_node);
void forget_order();

}  // namespace nativeconc::seam
