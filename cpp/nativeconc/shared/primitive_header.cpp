// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/primitive_header.hpp"

namespace nativeconc::shared {

void begin_primitive(PrimitiveHeader& header, PrimitiveKind kind) {
  header.kind = kind;
  header.uid = next_primitive_uid();
  header.directory = directory_id();
}

const char* why_not(const PrimitiveHeader& header, PrimitiveKind kind) {
  if (header.kind != kind) return "it is of another kind";
  if (header.directory != directory_id()) return "all processes that knew its users have ended";
  return nullptr;
}

}  // namespace nativeconc::shared
