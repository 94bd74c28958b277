// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The lock-order graph with what a report needs: labels of its nodes, and where each edge was seen.
//
// A node is a class of locks (one place of creation, or one name), or a single lock where two locks
// of one class are held together. Needs the GIL; guarded by a short mutex of its own, under which
// no Python object is made or given back: either may run any Python code, which may take locks.
//
// Memory is bounded: when the graph is full it is forgotten, and learned again. Nodes of single
// locks go when their locks go. Numbers of nodes are never given out twice, so what is known of
// chains of old nodes is of no use after that, but does no harm.
#pragma once

#include <cstdint>
#include <vector>

#include "origin.hpp"
#include "python.hpp"

namespace nativeconc::seam {

struct OrderNodes {
  std::uint64_t class_node = 0;
  std::uint64_t own_node = 0;
  std::uint32_t generation = 0;  // counts how often the graph has been forgotten; 0: not nodes
  friend bool operator==(const OrderNodes&, const OrderNodes&) = default;
};

// The nodes of a lock in the graph as it is now, made if there are none yet. None, without an
// error, if there is no memory.
OrderNodes order_nodes(PyObject* lock, Origin& origin);

// The same, but none if they are not made yet.
OrderNodes known_nodes(const Origin& origin);

enum class [[nodiscard]] Checked {
  yes,
  no,     // the graph was forgotten meanwhile, or there is no memory: look again next time
  error,  // an error is set, because warnings are errors
};

// The locks in `held` were taken before `wanted`, by this thread, which `chain` stands for. Each
// chain is looked at once. Warns if some other order is known.
Checked check_chain(const std::vector<OrderNodes>& held, OrderNodes wanted, std::uint64_t chain);

void forget_order_node(std::uint64_t own_node);
void forget_order();

}  // namespace nativeconc::seam
