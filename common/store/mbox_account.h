// The account of an mbox: INBOX, and nothing else.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/store/delivery.h"
#include "common/store/mbox_core.h"
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
class MboxMailbox : public Mailbox {
 public:
  MboxMailbox(std::shared_ptr<MboxCore> core, std::string path, bool read_only)
      : core_(std::move(core)), path_(std::move(path)), read_only_(read_only) {}

  [[nodiscard]] bool read_only() const override { return read_only_; }
  [[nodiscard]] Result<Status> status() override { return core_->status(); }
  [[nodiscard]] Result<std::shared_ptr<const Snapshot>> snapshot() override { return core_->snapshot(); }
  [[nodiscard]] Result<Uid> first_recent(bool claim) override { return core_->first_recent(claim && !read_only_); }
  [[nodiscard]] Result<std::unique_ptr<Content>> open(Uid uid) override { return core_->open(uid); }
  [[nodiscard]] Result<std::shared_ptr<const mime::Summary>> summary(Uid uid) override { return core_->summary(uid); }
  [[nodiscard]] Result<Appended> append(std::span<const NewMessage> messages) override;
  [[nodiscard]] Result<> change_flags(std::span<const Uid> uids, FlagChange how, std::uint8_t system_flags,
                                      const std::vector<std::string>& keywords) override;
  [[nodiscard]] Result<std::vector<Uid>> expunge(std::span<const Uid> uids) override;
  [[nodiscard]] Result<Appended> copy(std::span<const Uid> uids, Mailbox& to) override;
  [[nodiscard]] int watch_descriptor() override;
  void drain_watch() override;

 private:
  void watch_file();

  std::shared_ptr<MboxCore> core_;
  std::string path_;
  bool read_only_;
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
