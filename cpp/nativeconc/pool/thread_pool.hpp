// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The process's own threads, shared by everybody who runs a Job.
//
// Any thread may call in, several at once. Workers start when a job first wants them, stay, and
// sleep when there is nothing to do. They mask all signals but faults of their own, compute in the
// default floating-point mode and never touch Python.
//
// Fork: an idle pool stops its workers before a fork and starts new ones afterwards, so that a
// single-threaded program stays one at the moment it forks. A busy pool cannot stop; the child
// forgets it and begins anew. Exit: stop_if_idle() joins the workers. A pool that is busy then (a
// daemon thread's kernel) is left to the end of the process. The pool itself is never destroyed.
//
// Invariants, all under mutex_: a job is in jobs_ from the start of run() until all its chunks are
// claimed; workers_inside_ of a job counts exactly the workers that hold a pointer to it; running_
// counts the calls of run() that have not returned.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "nativeconc/pool/job.hpp"

namespace nativeconc::pool {

class ThreadPool {
 public:
  // The pool of this process; a forked child has another.
  static ThreadPool& instance();

  // Does this thread run a chunk at the moment? Then what it calls must run inline.
  static bool inside_chunk();

  // Works on the job with up to `helpers` workers until no chunk is left and no worker is inside.
  void run(Job& job, int helpers);

  // Ends and joins the workers, unless a job is running. They come back when wanted.
  static void stop_if_idle();

  int worker_count();

 private:
  ThreadPool() = default;

  static ThreadPool*& current();
  static void before_fork();
  static void after_fork_in_parent();
  static void after_fork_in_child();

  void grow_to(int workers);
  void work();
  Job* find_job_with_place();
  void stop(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable work_arrived_;
  std::condition_variable worker_left_;
  std::vector<std::thread> workers_;
  std::vector<Job*> jobs_;
  int running_ = 0;
  bool stopping_ = false;
};

}  // namespace nativeconc::pool
