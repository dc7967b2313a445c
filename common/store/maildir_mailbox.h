// A session's handle on a Maildir mailbox.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/store/maildir_core.h"
#include "common/store/watch.h"

namespace facteur::store {

class MaildirMailbox : public Mailbox {
 public:
  /// `path` is where the mailbox is now: what is watched.
  MaildirMailbox(std::shared_ptr<MaildirCore> core, std::string path, bool read_only)
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
  /// Watched from the first call on: sessions that never wait for changes cost nothing.
  [[nodiscard]] int watch_descriptor() override;
  void drain_watch() override;

 private:
  std::shared_ptr<MaildirCore> core_;
  std::string path_;
  bool read_only_;
  std::optional<Watch> watch_;
};

}  // namespace facteur::store
