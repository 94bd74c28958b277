// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The lock-order graph: an edge A -> B says that somebody who held A went on to take B. As long as
// the edges form no circle, no threads that keep to them can deadlock; the edge that would close
// one is reported and left out. Knows nothing of locks: a node stands for one lock or for a class
// of them.
//
// Any thread, guarded by the caller, const members too. Never blocks and never throws: memory that
// cannot be had counts as `full`. A forked child goes on with what it finds.
//
// Invariants:
//   I.   Every node has a position, different from all others', and every edge leads from a lower
//   to a
//        higher one. So there are no circles, and a search for one need only look at what lies
//        between the two ends of the new edge.
//   II.  A node's number holds the place where it is kept and a serial number that is never given
//   out
//        twice, not even after clear(): the number of a node that was removed finds nothing.
//
// Cost: an edge that is known, or agrees with the order, O(1). Any other: in proportion to the
// nodes that lie between its ends in the order and are reached from them, and to their edges; at
// worst the whole graph, whose size is bounded. Removing a node: in proportion to its edges.
//
// Source: D. J. Pearce and P. H. J. Kelly, "A dynamic topological sort algorithm for directed
// acyclic graphs", ACM Journal of Experimental Algorithmics 11, 2006. Here the search for a circle
// is breadth first, so that the path it finds is a shortest one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace nativeconc::deadlock {

using NodeId = std::uint64_t;
inline constexpr NodeId kNoNode = 0;

enum class Added {
  known,  // it was there before; or one of its ends is not a node (any more)
  added,
  cycle,  // it would close a circle, and is not in the graph
  full,   // there is no room for another edge
};

class OrderGraph {
 public:
  // The most nodes that a graph can have, whatever it is asked for.
  static constexpr std::size_t kMaxNodes = (std::size_t{1} << 20) - 1;

  // Memory grows with what is in the graph, up to about 100 bytes for each node and each edge.
  OrderGraph(std::size_t max_nodes, std::size_t max_edges);
  ~OrderGraph();
  OrderGraph(const OrderGraph&) = delete;
  OrderGraph& operator=(const OrderGraph&) = delete;

  // kNoNode if there is no room for another.
  NodeId add_node() noexcept;

  // Removes it with all of its edges, each of which, as (held, wanted), is added to *removed as far
  // as there is memory. May be null.
  void remove_node(NodeId node, std::vector<std::pair<NodeId, NodeId>>* removed = nullptr) noexcept;

  // A lock of class `wanted` is taken by somebody who holds one of class `held`. On `cycle`, *path
  // becomes a shortest way from `wanted` to `held` along edges of the graph, both ends included; it
  // is the one node if they are the same. It is left empty on any other result, and when memory is
  // short. May be null.
  Added add_edge(NodeId held, NodeId wanted, std::vector<NodeId>* path) noexcept;

  bool has_edge(NodeId held, NodeId wanted) const noexcept;

  std::size_t nodes() const noexcept;
  std::size_t edges() const noexcept;

  // Removes all nodes and edges, and gives their memory back.
  void clear() noexcept;

 private:
  struct Data;

  const std::size_t max_nodes_;
  const std::size_t max_edges_;
  std::uint64_t last_serial_ = 0;
  std::unique_ptr<Data> data_;  // null while the graph is empty
};

}  // namespace nativeconc::deadlock
