// Changing an mbox: messages at its end, and the whole of it anew.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/store/mbox/lock.h"
#include "common/store/mbox/scan.h"

namespace facteur::store {

/// What is put at the end of an mbox.
struct MboxAddition {
  std::string from_line;       ///< with LF
  std::string_view headers;    ///< on top, whole lines, any line ends; trusted
  Content* message = nullptr;  ///< any line ends; fields that could be forged are taken out
  std::string status;          ///< status fields, with LF
};

/// Appends messages in mboxrd, and syncs. After an error the file is cut back to what it was (TORTURE MBX-04).
[[nodiscard]] Result<> append_to_mbox(const LockedMbox& mbox, std::span<const MboxAddition> additions,
                                      fs::Files& files);

/// A piece of the new content of an mbox: octets of the old file, or other ones.
struct MboxPiece {
  std::uint64_t begin = 0, end = 0;  ///< of the old file
  std::string octets;                ///< instead of those, if begin == end
};

/// Writes an mbox anew from pieces, durably and in place: a new file with its name would take it from a program that
/// has opened it and waits for the lock, and what that one then appends would be lost. The order is one in which a
/// crash repeats messages and loses none (MBX-06):
///   1. what follows the first change is written behind the end, complete, and synced;
///   2. the same is written to where it belongs, and synced;
///   3. the file is cut.
[[nodiscard]] Result<> rewrite_mbox(const LockedMbox& mbox, std::span<const MboxPiece> pieces, fs::Files& files);

}  // namespace facteur::store
