// A session's handle on a mailbox that its process knows by one core (MaildirCore, MboxCore): the core does the work,
// the handle knows whether the session may change anything, and the UIDVALIDITY it has seen.
#pragma once

#include <memory>
#include <string>

#include "common/store/copy.h"
#include "common/store/mailbox.h"

namespace facteur::store {

template <class Core>
class CoreMailbox : public Mailbox {
 public:
  /// `path` is where the mailbox is now: what is watched.
  CoreMailbox(std::shared_ptr<Core> core, std::string path, bool read_only)
      : core_(std::move(core)), path_(std::move(path)), read_only_(read_only) {}

  [[nodiscard]] bool read_only() const final { return read_only_; }
  [[nodiscard]] Result<Status> status() final {
    auto status = core_->status();
    if (status && uid_validity_ == 0) uid_validity_ = status->uid_validity;
    return status;
  }
  [[nodiscard]] Result<std::shared_ptr<const Snapshot>> snapshot() final {
    auto snapshot = core_->snapshot();
    if (snapshot && uid_validity_ == 0) uid_validity_ = (*snapshot)->uid_validity;
    return snapshot;
  }
  [[nodiscard]] Result<Uid> first_recent(bool claim) final { return core_->first_recent(claim && !read_only_); }
  [[nodiscard]] Result<std::unique_ptr<Content>> open(Uid uid) final { return core_->open(uid); }
  [[nodiscard]] Result<std::shared_ptr<const mime::Summary>> summary(Uid uid, mime::Aspects wanted) final {
    return core_->summary(uid, wanted);
  }
  [[nodiscard]] Result<Appended> append(std::span<const NewMessage> messages) final {
    if (read_only_) return refuse_read_only();
    return core_->append(messages);
  }
  [[nodiscard]] Result<> change_flags(std::span<const Uid> uids, FlagChange how, std::uint8_t system_flags,
                                      const std::vector<std::string>& keywords) final {
    if (read_only_) return refuse_read_only();
    if (auto same = same_uids(); !same) return same;
    return core_->change_flags(uids, how, system_flags, keywords);
  }
  [[nodiscard]] Result<std::vector<Uid>> expunge(std::span<const Uid> uids) final {
    if (read_only_) return refuse_read_only();
    if (auto same = same_uids(); !same) return fail(same);
    return core_->expunge(uids);
  }

  [[nodiscard]] Result<std::vector<UidRange>> expunged_since(std::uint64_t modseq) final {
    return core_->expunged_since(modseq);
  }

 protected:
  [[nodiscard]] Core& core() { return *core_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// UIDs that the session was told name other messages, if the UID list was lost meanwhile: Kind::corrupt then.
  [[nodiscard]] Result<> same_uids() {
    const auto now = snapshot();
    if (!now) return fail(now);
    if ((*now)->uid_validity != uid_validity_) return fail(Kind::corrupt, "UIDVALIDITY of " + path_ + " changed");
    return {};
  }

 private:
  std::shared_ptr<Core> core_;
  std::string path_;
  bool read_only_;
  std::uint32_t uid_validity_ = 0;  ///< when the session first saw the mailbox
};

}  // namespace facteur::store
