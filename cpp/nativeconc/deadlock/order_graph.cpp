// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/deadlock/order_graph.hpp"

#include <algorithm>
#include <limits>
#include <new>
#include <unordered_set>

namespace nativeconc::deadlock {
namespace {

using Index = std::uint32_t;  // of a node or an edge in its table
constexpr Index kNone = std::numeric_limits<Index>::max();

constexpr int kPlaceBits = 20;
constexpr NodeId kPlace = (NodeId{1} << kPlaceBits) - 1;
constexpr std::uint64_t kMaxSerial = std::numeric_limits<NodeId>::max() >> kPlaceBits;
static_assert(OrderGraph::kMaxNodes == kPlace);

struct Node {
  NodeId id = kNoNode;  // kNoNode: this place is free
  std::uint64_t position = 0;
  Index first_out = kNone;  // of a free place: the next free one
  Index first_in = kNone;
  std::uint64_t seen = 0;  // the number of the search that has last come here
  Index came_from = kNone;
};

// In two lists: the edges that leave `from`, and those that enter `to`.
struct Edge {
  Index from = kNone;
  Index to = kNone;
  Index next_out = kNone;  // of a free place: the next free one
  Index before_out = kNone;
  Index next_in = kNone;
  Index before_in = kNone;
};

std::uint64_t key_of(Index from, Index to) { return std::uint64_t{from} << 32 | to; }

}  // namespace

struct OrderGraph::Data {
  std::vector<Node> nodes;
  std::vector<Edge> edges;
  std::unordered_set<std::uint64_t> keys;  // of all edges
  std::size_t node_count = 0;
  Index free_node = kNone;
  Index free_edge = kNone;
  std::uint64_t last_position = 0;

  // Of the search for a circle. Kept, so that it seldom allocates.
  std::uint64_t searches = 0;
  std::vector<Index> reached;  // from the upper end of the new edge, forwards
  std::vector<Index> behind;   // from its lower end, backwards
  std::vector<std::uint64_t> positions;

  Index find(NodeId node) const {
    const NodeId place = node & kPlace;
    return node != kNoNode && place < nodes.size() && nodes[place].id == node
               ? static_cast<Index>(place)
               : kNone;
  }

  bool reaches(Index from, Index to);
  void collect_behind(Index from, std::uint64_t above);
  std::vector<NodeId> way(Index from, Index to) const;
  void reorder();
  Index place_for_edge();
  void link(Index edge, Index from, Index to);
  void unlink(Index edge, std::vector<std::pair<NodeId, NodeId>>* removed);
};

// Fills `reached`, until `to` is among it. Nodes above `to` cannot lead to it.
bool OrderGraph::Data::reaches(Index from, Index to) {
  const std::uint64_t search = ++searches;
  const std::uint64_t last = nodes[to].position;
  reached.assign(1, from);
  nodes[from].seen = search;
  for (std::size_t i = 0; i < reached.size(); ++i) {
    const Index now = reached[i];
    for (Index e = nodes[now].first_out; e != kNone; e = edges[e].next_out) {
      const Index next = edges[e].to;
      Node& node = nodes[next];
      if (node.position > last || node.seen == search) continue;
      node.seen = search;
      node.came_from = now;
      if (next == to) return true;
      reached.push_back(next);
    }
  }
  return false;
}

// Fills `behind` with `from` and all that lead to it and lie above a position.
void OrderGraph::Data::collect_behind(Index from, std::uint64_t above) {
  const std::uint64_t search = ++searches;
  behind.assign(1, from);
  nodes[from].seen = search;
  for (std::size_t i = 0; i < behind.size(); ++i) {
    for (Index e = nodes[behind[i]].first_in; e != kNone; e = edges[e].next_in) {
      const Index next = edges[e].from;
      Node& node = nodes[next];
      if (node.position < above || node.seen == search) continue;
      node.seen = search;
      behind.push_back(next);
    }
  }
}

// After reaches(from, to).
std::vector<NodeId> OrderGraph::Data::way(Index from, Index to) const {
  std::vector<NodeId> path;
  for (Index now = to; now != from; now = nodes[now].came_from) path.push_back(nodes[now].id);
  path.push_back(nodes[from].id);
  std::reverse(path.begin(), path.end());
  return path;
}

// The positions of all that are behind and reached are dealt out anew among them: first those
// behind, then those reached, each group in the order it had. That restores invariant I with the
// new edge.
void OrderGraph::Data::reorder() {
  positions.resize(behind.size() + reached.size());  // throws before anything has changed
  const auto by_position = [this](Index a, Index b) {
    return nodes[a].position < nodes[b].position;
  };
  std::sort(behind.begin(), behind.end(), by_position);
  std::sort(reached.begin(), reached.end(), by_position);
  const auto position = [this](Index node) { return nodes[node].position; };
  const auto middle = std::transform(behind.begin(), behind.end(), positions.begin(), position);
  std::transform(reached.begin(), reached.end(), middle, position);
  std::inplace_merge(positions.begin(), middle, positions.end());
  auto next = positions.begin();
  for (const Index node : behind) nodes[node].position = *next++;
  for (const Index node : reached) nodes[node].position = *next++;
}

Index OrderGraph::Data::place_for_edge() {
  if (free_edge == kNone) {
    edges.emplace_back();
    free_edge = static_cast<Index>(edges.size() - 1);
  }
  return free_edge;
}

void OrderGraph::Data::link(Index edge, Index from, Index to) {
  free_edge = edges[edge].next_out;
  Index& first_out = nodes[from].first_out;
  Index& first_in = nodes[to].first_in;
  edges[edge] = {from, to, first_out, kNone, first_in, kNone};
  if (first_out != kNone) edges[first_out].before_out = edge;
  if (first_in != kNone) edges[first_in].before_in = edge;
  first_out = first_in = edge;
}

void OrderGraph::Data::unlink(Index edge, std::vector<std::pair<NodeId, NodeId>>* removed) {
  const Edge gone = edges[edge];
  try {
    if (removed != nullptr) removed->emplace_back(nodes[gone.from].id, nodes[gone.to].id);
  } catch (const std::bad_alloc&) {
  }
  keys.erase(key_of(gone.from, gone.to));
  (gone.before_out == kNone ? nodes[gone.from].first_out : edges[gone.before_out].next_out) =
      gone.next_out;
  if (gone.next_out != kNone) edges[gone.next_out].before_out = gone.before_out;
  (gone.before_in == kNone ? nodes[gone.to].first_in : edges[gone.before_in].next_in) =
      gone.next_in;
  if (gone.next_in != kNone) edges[gone.next_in].before_in = gone.before_in;
  edges[edge] = {};
  edges[edge].next_out = free_edge;
  free_edge = edge;
}

OrderGraph::OrderGraph(std::size_t max_nodes, std::size_t max_edges)
    : max_nodes_(std::min(max_nodes, kMaxNodes)),
      max_edges_(std::min<std::size_t>(max_edges, kNone - 1)) {}

OrderGraph::~OrderGraph() = default;

NodeId OrderGraph::add_node() noexcept try {
  if (last_serial_ == kMaxSerial || nodes() >= max_nodes_) return kNoNode;
  if (data_ == nullptr) data_ = std::make_unique<Data>();
  if (data_->free_node == kNone) {
    data_->nodes.emplace_back();
    data_->free_node = static_cast<Index>(data_->nodes.size() - 1);
  }
  const Index place = data_->free_node;
  Node& node = data_->nodes[place];
  data_->free_node = node.first_out;
  node = {};
  node.id = ++last_serial_ << kPlaceBits | place;
  node.position = ++data_->last_position;
  ++data_->node_count;
  return node.id;
} catch (const std::bad_alloc&) {
  return kNoNode;
}

void OrderGraph::remove_node(NodeId node,
                             std::vector<std::pair<NodeId, NodeId>>* removed) noexcept {
  const Index place = data_ == nullptr ? kNone : data_->find(node);
  if (place == kNone) return;
  Node& gone = data_->nodes[place];
  while (gone.first_out != kNone) data_->unlink(gone.first_out, removed);
  while (gone.first_in != kNone) data_->unlink(gone.first_in, removed);
  gone = {};
  gone.first_out = data_->free_node;
  data_->free_node = place;
  --data_->node_count;
}

Added OrderGraph::add_edge(NodeId held, NodeId wanted, std::vector<NodeId>* path) noexcept {
  if (path != nullptr) path->clear();
  if (data_ == nullptr) return Added::known;
  Data& data = *data_;
  const Index from = data.find(held);
  const Index to = data.find(wanted);
  if (from == kNone || to == kNone || data.keys.contains(key_of(from, to))) return Added::known;
  bool closes = from == to;
  try {
    const bool agrees = data.nodes[from].position < data.nodes[to].position;
    closes = closes || (!agrees && data.reaches(to, from));
    if (closes) {
      if (path != nullptr) *path = data.way(to, from);
      return Added::cycle;
    }
    if (data.keys.size() >= max_edges_) return Added::full;
    const Index edge = data.place_for_edge();
    if (!agrees) {
      data.collect_behind(from, data.nodes[to].position);
      data.reorder();
    }
    data.keys.insert(key_of(from, to));
    data.link(edge, from, to);
    return Added::added;
  } catch (const std::bad_alloc&) {
    return closes ? Added::cycle : Added::full;
  }
}

bool OrderGraph::has_edge(NodeId held, NodeId wanted) const noexcept {
  if (data_ == nullptr) return false;
  const Index from = data_->find(held);
  const Index to = data_->find(wanted);
  return from != kNone && to != kNone && data_->keys.contains(key_of(from, to));
}

std::size_t OrderGraph::nodes() const noexcept { return data_ == nullptr ? 0 : data_->node_count; }

std::size_t OrderGraph::edges() const noexcept { return data_ == nullptr ? 0 : data_->keys.size(); }

void OrderGraph::clear() noexcept { data_.reset(); }

}  // namespace nativeconc::deadlock
