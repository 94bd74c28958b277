// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/mail.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <string>

#include "nativeconc/shared/fault_point.hpp"
#include "nativeconc/shared/shared_error.hpp"

namespace nativeconc::shared {
namespace {

constexpr int kRoom = 1 << 20;  // asked for; the system may give less

// A letter's text and room for its descriptors.
struct Letter {
  std::uint64_t tag = 0;
  iovec text{&tag, sizeof tag};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxLetterFiles * sizeof(int))> rights;
  msghdr header{};

  explicit Letter(std::size_t n_files) {
    header.msg_iov = &text;
    header.msg_iovlen = 1;
    if (n_files == 0) return;
    header.msg_control = rights.data();
    header.msg_controllen = CMSG_SPACE(n_files * sizeof(int));
  }
};

// The descriptors that came with a letter, for which there is room.
void take_rights(msghdr& header, std::vector<FileDescriptor>* files) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      files->emplace_back(fd);
    }
  }
}

}  // namespace

Mail::Mail() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
    throw SharedError(SharedFault::system, errno,
                      std::string("cannot make a queue: ") + std::strerror(errno));
  }
  in_ = FileDescriptor(ends[0]);
  out_ = FileDescriptor(ends[1]);
  setsockopt(in_.get(), SOL_SOCKET, SO_SNDBUF, &kRoom, sizeof kRoom);
}

Step Mail::post(std::uint64_t tag, std::span<const int> files, int* error) const {
  Letter letter(files.size());
  letter.tag = tag;
  cmsghdr* const part = CMSG_FIRSTHDR(&letter.header);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(files.size_bytes());
  std::memcpy(CMSG_DATA(part), files.data(), files.size_bytes());
  for (;;) {
    if (sendmsg(in_.get(), &letter.header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return Step::done;
    if (errno == EINTR) continue;
    // The last: so many descriptors of this user are on their way.
    if (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS) return Step::full;
    *error = errno;
    return Step::failed;
  }
}

int Mail::peek(std::uint64_t tag, std::vector<FileDescriptor>* files) const noexcept {
  std::vector<FileDescriptor> came;
  try {
    came.reserve(kMaxLetterFiles);
  } catch (const std::bad_alloc&) {
    return ENOMEM;
  }
  for (;;) {
    Letter letter(kMaxLetterFiles);
    const ssize_t size =
        recvmsg(out_.get(), &letter.header, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno == EAGAIN ? 0 : errno;
    came.clear();
    take_rights(letter.header, &came);
    if (size == sizeof letter.tag && letter.tag > tag) return 0;
    if (size == sizeof letter.tag && letter.tag == tag) {
      // The kernel leaves away those for which this process has no numbers left.
      if ((letter.header.msg_flags & MSG_CTRUNC) != 0) return EMFILE;
      *files = std::move(came);
      return 0;
    }
    fault_point();
    discard_first();
  }
}

void Mail::drop(std::uint64_t tag) const {
  for (;;) {
    Letter letter(0);
    const ssize_t size = recvmsg(out_.get(), &letter.header, MSG_PEEK | MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 || (size == sizeof letter.tag && letter.tag > tag)) return;
    discard_first();
  }
}

void Mail::discard_first() const {
  Letter letter(0);  // without room for them the descriptors are closed
  while (recvmsg(out_.get(), &letter.header, MSG_DONTWAIT) < 0 && errno == EINTR) {
  }
}

}  // namespace nativeconc::shared
