// Copying message by message.
#include "common/store/copy.h"

#include <deque>

#include "common/store/flags.h"

namespace facteur::store {
namespace {

/// A message of a mailbox: opened when it is first read, let go of behind its last octet.
class Source : public Content {
 public:
  Source(Mailbox& from, const Record& record) : from_(from), uid_(record.uid), size_(record.size) {}

  [[nodiscard]] std::uint64_t size() const override { return content_ ? content_->size() : size_; }
  [[nodiscard]] Result<std::string> read(std::uint64_t offset, std::size_t most) override {
    if (!content_) {
      auto content = from_.open(uid_);
      if (!content) return fail(content);
      content_ = *std::move(content);
    }
    auto octets = content_->read(offset, most);
    if (!octets || octets->size() < most) content_.reset();
    return octets;
  }

 private:
  Mailbox& from_;
  Uid uid_;
  std::uint64_t size_;
  std::unique_ptr<Content> content_;
};

}  // namespace

Result<Appended> copy_octets(Mailbox& from, std::span<const Uid> uids, Mailbox& to) {
  const auto snapshot = from.snapshot();
  if (!snapshot) return fail(snapshot);
  std::deque<Source> contents;  // a deque: they stay where they are
  std::vector<NewMessage> messages;
  std::vector<Uid> sources;
  for (const Uid uid : uids) {
    const Record* record = find(**snapshot, uid);
    if (record == nullptr) continue;
    messages.push_back({.octets = {},
                        .system_flags = record->flags.system,
                        .keywords = keyword_names((*snapshot)->keywords, record->flags.keywords),
                        .internal_date = record->internal_date,
                        .content = &contents.emplace_back(from, *record)});
    sources.push_back(uid);
  }
  auto appended = to.append(messages);
  if (appended) appended->sources = std::move(sources);
  return appended;
}

std::unexpected<Error> refuse_read_only() {
  return fail(Kind::permanent, "the mailbox is open for reading only");
}

std::unexpected<Error> refuse_gone(Uid uid) {
  return fail(Kind::permanent, "message " + std::to_string(uid) + " is gone");
}

}  // namespace facteur::store
