// An mbox account for tests, mboxes of other programs, and a file system that lets nothing stand beside an mbox.
#pragma once

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "common/store/mbox/account.h"
#include "disk.h"
#include "mailbox_suite.h"

namespace facteur::store {

/// A folder of others, as /var/mail is: no dotlock can be made beside the mbox.
template <class Base>
struct ForeignFolder : Base {
  Result<Fd> open(int directory, const std::string& path, int flags, mode_t mode) override {
    if (path.ends_with("mbox.lock")) return fail_errno("open " + path, EACCES);
    return Base::open(directory, path, flags, mode);
  }
};

inline MboxLockOptions waiting(Milliseconds wait, MboxLockOrder order = MboxLockOrder::fcntl_then_dotlock) {
  MboxLockOptions options;
  options.order = order;
  options.wait = wait;
  return options;
}

inline std::unique_ptr<Account> account_at(const Folder& folder, fs::Files& files = fs::system_files(),
                                           Milliseconds wait = Milliseconds{10000}) {
  auto account = MboxAccount::open_file(folder.path + "/mbox", folder.path + "/state",
                                        {.files = &files, .lock = waiting(wait), .index = nullptr});
  INFO((account ? std::string() : account.error().text));
  REQUIRE(account);
  return *std::move(account);
}

inline const std::string pseudo =
    "From MAILER-DAEMON Sun Nov 22 10:00:00 2026\n"
    "Date: 22 Nov 2026 10:00:00 +0000\n"
    "From: Mail System Internal Data <MAILER-DAEMON@host>\n"
    "Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\n"
    "X-IMAP: 1152643200 0000000042\n"
    "Status: RO\n"
    "\n"
    "This text is part of the internal format of your mail folder.\n"
    "\n";

inline const std::string three =
    "From a@example.test Sun Nov 22 10:00:01 2026\n"
    "Subject: one\n"
    "X-UID: 40\n"
    "Status: RO\n"
    "X-Status: AF\n"
    "X-Keywords: Work later    \n"
    "\n"
    "first\n"
    ">From the quoted\n"
    ">>From more\n"
    "From here on there is prose.\n"
    "\n"
    "From that on too.\n"
    "\n"
    "From b@example.test  Sun, 22 Nov 2026 10:00:02 +0100\n"
    "Subject: two\n"
    "Content-Length: 999999\n"
    "X-UID: 42\n"
    "\n"
    "second\n"
    "\n"
    "\n"
    "From c@example.test Sun Nov 22 10:00 2026\n"
    "Subject: three\n"
    "\n"
    "third without end";

inline void deliver(const std::string& path, std::string_view octets, fs::Files& files = fs::system_files()) {
  MboxDelivery delivery(path, {}, files);
  ViewContent content(octets);
  REQUIRE(delivery.deliver({.headers = "Return-Path: <s@x>\r\n",
                            .message = &content,
                            .reverse_path = "s@x",
                            .queue_id = "q",
                            .recipient = 1,
                            .arrival = 1700000000,
                            .first_attempt = true}));
}

inline std::vector<std::string> contents_of(Mailbox& mailbox) {
  std::vector<std::string> out;
  for (const auto& record : now(mailbox)->records) out.push_back(content_of(mailbox, record.uid));
  return out;
}

}  // namespace facteur::store
