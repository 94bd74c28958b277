// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/wait_cycle.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace nativeconc::shared {
namespace {

using deadlock::Mode;

constexpr int kNone = -1;

// A search that would be longer than that is given up.
constexpr std::size_t kMostNotes = 1024;

struct Node {
  WaitSnapshot note;
  std::array<int, kMostBlockers> next{};  // the nodes of its blockers, or kNone
  int came_from = kNone;
  bool is_seen = false;
};

// Which edges a circle may consist of.
struct Kind {
  bool certain;
  bool fresh;
};

std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58'476d'1ce4'e5b9;
  x = (x ^ (x >> 27)) * 0x94d0'49bb'1331'11eb;
  return x ^ (x >> 31);
}

class Search {
 public:
  // Reads the notes of all who wait for each other, beginning with `start`.
  explicit Search(ThreadNumber start) : ticket_(last_ticket()) {
    if (add(start) == kNone) return;
    for (std::size_t at = 0; at < nodes_.size() && nodes_.size() < kMostNotes; ++at) {
      for (std::size_t i = 0; i < kMostBlockers; ++i) {
        const int next = add(nodes_[at].note.blockers[i] & kMaxNumber);
        nodes_[at].next[i] = next;
        closes_ = closes_ || next == 0;
      }
    }
  }

  Cycle find() {
    if (!closes_) return {};
    for (const Kind kind : {Kind{true, true}, {false, true}, {true, false}, {false, false}}) {
      const int last = walk(kind);
      if (last != kNone) return cycle_to(last, kind);
    }
    return {};
  }

 private:
  int add(ThreadNumber number) {
    if (number == kNobody) return kNone;
    const auto known = std::find_if(nodes_.begin(), nodes_.end(), [number](const Node& node) {
      return node.note.number == number;
    });
    if (known != nodes_.end()) return static_cast<int>(known - nodes_.begin());
    Node node;
    if (!read_note(number, &node.note) || !node.note.takes_part()) return kNone;
    node.next.fill(kNone);
    nodes_.push_back(node);
    return static_cast<int>(nodes_.size()) - 1;
  }

  bool may_follow(const Node& from, const Node& to, Kind kind) const {
    if (kind.certain && !from.note.is_certain()) return false;
    if (!kind.fresh) return true;
    // See the header.
    return to.note.since < from.note.looked && from.note.seen <= ticket_ &&
           to.note.since <= ticket_;
  }

  // Breadth first from the first node. The one that waits for the first, or kNone.
  int walk(Kind kind) {
    for (Node& node : nodes_) node.is_seen = false;
    std::vector<int> line{0};
    nodes_[0].is_seen = true;
    nodes_[0].came_from = kNone;
    for (std::size_t at = 0; at < line.size(); ++at) {
      const Node& node = nodes_[static_cast<std::size_t>(line[at])];
      for (const int next : node.next) {
        if (next == kNone || !may_follow(node, nodes_[static_cast<std::size_t>(next)], kind)) {
          continue;
        }
        if (next == 0) return line[at];
        Node& found = nodes_[static_cast<std::size_t>(next)];
        if (found.is_seen) continue;
        found.is_seen = true;
        found.came_from = line[at];
        line.push_back(next);
      }
    }
    return kNone;
  }

  static Mode holds_as(const WaitSnapshot& waiter, ThreadNumber holder) {
    for (const std::uint32_t word : waiter.blockers) {
      if ((word & kMaxNumber) == holder) return static_cast<Mode>(word >> 30);
    }
    return Mode::lock;
  }

  Cycle cycle_to(int last, Kind kind) const {
    Cycle cycle;
    std::pair<std::uint64_t, ThreadNumber> latest;
    bool has_shared = false;
    for (int at = last; at != kNone; at = nodes_[static_cast<std::size_t>(at)].came_from) {
      const Node& node = nodes_[static_cast<std::size_t>(at)];
      const int before = node.came_from == kNone ? last : node.came_from;
      cycle.parties.push_back(
          {node.note.number, node.note.wait,
           holds_as(nodes_[static_cast<std::size_t>(before)].note, node.note.number)});
      cycle.signature += mix(node.note.wait ^ mix(node.note.number));
      latest = std::max(latest, {node.note.wait, node.note.number});
      has_shared = has_shared || node.note.uid != 0;
    }
    if (!has_shared) return {};
    std::reverse(cycle.parties.begin(), cycle.parties.end());
    cycle.victim = latest.second;
    cycle.is_certain = kind.certain;
    cycle.state = kind.fresh ? Cycle::State::proven : Cycle::State::suspected;
    return cycle;
  }

  std::uint64_t ticket_;
  std::vector<Node> nodes_;
  bool closes_ = false;  // somebody waits for the first
};

}  // namespace

Cycle find_cycle(ThreadNumber start) noexcept {
  try {
    return Search(start).find();
  } catch (const std::bad_alloc&) {
    return {};
  }
}

}  // namespace nativeconc::shared
