// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/deadlock/order_graph.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "support.hpp"

namespace nativeconc::deadlock {
namespace {

using Path = std::vector<NodeId>;

// What the graph should be, with a plain search for every question.
class Model {
 public:
  void add_node(NodeId node) { next_[node]; }

  void remove_node(NodeId node) {
    next_.erase(node);
    for (auto& entry : next_) entry.second.erase(node);
  }

  void add_edge(NodeId held, NodeId wanted) { next_[held].insert(wanted); }

  bool has_edge(NodeId held, NodeId wanted) const {
    const auto found = next_.find(held);
    return found != next_.end() && found->second.contains(wanted);
  }

  // How many nodes lie on a shortest way, both ends included; 0 if there is none.
  std::size_t distance(NodeId from, NodeId to) const {
    std::map<NodeId, std::size_t> seen{{from, 1}};
    std::vector<NodeId> queue{from};
    for (std::size_t i = 0; i < queue.size() && !seen.contains(to); ++i) {
      for (const NodeId next : next_.at(queue[i])) {
        if (seen.emplace(next, seen[queue[i]] + 1).second) queue.push_back(next);
      }
    }
    return seen.contains(to) ? seen[to] : 0;
  }

  std::size_t edges() const {
    std::size_t sum = 0;
    for (const auto& entry : next_) sum += entry.second.size();
    return sum;
  }

 private:
  std::map<NodeId, std::set<NodeId>> next_;
};

std::vector<NodeId> add_nodes(OrderGraph& graph, std::size_t n) {
  std::vector<NodeId> nodes(n);
  std::generate(nodes.begin(), nodes.end(), [&] { return graph.add_node(); });
  return nodes;
}

void expect_way(const OrderGraph& graph, const Path& path, NodeId from, NodeId to) {
  ASSERT_FALSE(path.empty());
  EXPECT_EQ(path.front(), from);
  EXPECT_EQ(path.back(), to);
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    EXPECT_TRUE(graph.has_edge(path[i], path[i + 1])) << "step " << i;
  }
}

TEST(OrderGraph, KnowsWhatItHasSeen) {
  OrderGraph graph(10, 10);
  const auto n = add_nodes(graph, 2);
  EXPECT_EQ(graph.add_edge(n[0], n[1], nullptr), Added::added);
  EXPECT_EQ(graph.add_edge(n[0], n[1], nullptr), Added::known);
  EXPECT_TRUE(graph.has_edge(n[0], n[1]));
  EXPECT_FALSE(graph.has_edge(n[1], n[0]));
  EXPECT_EQ(graph.nodes(), 2U);
  EXPECT_EQ(graph.edges(), 1U);
}

TEST(OrderGraph, RefusesTheEdgeThatClosesACircleAndShowsTheWayBack) {
  OrderGraph graph(10, 10);
  const auto n = add_nodes(graph, 3);
  EXPECT_EQ(graph.add_edge(n[2], n[1], nullptr), Added::added);
  EXPECT_EQ(graph.add_edge(n[1], n[0], nullptr), Added::added);
  Path path{1, 2, 3};
  EXPECT_EQ(graph.add_edge(n[0], n[2], &path), Added::cycle);
  EXPECT_EQ(path, (Path{n[2], n[1], n[0]}));
  EXPECT_FALSE(graph.has_edge(n[0], n[2]));
  EXPECT_EQ(graph.edges(), 2U);
  EXPECT_EQ(graph.add_edge(n[0], n[2], nullptr), Added::cycle);
  EXPECT_EQ(graph.add_edge(n[2], n[0], &path), Added::added);
  EXPECT_TRUE(path.empty());
}

TEST(OrderGraph, ANodeBeforeItselfIsACircleOfOne) {
  OrderGraph graph(10, 10);
  const NodeId node = graph.add_node();
  Path path;
  EXPECT_EQ(graph.add_edge(node, node, &path), Added::cycle);
  EXPECT_EQ(path, Path{node});
  EXPECT_EQ(graph.edges(), 0U);
}

TEST(OrderGraph, ShowsAShortestWay) {
  OrderGraph graph(10, 20);
  const auto n = add_nodes(graph, 6);
  for (std::size_t i = 0; i + 1 < n.size(); ++i) {
    ASSERT_EQ(graph.add_edge(n[i], n[i + 1], nullptr), Added::added);
  }
  ASSERT_EQ(graph.add_edge(n[1], n[4], nullptr), Added::added);
  Path path;
  EXPECT_EQ(graph.add_edge(n[5], n[0], &path), Added::cycle);
  EXPECT_EQ(path, (Path{n[0], n[1], n[4], n[5]}));
}

TEST(OrderGraph, ARemovedNodeTakesItsEdgesAlong) {
  OrderGraph graph(10, 10);
  const auto n = add_nodes(graph, 3);
  graph.add_edge(n[0], n[1], nullptr);
  graph.add_edge(n[1], n[2], nullptr);
  graph.remove_node(n[1]);
  EXPECT_EQ(graph.nodes(), 2U);
  EXPECT_EQ(graph.edges(), 0U);
  EXPECT_EQ(graph.add_edge(n[2], n[0], nullptr), Added::added);
}

TEST(OrderGraph, TheNumberOfARemovedNodeFindsNothingEvenWhereItsPlaceIsUsedAgain) {
  OrderGraph graph(2, 10);
  const NodeId other = graph.add_node();
  const NodeId freed = graph.add_node();
  graph.add_edge(freed, other, nullptr);
  graph.remove_node(freed);
  graph.remove_node(freed);
  const NodeId heir = graph.add_node();
  ASSERT_NE(heir, kNoNode);
  EXPECT_NE(heir, freed);
  EXPECT_FALSE(graph.has_edge(heir, other));
  Path path{1};
  EXPECT_EQ(graph.add_edge(other, freed, &path), Added::known);
  EXPECT_EQ(graph.add_edge(freed, other, &path), Added::known);
  EXPECT_EQ(graph.add_edge(kNoNode, other, &path), Added::known);
  EXPECT_EQ(graph.add_edge(freed, freed, &path), Added::known);
  EXPECT_TRUE(path.empty());
  graph.remove_node(freed);
  EXPECT_EQ(graph.nodes(), 2U);
  EXPECT_EQ(graph.edges(), 0U);
  EXPECT_EQ(graph.add_edge(other, heir, nullptr), Added::added);
}

TEST(OrderGraph, NoNumberIsGivenOutTwice) {
  OrderGraph graph(4, 4);
  std::set<NodeId> numbers;
  for (int round = 0; round < 1000; ++round) {
    const auto n = add_nodes(graph, 4);
    numbers.insert(n.begin(), n.end());
    if (round % 3 == 0) {
      graph.clear();
    } else if (round % 3 == 1) {
      for (const NodeId node : n) graph.remove_node(node);
    } else {
      for (auto node = n.rbegin(); node != n.rend(); ++node) graph.remove_node(*node);
    }
  }
  EXPECT_EQ(numbers.size(), 4000U);
  EXPECT_FALSE(numbers.contains(kNoNode));
}

TEST(OrderGraph, StaysWithinItsBounds) {
  OrderGraph graph(3, 2);
  const auto n = add_nodes(graph, 3);
  EXPECT_EQ(graph.add_node(), kNoNode);
  EXPECT_EQ(graph.add_edge(n[1], n[0], nullptr), Added::added);
  EXPECT_EQ(graph.add_edge(n[2], n[1], nullptr), Added::added);
  EXPECT_EQ(graph.add_edge(n[2], n[0], nullptr), Added::full);
  EXPECT_FALSE(graph.has_edge(n[2], n[0]));
  EXPECT_EQ(graph.add_edge(n[2], n[1], nullptr), Added::known);
  EXPECT_EQ(graph.add_edge(n[0], n[2], nullptr), Added::cycle) << "circles are found all the same";
  EXPECT_EQ(graph.nodes(), 3U);
  EXPECT_EQ(graph.edges(), 2U);
  graph.remove_node(n[0]);
  EXPECT_NE(graph.add_node(), kNoNode);
  EXPECT_EQ(graph.edges(), 1U);
}

TEST(OrderGraph, OneWithoutRoomTakesNothing) {
  OrderGraph graph(0, 0);
  EXPECT_EQ(graph.add_node(), kNoNode);
  EXPECT_EQ(graph.add_edge(kNoNode, kNoNode, nullptr), Added::known);
  EXPECT_EQ(graph.nodes(), 0U);
}

TEST(OrderGraph, ClearForgetsEverything) {
  OrderGraph graph(10, 10);
  const auto before = add_nodes(graph, 3);
  graph.add_edge(before[0], before[1], nullptr);
  graph.clear();
  EXPECT_EQ(graph.nodes(), 0U);
  EXPECT_EQ(graph.edges(), 0U);
  const auto after = add_nodes(graph, 3);
  EXPECT_EQ(graph.add_edge(before[0], before[2], nullptr), Added::known);
  EXPECT_EQ(graph.edges(), 0U);
  EXPECT_EQ(graph.add_edge(after[1], after[0], nullptr), Added::added);
}

void run_at_random(std::size_t max_nodes, std::size_t max_edges, int steps, unsigned seed) {
  std::mt19937 random(seed);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
  OrderGraph graph(max_nodes, max_edges);
  Model model;
  std::vector<NodeId> nodes;
  std::vector<NodeId> gone{kNoNode};
  std::map<Added, int> seen;
  for (int step = 0; step < steps; ++step) {
    const std::size_t what = below(100);
    if (nodes.size() < 2 || what < 6) {
      const NodeId node = graph.add_node();
      ASSERT_EQ(node == kNoNode, nodes.size() == max_nodes);
      if (node == kNoNode) continue;
      ASSERT_EQ(std::count(nodes.begin(), nodes.end(), node), 0);
      nodes.push_back(node);
      model.add_node(node);
    } else if (what < 9) {
      const auto victim = nodes.begin() + static_cast<std::ptrdiff_t>(below(nodes.size()));
      graph.remove_node(*victim);
      model.remove_node(*victim);
      gone.push_back(*victim);
      nodes.erase(victim);
    } else if (what == 9) {
      const NodeId stale = gone[below(gone.size())];
      ASSERT_EQ(graph.add_edge(stale, nodes.front(), nullptr), Added::known);
      ASSERT_EQ(graph.add_edge(nodes.front(), stale, nullptr), Added::known);
    } else {
      const NodeId held = nodes[below(nodes.size())];
      const NodeId wanted = nodes[below(nodes.size())];
      const std::size_t way_back = model.distance(wanted, held);
      Path path;
      const Added added = graph.add_edge(held, wanted, &path);
      ++seen[added];
      if (model.has_edge(held, wanted)) {
        ASSERT_EQ(added, Added::known);
      } else if (way_back > 0) {
        ASSERT_EQ(added, Added::cycle);
        ASSERT_EQ(path.size(), way_back);
        expect_way(graph, path, wanted, held);
      } else if (model.edges() >= max_edges) {
        ASSERT_EQ(added, Added::full);
      } else {
        ASSERT_EQ(added, Added::added);
        model.add_edge(held, wanted);
      }
      ASSERT_EQ(graph.has_edge(held, wanted), model.has_edge(held, wanted));
    }
    ASSERT_EQ(graph.nodes(), nodes.size());
    ASSERT_EQ(graph.edges(), model.edges());
  }
  for (const NodeId held : nodes) {
    for (const NodeId wanted : nodes) {
      ASSERT_EQ(graph.has_edge(held, wanted), model.has_edge(held, wanted));
    }
  }
  EXPECT_GT(seen[Added::added], 0);
  EXPECT_GT(seen[Added::cycle], 0);
}

TEST(OrderGraph, AgreesWithAPlainSearchOnRandomGraphs) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    run_at_random(4, 100, 500, seed);
    run_at_random(12, 20, 1500, 100 + seed);
    run_at_random(40, 300, 1500, 200 + seed);
    if (HasFatalFailure()) return;
  }
}

// Every edge contradicts the order in which the nodes came, so everything so far is moved each
// time.
TEST(OrderGraph, ALongChainThatIsBuiltBackwards) {
  constexpr std::size_t kLength = 2000;
  OrderGraph graph(kLength, kLength);
  const auto n = add_nodes(graph, kLength);
  for (std::size_t i = kLength - 1; i > 0; --i) {
    ASSERT_EQ(graph.add_edge(n[i], n[i - 1], nullptr), Added::added);
  }
  Path path;
  EXPECT_EQ(graph.add_edge(n[0], n[kLength - 1], &path), Added::cycle);
  EXPECT_EQ(path.size(), kLength);
  expect_way(graph, path, n[kLength - 1], n[0]);
}

TEST(OrderGraph, AllTheEdgesThatFitAgainstTheOrder) {
  constexpr std::size_t kNodes = 250;
  OrderGraph graph(kNodes, kNodes * kNodes);
  const auto n = add_nodes(graph, kNodes);
  for (std::size_t i = 1; i < kNodes; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      ASSERT_EQ(graph.add_edge(n[i], n[j], nullptr), Added::added);
    }
  }
  EXPECT_EQ(graph.edges(), kNodes * (kNodes - 1) / 2);
  Path path;
  EXPECT_EQ(graph.add_edge(n[0], n[kNodes - 1], &path), Added::cycle);
  EXPECT_EQ(path.size(), 2U);
  for (const NodeId node : n) graph.remove_node(node);
  EXPECT_EQ(graph.edges(), 0U);
}

TEST(OrderGraph, ARemovedNodeTellsWhichEdgesWentWithIt) {
  OrderGraph graph(10, 10);
  const auto n = add_nodes(graph, 4);
  graph.add_edge(n[0], n[1], nullptr);
  graph.add_edge(n[1], n[2], nullptr);
  graph.add_edge(n[2], n[3], nullptr);
  std::vector<std::pair<NodeId, NodeId>> removed;
  graph.remove_node(n[1], &removed);
  std::sort(removed.begin(), removed.end());
  EXPECT_EQ(removed, (std::vector{std::pair{n[0], n[1]}, std::pair{n[1], n[2]}}));
  graph.remove_node(n[1], &removed);
  EXPECT_EQ(removed.size(), 2U);
}

}  // namespace
}  // namespace nativeconc::deadlock
