// The folders of one Maildir, and how a message gets into them: written and synced in tmp/, then renamed.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/base/fd.h"
#include "common/fs/files.h"
#include "common/store/mailbox.h"

namespace facteur::store {

/// The open folders. Links in place of tmp/, new/ and cur/ are not followed.
struct MaildirFolders {
  Fd root, tmp, fresh, cur;  ///< `fresh` is new/

  /// Opens them; ENOENT if the mailbox does not exist. With `create` missing ones are made (0700) and made durable.
  [[nodiscard]] static Result<MaildirFolders> open(const std::string& path, bool create, fs::Files& files);
};

/// A message in tmp/, whole and synced. Removed when it is destroyed without publish().
class TemporaryMessage {
 public:
  TemporaryMessage(TemporaryMessage&& other) noexcept;
  TemporaryMessage& operator=(TemporaryMessage&&) = delete;
  TemporaryMessage(const TemporaryMessage&) = delete;
  ~TemporaryMessage();

  /// Writes `headers` and then `message`, line ends as LF, to tmp/NAME, sets its time unless `time` is 0, and syncs.
  [[nodiscard]] static Result<TemporaryMessage> write(const MaildirFolders& folders, fs::Files& files, std::string name,
                                                      std::string_view headers, Content& message,
                                                      std::int64_t time = 0);
  [[nodiscard]] std::uint64_t stored() const { return stored_; }
  [[nodiscard]] std::uint64_t wire() const { return wire_; }
  /// The last line has no end.
  [[nodiscard]] bool open_end() const { return open_end_; }
  /// Renames it to `name` in `directory`. Not durable before that directory is synced.
  [[nodiscard]] Result<> publish(int directory, const std::string& name);

 private:
  TemporaryMessage(int tmp, fs::Files& files, std::string name) : tmp_(tmp), files_(&files), name_(std::move(name)) {}
  [[nodiscard]] Result<> fill(std::string_view headers, Content& message, std::int64_t time);

  int tmp_;
  fs::Files* files_;
  std::string name_;  ///< empty when it is no longer in tmp/
  std::uint64_t stored_ = 0;
  std::uint64_t wire_ = 0;
  bool open_end_ = false;
};

}  // namespace facteur::store
