// Where a user's mail is, and opening it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/fs/files.h"
#include "common/store/delivery.h"
#include "common/store/mailbox.h"
#include "common/store/mbox/lock.h"
#include "common/store/session_lock.h"

namespace facteur::store {

struct Location {
  enum class Format : std::uint8_t { maildir, mbox };
  Format format = Format::maildir;
  std::string path;   ///< absolute: the root of the Maildir, or the mbox file
  std::string state;  ///< absolute: the folder of what we keep beside the mail (of an mbox UIDs and locks)
  std::string index;  ///< absolute: the folder of the index
};

/// The location of this Maildir or mbox. `home`: of its owner; without one an mbox has its state beside itself.
/// `index`: the folder of the index; empty: beside the rest.
[[nodiscard]] Location location_of(Location::Format format, std::string path, const std::string& home,
                                   std::string index = {});

/// What opening takes besides.
struct OpenOptions {
  std::string host = "localhost";  ///< part of the names of new messages
  fs::Files* files = &fs::system_files();
  MboxLockOptions mbox_lock;  ///< how mbox files are locked
  bool index = true;          ///< keep and use an index
};

/// Opens the mailboxes of a user for POP3 and IMAP. What is missing is made (0700), but for parents of a Maildir's
/// root.
[[nodiscard]] Result<std::unique_ptr<Account>> open_account(const Location& location, const OpenOptions& options = {});
/// Removes the index of an account; what cannot be removed is logged and left.
void discard_index(const Location& location, fs::Files& files = fs::system_files());
/// Opens the inbox for delivery.
[[nodiscard]] Result<std::unique_ptr<MailboxDelivery>> open_delivery(const Location& location,
                                                                     const OpenOptions& options = {});
/// Takes the lock of a POP3 session. Kind::timeout if another session has it.
[[nodiscard]] Result<SessionLock> lock_session(const Location& location, fs::Files& files = fs::system_files());

}  // namespace facteur::store
