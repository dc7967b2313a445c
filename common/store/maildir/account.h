// The mailboxes of a Maildir++ account: the inbox in its root, the others in folders ".Name.Sub" beside new/, cur/,
// tmp/.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "common/store/maildir/core.h"

namespace facteur::store {

class MaildirAccount : public Account {
 public:
  struct Options {
    std::string host = "localhost";  ///< part of the names of new messages
    fs::Files* files = &fs::system_files();
    std::shared_ptr<Index> index;  ///< may be nullptr
  };
  /// Opens the account, and makes the inbox if it is missing.
  [[nodiscard]] static Result<std::unique_ptr<Account>> open_root(const std::string& root, Options options);
  /// Opens an account whose root is there, else ENOENT.
  [[nodiscard]] static Result<std::unique_ptr<MaildirAccount>> open_existing(const std::string& root, Options options);

  MaildirAccount(std::string root, std::shared_ptr<Fd> directory, Options options);

  [[nodiscard]] Result<std::vector<Listed>> list() override;
  [[nodiscard]] Result<std::unique_ptr<Mailbox>> open(std::string_view name, bool read_only) override;
  [[nodiscard]] Result<Status> status(std::string_view name) override;
  [[nodiscard]] Result<> create(std::string_view name) override;
  [[nodiscard]] Result<> remove(std::string_view name) override;
  [[nodiscard]] Result<> rename(std::string_view from, std::string_view to) override;
  [[nodiscard]] Result<std::vector<std::string>> subscriptions() override;
  [[nodiscard]] Result<> subscribe(std::string_view name, bool on) override;
  /// Hands a mailbox over to Dovecot (MaildirCore::move_out).
  [[nodiscard]] Result<MovedOut> move_out(std::string_view name);

 private:
  [[nodiscard]] Result<std::set<std::string>> names();
  [[nodiscard]] bool exists(const std::string& folder);
  [[nodiscard]] Result<std::shared_ptr<MaildirCore>> core(const std::string& name);
  [[nodiscard]] Result<> move_inbox(const std::string& to);
  [[nodiscard]] Result<> rename_all(const std::vector<std::pair<std::string, std::string>>& moves);

  std::string root_;
  std::shared_ptr<Fd> directory_;
  Options options_;
};

/// The folder of a mailbox: ".Sub.folder", each level in modified UTF-7; "" for INBOX. Kind::permanent if Maildir++
/// cannot keep the name: a '.' in it, or more octets than a file name has.
[[nodiscard]] Result<std::string> maildir_folder(std::string_view canonical_name);
/// The canonical name of the mailbox in such a folder; an error if there can be none.
[[nodiscard]] Result<std::string> mailbox_of_folder(std::string_view folder);

}  // namespace facteur::store
