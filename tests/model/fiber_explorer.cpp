// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "fiber_explorer.hpp"

#include <gtest/gtest.h>
#include <setjmp.h>

#include <algorithm>
#include <utility>

namespace nativeconc::fibers {
namespace {

constexpr std::size_t kStackBytes = 64 << 10;

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash ^= value + 0x9e37'79b9'7f4a'7c15ULL + (hash << 6) + (hash >> 2);
  return hash * 0xff51'afd7'ed55'8ccdULL ^ hash >> 29;
}

// To switch by swapcontext() costs a system call each time, so that only begins a stack.
struct Fiber {
  ucontext_t context{};
  jmp_buf stopped_at{};
  bool has_begun = false;
  std::unique_ptr<char[]> stack = std::make_unique<char[]>(kStackBytes);
  std::function<bool()> is_possible;  // empty: always
  const void* asleep_on = nullptr;
  std::uint64_t history = 0;
  bool is_over = false;
  bool is_dead = false;
  bool is_dying = false;
};

enum class Act : std::uint8_t { go, die, wake };
struct Choice {
  Act act;
  std::size_t actor;
};

struct Run {
  Explorer::Setup setup;
  std::vector<Fiber> fibers;
  std::vector<std::size_t> sleepers;  // in the order in which they fell asleep
  jmp_buf scheduler{};
  std::size_t current = 0;
  std::size_t deaths = 0;
  bool is_inside = false;  // an actor runs
  std::vector<Choice> path;
};

Run* run = nullptr;

bool is_in_actor() { return run != nullptr && run->is_inside; }

Fiber& me() { return run->fibers[run->current]; }

void yield() {
  if (_setjmp(me().stopped_at) == 0) _longjmp(run->scheduler, 1);
}

void body() {
  try {
    run->setup.actors[run->current]();
  } catch (const Death&) {
  }
  me().is_over = true;
  yield();
}

void resume(std::size_t actor) {
  run->current = actor;
  run->is_inside = true;
  if (_setjmp(run->scheduler) == 0) {
    Fiber& fiber = run->fibers[actor];
    if (fiber.has_begun) _longjmp(fiber.stopped_at, 1);
    fiber.has_begun = true;
    setcontext(&fiber.context);
  }
  run->is_inside = false;
}

// Lets it unwind, if it has begun: what it owns is freed, what is shared stays.
void bury(std::size_t actor) {
  Fiber& fiber = run->fibers[actor];
  if (fiber.is_over) return;
  fiber.is_dying = true;
  resume(actor);
  ASSERT_TRUE(fiber.is_over) << "an actor did something after its death";
}

void begin() {
  run->setup.reset();
  run->sleepers.clear();
  run->deaths = 0;
  for (std::size_t i = 0; i < run->fibers.size(); ++i) {
    Fiber& fiber = run->fibers[i];
    fiber.is_possible = nullptr;
    fiber.asleep_on = nullptr;
    fiber.history = 0;
    fiber.is_over = fiber.is_dead = fiber.is_dying = fiber.has_begun = false;
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = kStackBytes;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, body, 0);
    resume(i);  // to its first step
  }
}

void end() {
  for (std::size_t i = 0; i < run->fibers.size(); ++i) bury(i);
}

std::vector<Choice> choices() {
  std::vector<Choice> found;
  for (std::size_t i = 0; i < run->fibers.size(); ++i) {
    const Fiber& fiber = run->fibers[i];
    if (fiber.is_over || fiber.asleep_on != nullptr) continue;
    if (!fiber.is_possible || fiber.is_possible()) found.push_back({Act::go, i});
  }
  const bool all_wait = found.empty();
  for (std::size_t i = 0; i < run->fibers.size(); ++i) {
    const Fiber& fiber = run->fibers[i];
    if (fiber.is_over) continue;
    if (fiber.asleep_on != nullptr && (run->setup.sleeps_end || (all_wait && run->deaths > 0))) {
      found.push_back({Act::wake, i});
    }
    if (run->deaths < static_cast<std::size_t>(run->setup.deaths)) found.push_back({Act::die, i});
  }
  return found;
}

void apply(const Choice& choice) {
  Fiber& fiber = run->fibers[choice.actor];
  switch (choice.act) {
    case Act::go:
      fiber.is_possible = nullptr;
      resume(choice.actor);
      break;
    case Act::wake:
      std::erase(run->sleepers, choice.actor);
      fiber.asleep_on = nullptr;
      break;
    case Act::die:
      std::erase(run->sleepers, choice.actor);
      fiber.asleep_on = nullptr;
      fiber.is_dead = true;
      ++run->deaths;
      bury(choice.actor);
      break;
  }
}

std::uint64_t state() {
  std::uint64_t hash = std::hash<std::string>{}(run->setup.content());
  for (const Fiber& fiber : run->fibers) {
    hash = mix(hash, fiber.history);
    hash = mix(hash, (fiber.is_over ? 1U : 0U) | (fiber.is_dead ? 2U : 0U) |
                         (fiber.asleep_on != nullptr ? 4U : 0U));
  }
  for (const std::size_t sleeper : run->sleepers) hash = mix(hash, sleeper + 1);
  return mix(hash, run->deaths);
}

void check_end() {
  for (std::size_t i = 0; i < run->fibers.size(); ++i) {
    ASSERT_TRUE(run->fibers[i].is_over) << "actor " << i << " waits for ever: " << Explorer::path();
  }
  run->setup.check_end();
}

}  // namespace

std::size_t Explorer::run(Setup setup) {
  Run here;
  here.fibers.resize(setup.actors.size());
  here.setup = std::move(setup);
  fibers::run = &here;
  std::unordered_set<std::uint64_t> seen;
  std::vector<std::vector<Choice>> left;  // for each choice of the path, the others
  for (;;) {
    begin();
    for (const Choice& choice : here.path) apply(choice);
    for (;;) {
      if (!seen.insert(state()).second) break;
      std::vector<Choice> next = choices();
      if (std::none_of(next.begin(), next.end(),
                       [](const Choice& choice) { return choice.act != Act::die; })) {
        check_end();
        if (next.empty()) break;
      }
      here.path.push_back(next.back());
      next.pop_back();
      left.push_back(std::move(next));
      apply(here.path.back());
    }
    end();
    if (::testing::Test::HasFailure()) break;
    while (!left.empty() && left.back().empty()) {
      left.pop_back();
      here.path.pop_back();
    }
    if (left.empty()) break;
    here.path.back() = left.back().back();
    left.back().pop_back();
  }
  fibers::run = nullptr;
  return seen.size();
}

void Explorer::step() { step_when(nullptr); }

void Explorer::step_when(const std::function<bool()>& is_possible) {
  if (!is_in_actor()) return;
  me().is_possible = is_possible;
  yield();
  if (me().is_dying) throw Death{};
  note(1);
}

void Explorer::note(std::uint64_t value) {
  if (is_in_actor()) me().history = mix(me().history, value);
}

void Explorer::checkpoint(std::uint64_t number) {
  if (is_in_actor()) me().history = number + 1;
}

void Explorer::sleep(const void* word) {
  me().asleep_on = word;
  fibers::run->sleepers.push_back(fibers::run->current);
  yield();
  if (me().is_dying) throw Death{};
}

bool Explorer::wake_one(const void* word) {
  auto& sleepers = fibers::run->sleepers;
  const auto found = std::find_if(sleepers.begin(), sleepers.end(), [&](std::size_t actor) {
    return fibers::run->fibers[actor].asleep_on == word;
  });
  if (found == sleepers.end()) return false;
  fibers::run->fibers[*found].asleep_on = nullptr;
  sleepers.erase(found);
  return true;
}

bool Explorer::is_dying() { return is_in_actor() && me().is_dying; }
std::size_t Explorer::self() { return fibers::run->current; }
bool Explorer::is_dead(std::size_t actor) { return fibers::run->fibers[actor].is_dead; }
std::size_t Explorer::deaths() { return fibers::run->deaths; }

std::string Explorer::path() {
  std::string text;
  for (const Choice& choice : fibers::run->path) {
    text += choice.act == Act::go ? " " : choice.act == Act::die ? " dies:" : " wakes:";
    text += std::to_string(choice.actor);
  }
  return text;
}

}  // namespace nativeconc::fibers
