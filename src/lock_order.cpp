// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "lock_order.hpp"

#include <map>
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

// References that must not be given back under the mutex: that may run Python code.
using Trash = std::vector<PyObject*>;

struct Node {
  NodeId class_node = 0;
  PyObject* label = nullptr;
  std::vector<Edge> edges;  // of a single lock, so that they can go with it
};

// (held label, wanted label, ident, thread name, stack) of an acquisition
using Sighting = PyObject*;

struct Order {
  os::ShortMutex mutex;
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

NodeId add_node(Order& o, NodeId class_node, PyObject* label) {
  const NodeId id = o.graph.add_node();
  o.nodes[id] = {class_node == 0 ? id : class_node, Py_NewRef(label), {}};
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
  for (auto& entry : o.sightings) trash.push_back(entry.second);
  o.graph.clear();
  o.chains.clear();
  o.classes.clear();
  o.nodes.clear();
  o.sightings.clear();
}

Edge edge_between(OrderNodes held, OrderNodes wanted) {
  return held.class_node == wanted.class_node ? Edge{held.own_node, wanted.own_node}
                                              : Edge{held.class_node, wanted.class_node};
}

PyObject* sighting_of(const Order& o, Edge edge, PyObject* ident, PyObject* name, PyObject* stack) {
  const auto held = o.nodes.find(edge.first);
  const auto wanted = o.nodes.find(edge.second);
  if (held == o.nodes.end() || wanted == o.nodes.end()) return nullptr;
  return PyTuple_Pack(5, held->second.label, wanted->second.label, ident, name, stack);
}

void remember(Order& o, Edge edge, PyObject* sighting) {
  o.sightings[edge] = Py_NewRef(sighting);
  for (const NodeId end : {edge.first, edge.second}) {
    Node& node = o.nodes[end];
    if (node.class_node != end) node.edges.push_back(edge);
  }
}

bool is_news(Order& o, Edge edge) {
  if (o.reported.size() >= kMaxReported) o.reported.clear();
  const NodeId a = o.nodes[edge.first].class_node;
  const NodeId b = o.nodes[edge.second].class_node;
  return o.reported.insert(std::minmax(a, b)).second;
}

// All edges of the circle, the new one first; null if they are not all known any more.
PyObject* circle(const Order& o, PyObject* sighting, const std::vector<NodeId>& path) {
  PyObject* edges = PyTuple_New(static_cast<Py_ssize_t>(path.size()));
  if (edges == nullptr) return nullptr;
  PyTuple_SET_ITEM(edges, 0, Py_NewRef(sighting));
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    const auto known = o.sightings.find({path[i], path[i + 1]});
    if (known == o.sightings.end()) {
      Py_DECREF(edges);
      return nullptr;
    }
    PyTuple_SET_ITEM(edges, static_cast<Py_ssize_t>(i + 1), Py_NewRef(known->second));
  }
  return edges;
}

// What this thread would be reported with. Runs no Python code, but the garbage collector might: so
// not under the mutex.
struct Here {
  PyObject* ident = PyLong_FromUnsignedLong(PyThread_get_thread_ident());
  PyObject* name = nullptr;
  PyObject* stack = describe_stack();
  Here() {
    const auto known = deadlock::thread_info(this_thread()).name;
    name = known[0] == '\0' ? Py_NewRef(Py_None) : PyUnicode_FromString(known.data());
  }
  bool is_whole() const { return ident != nullptr && name != nullptr && stack != nullptr; }
  void give_back() const {
    Py_XDECREF(ident);
    Py_XDECREF(name);
    Py_XDECREF(stack);
  }
};

}  // namespace

OrderNodes order_nodes(PyObject* lock, Origin& origin) {
  const OrderNodes known{origin.class_node.load(std::memory_order_relaxed),
                         origin.own_node.load(std::memory_order_relaxed)};
  Order& o = order();
  if (known.own_node != 0) return known;
  PyObject* label = describe_origin(lock, origin);
  PyObject* single = label == nullptr ? nullptr : single_label(label, lock);
  if (single == nullptr) {
    Py_XDECREF(label);
    PyErr_Clear();
    return {};
  }
  const std::string key = class_key(origin);
  Trash trash{label, single};
  OrderNodes made;
  {
    const os::ShortLock guard(o.mutex);
    if (o.graph.nodes() + 2 > kMaxNodes) forget_all(o, trash);
    const auto found = o.classes.find(key);
    made.class_node = found != o.classes.end() ? found->second : add_node(o, 0, label);
    o.classes[key] = made.class_node;
    made.own_node = add_node(o, made.class_node, single);
    origin.class_node.store(made.class_node, std::memory_order_relaxed);
    origin.own_node.store(made.own_node, std::memory_order_relaxed);
  }
  give_back(trash);
  return made;
}

bool check_chain(const std::vector<OrderNodes>& held, OrderNodes wanted, std::uint64_t chain) {
  Order& o = order();
  {
    const os::ShortLock guard(o.mutex);
    if (o.chains.contains(chain)) return true;
  }
  const Here here;
  if (!here.is_whole()) {
    here.give_back();
    return false;
  }
  std::vector<PyObject*> circles;
  Trash trash;
  {
    const os::ShortLock guard(o.mutex);
    for (const OrderNodes& before : held) {
      const Edge edge = edge_between(before, wanted);
      std::vector<NodeId> path;
      const Added added = o.graph.add_edge(edge.first, edge.second, &path);
      if (added == Added::full) {
        forget_all(o, trash);
        break;
      }
      if (added == Added::known) continue;
      PyObject* sighting = sighting_of(o, edge, here.ident, here.name, here.stack);
      if (sighting == nullptr) continue;
      trash.push_back(sighting);
      if (added == Added::added) remember(o, edge, sighting);
      if (added == Added::cycle && is_news(o, edge)) {
        if (PyObject* edges = circle(o, sighting, path)) circles.push_back(edges);
      }
    }
    o.chains.insert(chain);
  }
  here.give_back();
  give_back(trash);
  bool goes_on = true;
  for (PyObject* edges : circles) {
    PyObject* answer = goes_on ? call_event("order", PyTuple_Pack(1, edges)) : nullptr;
    if (goes_on && (answer == nullptr || !Py_IsNone(answer))) {
      if (answer != nullptr) PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(answer)), answer);
      goes_on = false;
    }
    Py_XDECREF(answer);
    Py_DECREF(edges);
  }
  return goes_on;
}

void forget_order_node(std::uint64_t own_node) {
  Order& o = order();
  Trash trash;
  {
    const os::ShortLock guard(o.mutex);
    const auto found = o.nodes.find(own_node);
    if (found == o.nodes.end()) return;
    for (const Edge& edge : found->second.edges) {
      const auto sighting = o.sightings.find(edge);
      if (sighting == o.sightings.end()) continue;
      trash.push_back(sighting->second);
      o.sightings.erase(sighting);
    }
    trash.push_back(found->second.label);
    o.nodes.erase(found);
    o.graph.remove_node(own_node);
  }
  give_back(trash);
}

void forget_order() {
  Order& o = order();
  Trash trash;
  {
    const os::ShortLock guard(o.mutex);
    forget_all(o, trash);
    o.reported.clear();
  }
  give_back(trash);
}

}  // namespace nativeconc::seam
