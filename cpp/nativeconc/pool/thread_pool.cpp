// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/pool/thread_pool.hpp"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <cfenv>
#include <chrono>
#include <exception>

namespace nativeconc::pool {
namespace {

thread_local bool in_chunk = false;

// How often a caller that waits for the last workers looks for a reason to stop them.
constexpr std::chrono::nanoseconds kLookOut{Cancellation::kPollIntervalNs};

// How often an idle worker wakes up for nothing.
constexpr std::chrono::hours kIdleTurn{1};

// New threads inherit the mask: blocked here, no signal sent to the process ever lands on a worker.
// Those that a thread brings upon itself stay open, so that faulthandler can tell of a crash.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t sent;
    sigfillset(&sent);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT}) {
      sigdelset(&sent, fault);
    }
    pthread_sigmask(SIG_SETMASK, &sent, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

ThreadPool*& ThreadPool::current() {
  static ThreadPool* pool = [] {
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    return new ThreadPool;
  }();
  return pool;
}

ThreadPool& ThreadPool::instance() { return *current(); }

namespace {
// Made when the library is loaded. A local static that one thread makes while another forks stays
// half-made in the child, who would wait for it for ever.
[[maybe_unused]] const ThreadPool& made_early = ThreadPool::instance();
}  // namespace

bool ThreadPool::inside_chunk() { return in_chunk; }

void ThreadPool::run(Job& job, int helpers) {
  {
    const std::unique_lock lock(mutex_);
    jobs_.push_back(&job);  // may throw; from here on nothing does
    ++running_;
    if (!stopping_) grow_to(helpers);  // otherwise the caller does the work alone
    job.places_left_ = std::min(helpers, static_cast<int>(workers_.size()));
    for (int i = 0; i < job.places_left_; ++i) work_arrived_.notify_one();
  }
  const Checkpoint checkpoint(job.execution_.cancellation, true);
  in_chunk = true;
  job.work(checkpoint);
  in_chunk = false;
  if (this != current()) return;  // we are the child of a fork in the middle: nobody is inside

  std::unique_lock lock(mutex_);
  std::erase(jobs_, &job);  // nobody joins from here on
  while (job.workers_inside_ > 0) {
    worker_left_.wait_for(lock, kLookOut);
    if (job.workers_inside_ > 0 && job.execution_.cancellation != nullptr) {
      lock.unlock();  // a poll runs foreign code
      job.execution_.cancellation->poll_if_due();
      if (this != current()) return;
      lock.lock();
    }
  }
  --running_;
}

void ThreadPool::grow_to(int workers) {
  if (static_cast<int>(workers_.size()) >= workers) return;
  const SignalsBlocked blocked;
  try {
    while (static_cast<int>(workers_.size()) < workers) {
      workers_.emplace_back([this] { work(); });
      pthread_setname_np(workers_.back().native_handle(), "nativeconc");
    }
  } catch (const std::exception&) {
    // The system grants no more threads, or no memory for them: the ones there are, and the caller,
    // do the work.
  }
}

Job* ThreadPool::find_job_with_place() {
  for (Job* job : jobs_) {
    if (job->places_left_ > 0 && !job->all_claimed()) return job;
  }
  return nullptr;
}

void ThreadPool::work() {
  in_chunk = true;
  // The thread that started us may round or flush in a way of its own; results must not tell.
  std::fesetenv(FE_DFL_ENV);
  std::unique_lock lock(mutex_);
  for (;;) {
    Job* job = find_job_with_place();
    while (job == nullptr && !stopping_) {
      // Not wait(): as GCC 12 compiles it, it needs a newer libstdc++ than manylinux_2_34 has.
      work_arrived_.wait_for(lock, kIdleTurn);
      job = find_job_with_place();
    }
    if (job == nullptr) return;
    --job->places_left_;
    ++job->workers_inside_;
    lock.unlock();
    job->work(Checkpoint(job->execution_.cancellation, false));
    lock.lock();
    // Under the mutex, so that the caller cannot see zero and destroy the job before we are done
    // with it.
    if (--job->workers_inside_ == 0) worker_left_.notify_all();
  }
}

void ThreadPool::stop(std::unique_lock<std::mutex>& lock) {
  if (running_ > 0 || workers_.empty()) return;
  std::vector<std::thread> leaving;
  leaving.swap(workers_);
  stopping_ = true;
  work_arrived_.notify_all();
  lock.unlock();
  for (std::thread& worker : leaving) worker.join();
  lock.lock();
  stopping_ = false;
}

void ThreadPool::stop_if_idle() {
  ThreadPool& pool = instance();
  std::unique_lock lock(pool.mutex_);
  pool.stop(lock);
}

int ThreadPool::worker_count() {
  const std::unique_lock lock(mutex_);
  return static_cast<int>(workers_.size());
}

void ThreadPool::before_fork() {
  ThreadPool& pool = instance();
  std::unique_lock lock(pool.mutex_);
  pool.stop(lock);
  lock.release();  // held over the fork, so that parent and child find the pool in order
}

void ThreadPool::after_fork_in_parent() { instance().mutex_.unlock(); }

void ThreadPool::after_fork_in_child() {
  // The old pool's mutex and threads belong to the parent. It is left behind on purpose.
  current() = new ThreadPool;
}

}  // namespace nativeconc::pool
