// A session's handle on a mailbox that its process knows by one core (MaildirCore, MboxCore): the core does the work,
// the handle knows whether the session may change anything.
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
  [[nodiscard]] Result<Status> status() final { return core_->status(); }
  [[nodiscard]] Result<std::shared_ptr<const Snapshot>> snapshot() final { return core_->snapshot(); }
  [[nodiscard]] Result<Uid> first_recent(bool claim) final { return core_->first_recent(claim && !read_only_); }
  [[nodiscard]] Result<std::unique_ptr<Content>> open(Uid uid) final { return core_->open(uid); }
  [[nodiscard]] Result<std::shared_ptr<const mime::Summary>> summary(Uid uid) final { return core_->summary(uid); }
  [[nodiscard]] Result<Appended> append(std::span<const NewMessage> messages) final {
    if (read_only_) return refuse_read_only();
    return core_->append(messages);
  }
  [[nodiscard]] Result<> change_flags(std::span<const Uid> uids, FlagChange how, std::uint8_t system_flags,
                                      const std::vector<std::string>& keywords) final {
    if (read_only_) return refuse_read_only();
    return core_->change_flags(uids, how, system_flags, keywords);
  }
  [[nodiscard]] Result<std::vector<Uid>> expunge(std::span<const Uid> uids) final {
    if (read_only_) return refuse_read_only();
    return core_->expunge(uids);
  }

 protected:
  [[nodiscard]] Core& core() { return *core_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::shared_ptr<Core> core_;
  std::string path_;
  bool read_only_;
};

}  // namespace facteur::store
