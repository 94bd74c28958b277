// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/condition.hpp"

namespace nativeconc::shared {

WaitResult Condition::wait(ThreadNumber me, Waiter& waiter, Deadline deadline) {
  if (waiter.thread != me) waiter = me == kNobody ? Waiter{} : table_.enter(me);
  if (waiter.is_none()) return WaitResult::acquired;
  return table_.wait(waiter, deadline);
}

bool Condition::leave(ThreadNumber me, const Waiter& waiter) {
  return waiter.is_none() || waiter.thread != me || table_.leave(waiter);
}

}  // namespace nativeconc::shared
