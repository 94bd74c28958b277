// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "lock_order.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <new>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "deadlock_report.hpp"
#include "nativeconc/deadlock/chain_set.hpp"
#include "nativeconc/deadlock/order_graph.hpp"
#include "nativeconc/deadlock/thread_registry.hpp"
#include "nativeconc/os/short_mutex.hpp"
#include "thread_name.hpp"

namespace nativeconc::seam {
namespace {

using deadlock::Added;
using deadlock::NodeId;
using deadlock::OrderGraph;
using Edge = std::pair<NodeId, NodeId>;

constexpr std::size_t kMaxNodes = 1 << 16;
constexpr std::size_t kMaxEdges = 1 << 18;
constexpr std::size_t kMaxChains = 1 << 16;
constexpr std::size_t kMaxReported = 1 << 12;

// References that must not be given back under the mutex.
using Trash = std::vector<PyObject*>;

struct Node {
  NodeId class_node = 0;
  PyObject* label = nullptr;
};

// (held label, wanted label, ident, thread name, stack) of an acquisition: references
using Sighting = std::array<PyObject*, 5>;
using Circle = std::vector<Sighting>;

struct Order {
  os::ShortMutex mutex;
  std::atomic<std::uint32_t> generation{1};  // changes under the mutex
  OrderGraph graph{kMaxNodes, kMaxEdges};
  deadlock::ChainSet chains{kMaxChains};
  std::unordered_map<std::string, NodeId> classes;
  std::unordered_map<NodeId, Node> nodes;
  std::map<Edge, Sighting> sightings;
  std::set<Edge> reported;  // pairs of classes, the smaller first
};

// Never destroyed: locks may be freed after the destructors of static objects.
Order& order() {
  static auto* const instance = new Order;
  return *instance;
}

void give_back(const Trash& trash) {
  for (PyObject* object : trash) Py_XDECREF(object);
}

Sighting keep(const Sighting& sighting) {
  for (PyObject* object : sighting) Py_INCREF(object);
  return sighting;
}

void throw_away(const Sighting& sighting, Trash& trash) {
  trash.insert(trash.end(), sighting.begin(), sighting.end());
}

// 0 if there is no memory.
NodeId add_node(Order& o, NodeId class_node, PyObject* label) {
  const NodeId id = o.graph.add_node();
  if (id == 0) return 0;
  try {
    o.nodes[id] = {class_node == 0 ? id : class_node, label};
  } catch (const std::bad_alloc&) {
    o.graph.remove_node(id);
    return 0;
  }
  Py_INCREF(label);
  return id;
}

// The same words for a single lock, told apart by its address.
PyObject* single_label(PyObject* label, PyObject* lock) {
  PyObject* type = PyUnicode_FromFormat("%S at %p", PyTuple_GET_ITEM(label, 0), lock);
  if (type == nullptr) return nullptr;
  return Py_BuildValue("NOO", type, PyTuple_GET_ITEM(label, 1), PyTuple_GET_ITEM(label, 2));
}

void forget_all(Order& o, Trash& trash) {
  for (auto& entry : o.nodes) trash.push_back(entry.second.label);
  for (auto& entry : o.sightings) throw_away(entry.second, trash);
  o.graph.clear();
  o.chains.clear();
  o.classes.clear();
  o.nodes.clear();
  o.sightings.clear();
  o.reported.clear();
  if (++o.generation == 0) ++o.generation;
}

// The caller holds the mutex.
OrderNodes make_nodes(Order& o, Origin& origin, const std::string& key, PyObject* label,
                      PyObject* single, Trash& trash) {
  if (o.graph.nodes() + 2 > kMaxNodes) forget_all(o, trash);
  NodeId& class_node = o.classes[key];
  if (class_node == 0) class_node = add_node(o, 0, label);
  const NodeId own_node = class_node == 0 ? 0 : add_node(o, class_node, single);
  if (own_node == 0) return {};
  // Last and first the generation: known_nodes() reads without the mutex.
  origin.generation = 0;
  origin.class_node = class_node;
  origin.own_node = own_node;
  origin.generation = o.generation.load();
  return {class_node, own_node, origin.generation};
}

Edge edge_between(OrderNodes held, OrderNodes wanted) {
  return held.class_node == wanted.class_node ? Edge{held.own_node, wanted.own_node}
                                              : Edge{held.class_node, wanted.class_node};
}

bool is_news(Order& o, Edge edge) {
  if (o.reported.size() >= kMaxReported) o.reported.clear();
  const NodeId a = o.nodes[edge.first].class_node;
  const NodeId b = o.nodes[edge.second].class_node;
  return o.reported.insert(std::minmax(a, b)).second;
}

// What this thread would be reported with.
struct Here {
  PyObject* ident = PyLong_FromUnsignedLong(PyThread_get_thread_ident());
  PyObject* name = describe_name(deadlock::thread_info(this_thread()).name.data());
  PyObject* stack = describe_stack();
  bool is_whole() const { return ident != nullptr && name != nullptr && stack != nullptr; }
  void give_back() const {
    Py_XDECREF(ident);
    Py_XDECREF(name);
    Py_XDECREF(stack);
  }
};

// All edges of the circle, the new one first; empty if they are not all known any more.
Circle circle_of(const Order& o, const Sighting& now, const std::vector<NodeId>& path) {
  Circle edges;
  edges.reserve(path.size());
  if (!path.empty()) edges.push_back(now);
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    const auto known = o.sightings.find({path[i], path[i + 1]});
    if (known == o.sightings.end()) return {};
    edges.push_back(known->second);
  }
  for (const Sighting& edge : edges) keep(edge);
  return edges;
}

// Enters what an acquisition teaches. The caller holds the mutex. False if there was no room.
bool learn(Order& o, const std::vector<OrderNodes>& held, OrderNodes wanted, const Here& here,
           std::vector<Circle>& circles, Trash& trash) {
  for (const OrderNodes& before : held) {
    const Edge edge = edge_between(before, wanted);
    std::vector<NodeId> path;
    const Added added = o.graph.add_edge(edge.first, edge.second, &path);
    if (added == Added::full) {
      forget_all(o, trash);
      return false;
    }
    if (added == Added::known) continue;
    const Sighting now{o.nodes[edge.first].label, o.nodes[edge.second].label, here.ident, here.name,
                       here.stack};
    if (added == Added::added) {
      o.sightings[edge] = keep(now);
    } else if (is_news(o, edge)) {
      circles.push_back(circle_of(o, now, path));
    }
  }
  return true;
}

PyObject* circle_tuple(const Circle& circle) {
  PyObject* edges = PyTuple_New(static_cast<Py_ssize_t>(circle.size()));
  for (std::size_t i = 0; edges != nullptr && i < circle.size(); ++i) {
    const auto& [held, wanted, ident, name, stack] = circle[i];
    PyObject* edge = PyTuple_Pack(5, held, wanted, ident, name, stack);
    if (edge == nullptr) {
      Py_CLEAR(edges);
    } else {
      PyTuple_SET_ITEM(edges, static_cast<Py_ssize_t>(i), edge);
    }
  }
  return edges;
}

// False, with an error set, if warnings are errors.
bool report(const Circle& circle) {
  PyObject* edges = circle_tuple(circle);
  if (edges == nullptr) {
    PyErr_Clear();
    return true;
  }
  PyObject* answer = call_event("order", Py_BuildValue("(N)", edges));
  const bool goes_on = answer != nullptr && Py_IsNone(answer);
  if (answer != nullptr && !goes_on) {
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(answer)), answer);
  }
  Py_XDECREF(answer);
  return goes_on;
}

}  // namespace

OrderNodes known_nodes(const Origin& origin) {
  const std::uint32_t generation = order().generation;
  if (origin.generation != generation) return {};
  const OrderNodes nodes{origin.class_node, origin.own_node, generation};
  return origin.generation == generation ? nodes : OrderNodes{};
}

OrderNodes order_nodes(PyObject* lock, Origin& origin) {
  const OrderNodes known = known_nodes(origin);
  if (known.own_node != 0) return known;
  Order& o = order();
  PyObject* label = describe_origin(lock, origin);
  PyObject* single = label == nullptr ? nullptr : single_label(label, lock);
  if (single == nullptr) {
    Py_XDECREF(label);
    PyErr_Clear();
    return {};
  }
  const std::string key = class_key(lock, origin);
  Trash trash{label, single};
  OrderNodes nodes;
  {
    const os::ShortLock guard(o.mutex);
    nodes = known_nodes(origin);  // another thread may have been faster
    if (nodes.own_node == 0) nodes = make_nodes(o, origin, key, label, single, trash);
  }
  give_back(trash);
  return nodes;
}

Checked check_chain(const std::vector<OrderNodes>& held, OrderNodes wanted, std::uint64_t chain) {
  Order& o = order();
  {
    const os::ShortLock guard(o.mutex);
    if (o.chains.contains(chain)) return Checked::yes;
  }
  const Here here;
  if (!here.is_whole()) {
    here.give_back();
    PyErr_Clear();
    return Checked::no;
  }
  std::vector<Circle> circles;
  Trash trash;
  bool is_learnt = false;
  {
    const os::ShortLock guard(o.mutex);
    const auto is_old = [&o](OrderNodes nodes) { return nodes.generation != o.generation; };
    if (!is_old(wanted) && std::none_of(held.begin(), held.end(), is_old)) {
      is_learnt = learn(o, held, wanted, here, circles, trash);
    }
    if (is_learnt) o.chains.insert(chain);
  }
  here.give_back();
  give_back(trash);
  bool goes_on = true;
  for (const Circle& circle : circles) {
    goes_on = goes_on && (circle.empty() || report(circle));
    for (const Sighting& edge : circle) {
      for (PyObject* object : edge) Py_DECREF(object);
    }
  }
  if (!goes_on) return Checked::error;
  return is_learnt ? Checked::yes : Checked::no;
}

void forget_order_node(std::uint64_t own_node) {
  Order& o = order();
  Trash trash;
  {
    const os::ShortLock guard(o.mutex);
    const auto found = o.nodes.find(own_node);
    if (found == o.nodes.end()) return;
    std::vector<Edge> edges;
    o.graph.remove_node(own_node, &edges);
    try {
      for (const Edge& edge : edges) {
        const auto sighting = o.sightings.find(edge);
        if (sighting == o.sightings.end()) continue;
        throw_away(sighting->second, trash);
        o.sightings.erase(sighting);
      }
      trash.push_back(found->second.label);
      o.nodes.erase(found);
    } catch (const std::bad_alloc&) {  // what is left goes with the graph
    }
  }
  give_back(trash);
}

void forget_order() {
  Order& o = order();
  Trash trash;
  {
    const os::ShortLock guard(o.mutex);
    forget_all(o, trash);
  }
  give_back(trash);
}

}  // namespace nativeconc::seam
