// The account of an mbox: INBOX, and nothing else.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/store/core_mailbox.h"
#include "common/store/delivery.h"
#include "common/store/mbox/core.h"
#include "common/store/watch.h"

namespace facteur::store {

class MboxAccount : public Account {
 public:
  /// `state` is our folder beside the mbox; it is made if it is missing.
  [[nodiscard]] static Result<std::unique_ptr<Account>> open_file(const std::string& path, const std::string& state,
                                                                  MboxOptions options);
  MboxAccount(std::string path, std::shared_ptr<MboxCore> core, Fd state, fs::Files& files)
      : path_(std::move(path)), core_(std::move(core)), state_(std::move(state)), files_(&files) {}

  [[nodiscard]] Result<std::vector<Listed>> list() override;
  [[nodiscard]] Result<std::unique_ptr<Mailbox>> open(std::string_view name, bool read_only) override;
  [[nodiscard]] Result<Status> status(std::string_view name) override;
  [[nodiscard]] Result<> create(std::string_view name) override;
  [[nodiscard]] Result<> remove(std::string_view name) override;
  [[nodiscard]] Result<> rename(std::string_view from, std::string_view to) override;
  [[nodiscard]] Result<std::vector<std::string>> subscriptions() override;
  [[nodiscard]] Result<> subscribe(std::string_view name, bool on) override;

 private:
  std::string path_;
  std::shared_ptr<MboxCore> core_;
  Fd state_;
  fs::Files* files_;
};

/// A session's handle.
class MboxMailbox final : public CoreMailbox<MboxCore> {
 public:
  using CoreMailbox::CoreMailbox;

  [[nodiscard]] Result<Appended> copy(std::span<const Uid> uids, Mailbox& to) override;
  [[nodiscard]] int watch_descriptor() override;
  void drain_watch() override;

 private:
  void watch_file();

  std::optional<Watch> watch_;
};

/// Delivery into an mbox. A crash between the append and its report repeats the message: an mbox has no names that
/// would tell a second attempt from a second message.
class MboxDelivery : public MailboxDelivery {
 public:
  MboxDelivery(std::string path, MboxLockOptions lock, fs::Files& files)
      : path_(std::move(path)), lock_(lock), files_(&files) {}
  [[nodiscard]] Result<std::string> deliver(const Delivery& delivery) override;

 private:
  [[nodiscard]] Result<> sync_name();

  std::string path_;
  MboxLockOptions lock_;
  fs::Files* files_;
};

}  // namespace facteur::store
