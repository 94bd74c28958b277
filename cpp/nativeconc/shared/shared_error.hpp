// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What can go wrong with shared memory. Any thread. The seam makes a Python exception of each kind.
#pragma once

#include <stdexcept>
#include <string>

namespace nativeconc::shared {

enum class SharedFault {
  full,       // no memory, no room in /dev/shm, or no address space
  damaged,    // a file that is no segment of ours, or not whole, or not for us
  not_found,  // nobody holds such a segment any more
  exists,     // the name is taken
  system,     // anything else that the system refused
};

class SharedError : public std::runtime_error {
 public:
  // `code` is an errno.
  SharedError(SharedFault fault, int code, const std::string& what)
      : std::runtime_error(what), fault_(fault), code_(code) {}

  SharedFault fault() const { return fault_; }
  int code() const { return code_; }

 private:
  SharedFault fault_;
  int code_;
};

}  // namespace nativeconc::shared
