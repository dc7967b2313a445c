// A mailbox in memory whose calls fail when they are told to.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/store/memory/account.h"

namespace facteur::store {

/// A mailbox whose calls fail when told to.
class FaultyMailbox : public Mailbox {
 public:
  struct Faults {
    bool expunge = false;
    bool flags = false;
    std::uint64_t read_at = UINT64_MAX;  ///< reading fails from this offset on
    std::uint64_t ends_at = UINT64_MAX;  ///< the file turns out to end here
    bool overlooks = false;              ///< copies pass over the first message, as if it were gone
    int opened = 0;                      ///< contents
  };
  FaultyMailbox(std::unique_ptr<Mailbox> real, std::shared_ptr<Faults> faults)
      : real_(std::move(real)), faults_(std::move(faults)) {}
  bool read_only() const override { return real_->read_only(); }
  Result<Status> status() override { return real_->status(); }
  Result<std::shared_ptr<const Snapshot>> snapshot() override { return real_->snapshot(); }
  Result<Uid> first_recent(bool claim) override { return real_->first_recent(claim); }
  Result<std::unique_ptr<Content>> open(Uid uid) override {
    auto content = real_->open(uid);
    if (!content) return content;
    ++faults_->opened;
    return std::make_unique<FaultyContent>(std::move(*content), faults_);
  }
  Result<std::shared_ptr<const mime::Summary>> summary(Uid uid, mime::Aspects wanted) override {
    return real_->summary(uid, wanted);
  }
  Result<Appended> append(std::span<const NewMessage> m) override { return real_->append(m); }
  Result<> change_flags(std::span<const Uid> uids, FlagChange how, std::uint8_t system,
                        const std::vector<std::string>& keywords) override {
    if (faults_->flags) return fail(Kind::temporary, "flags fail");
    return real_->change_flags(uids, how, system, keywords);
  }
  Result<std::vector<Uid>> expunge(std::span<const Uid> uids) override {
    if (faults_->expunge) return fail(Kind::temporary, "expunge fails");
    return real_->expunge(uids);
  }
  Result<std::vector<UidRange>> expunged_since(std::uint64_t modseq) override { return real_->expunged_since(modseq); }
  Result<Appended> copy(std::span<const Uid> uids, Mailbox& to) override {
    return real_->copy(uids.subspan(faults_->overlooks ? 1 : 0), to);
  }
  int watch_descriptor() override { return -1; }
  void drain_watch() override {}

 private:
  struct FaultyContent : Content {
    FaultyContent(std::unique_ptr<Content> c, std::shared_ptr<Faults> f) : real(std::move(c)), faults(std::move(f)) {}
    [[nodiscard]] std::uint64_t size() const override { return real->size(); }
    Result<std::string> read(std::uint64_t offset, std::size_t most) override {
      if (offset >= faults->read_at) return fail(Kind::temporary, "read fails");
      auto octets = real->read(offset, most);
      if (octets && offset + octets->size() > faults->ends_at) {
        octets->resize(offset < faults->ends_at ? faults->ends_at - offset : 0);
      }
      return octets;
    }
    std::unique_ptr<Content> real;
    std::shared_ptr<Faults> faults;
  };
  std::unique_ptr<Mailbox> real_;
  std::shared_ptr<Faults> faults_;
};

/// An account in memory whose mailboxes are faulty.
class FaultyAccount : public MemoryAccount {
 public:
  FaultyAccount(const MemoryAccount& real, std::shared_ptr<FaultyMailbox::Faults> faults)
      : MemoryAccount(real), faults_(std::move(faults)) {}
  Result<std::unique_ptr<Mailbox>> open(std::string_view name, bool read_only) override {
    auto mailbox = MemoryAccount::open(name, read_only);
    if (!mailbox) return mailbox;
    return std::make_unique<FaultyMailbox>(std::move(*mailbox), faults_);
  }

 private:
  std::shared_ptr<FaultyMailbox::Faults> faults_;
};

}  // namespace facteur::store
