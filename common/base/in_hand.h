// What a process has in hand at this moment (a message, an account), noted in memory that its parent reads when it has
// crashed: so that what makes a program crash is found, and not tried for ever.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/fd.h"
#include "common/base/result.h"

namespace facteur {

/// Memory for the notes of one child, of a size that nobody can change: memfd_create(2).
[[nodiscard]] Result<Fd> make_notes();
/// The names that are noted there, at most one a thread. The child may have written anything: names that are not
/// printable ASCII are left out.
[[nodiscard]] std::vector<std::string> read_notes(const Fd& notes);
/// Where this process notes from now on. Before its first InHand; without it they note nowhere.
[[nodiscard]] Result<> note_in(const Fd& notes);

/// Notes a name while it lives, for its thread; then again what was noted before.
class InHand {
 public:
  /// Names longer than `longest_name` are not noted.
  explicit InHand(std::string_view name);
  ~InHand();
  InHand(const InHand&) = delete;
  InHand& operator=(const InHand&) = delete;

  /// What this thread notes now: to be noted by a job that goes on with it on another thread. Empty: nothing.
  [[nodiscard]] static std::string current();

  static constexpr std::size_t longest_name = 127;

 private:
  std::string before_;
  bool noted_ = false;
};

}  // namespace facteur
