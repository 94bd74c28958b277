// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Names of segments: files in /dev/shm, and who holds them.
//
// Whoever has a segment open keeps a shared flock on its file. The kernel lets go of it when the
// last descriptor of that open file is closed, however its processes ended; a forked child shares
// the open file of its parent and so holds on. Any thread, any process.
//
// Invariants:
//   - a file has its name only while it is whole: it is written and locked first (O_TMPFILE), then
//     linked;
//   - who gets the exclusive lock on a fresh open of a file knows that nobody holds it, and nobody
//     can begin to: such a name is removed under that lock, if it still names that file;
//   - who gets the shared lock looks whether the name still names the file, and begins again if
//   not.
// So a name is removed only after its last holder, and no holder can lose it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nativeconc/shared/file_descriptor.hpp"
#include "nativeconc/shared/segment_header.hpp"

namespace nativeconc::shared {

inline constexpr std::string_view kNamesFolder = "/dev/shm";
inline constexpr std::size_t kMaxName = 200;  // bytes

enum class Access { read_write, read_only };

// Where the name of this user lies. Throws std::invalid_argument for what cannot be a name.
std::string path_of(std::string_view name);

// Every name of this user that has a file, held or not, sorted.
std::vector<std::string> list_names();

// A file without a name, held by this process. Throws SharedError.
FileDescriptor create_unnamed_file();

// Returns if the name is free, having removed what nobody holds. Throws SharedError: `exists` if
// somebody holds a segment of that name, `damaged` if there is something else.
void refuse_if_taken(std::string_view name);

// Gives the file its name. Throws as refuse_if_taken() does.
void publish(const FileDescriptor& file, std::string_view name);

// An open segment that this process holds.
struct HeldFile {
  FileDescriptor file;
  SegmentHeader header;
  std::string meta;
};

// Opens a segment that somebody holds, and holds it too. Throws SharedError: `not_found` if there
// is none, `damaged` if what has the name is no segment of this user.
HeldFile open_held(std::string_view name, Access access);

// Lets go of a name, and removes it if nobody else holds it: for the only one who has this open
// file, which no forked child and no mapping may share. Never throws.
void leave(const FileDescriptor& file, std::string_view name);

// Removes the name if nobody holds its segment; true if that was so. Never throws; leaves alone
// what is no segment. Call it after closing one's own descriptor.
bool remove_if_unheld(std::string_view name);

// Removes all names that nobody holds, unless this process has done so a moment ago: not longer
// than a hundredth of its time goes into it. For whoever creates or attaches anyway. Never throws.
void sweep_if_due();

// Reads and checks an open file, its header and its meta bytes: it must be a regular file of this
// user's that nobody else may open, and whole. Throws SharedError (`damaged`).
SegmentHeader read_header(int fd, std::string_view what, std::string* meta);

}  // namespace nativeconc::shared
