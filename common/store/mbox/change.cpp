// Changing an mbox through a session: append, flags, expunge.
#include <algorithm>
#include <deque>
#include <set>

#include "common/base/time.h"
#include "common/log/log.h"
#include "common/store/content.h"
#include "common/store/flags.h"
#include "common/store/mbox/core.h"
#include "common/store/mbox/from.h"

namespace facteur::store {
namespace {

/// A message of an mbox that is locked: read when its turn comes, and let go of behind its last octet.
class LockedMessage : public Content {
 public:
  LockedMessage(const LockedMbox& mbox, const MboxMessage& message, fs::Files& files)
      : mbox_(mbox), begin_(message.header), end_(message.end), size_(message.size), files_(files) {}

  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] Result<std::string> read(std::uint64_t offset, std::size_t most) override {
    if (!content_) {
      if (end_ - begin_ > max_mbox_message) return fail(Kind::permanent, "a message is too large to be copied");
      const auto raw = files_.read_at(mbox_.fd(), begin_, static_cast<std::size_t>(end_ - begin_));
      if (!raw) return fail(raw);
      content_.emplace(std::make_shared<const std::string>(mbox_content(*raw)));
    }
    auto octets = content_->read(offset, most);
    if (!octets || octets->size() < most) content_.reset();
    return octets;
  }

 private:
  const LockedMbox& mbox_;
  std::uint64_t begin_, end_, size_;
  fs::Files& files_;
  std::optional<StringContent> content_;
};

}  // namespace

Result<> MboxCore::add_all(const LockedMbox& mbox, std::span<const NewMessage> messages) {
  std::vector<NewContent> contents;
  contents.reserve(messages.size());
  std::vector<MboxAddition> additions;
  const auto now = std::chrono::duration_cast<Seconds>(wall_now().time_since_epoch()).count();
  for (const auto& message : messages) {
    contents.emplace_back(message);
    additions.push_back({.from_line = from_line({}, message.internal_date != 0 ? message.internal_date : now),
                         .headers = {},
                         .message = &contents.back(),
                         .status = status_fields(message.system_flags, message.keywords)});
  }
  return append_to_mbox(mbox, additions, *options_.files);
}

Result<Appended> MboxCore::append(std::span<const NewMessage> messages) {
  const std::scoped_lock guard(mutex_);
  const auto locked = lock(Purpose::create);
  if (!locked) return fail(locked);
  if (auto loaded = load(&**locked); !loaded) return fail(loaded);
  return append_to(**locked, messages);
}

/// The mbox has been loaded under its lock.
Result<Appended> MboxCore::append_to(const LockedMbox& mbox, std::span<const NewMessage> messages) {
  if (auto good = check_keywords(messages); !good) return fail(good);
  Appended appended{.uid_validity = snapshot_->uid_validity, .uids = {}};
  if (messages.empty()) return appended;
  if (auto added = add_all(mbox, messages); !added) return fail(added);
  if (auto loaded = load(&mbox); !loaded) {
    (void)options_.files->truncate(mbox.fd(), mbox.size());
    return fail(loaded);
  }
  appended.uid_validity = snapshot_->uid_validity;
  // The last ones in the file; equal messages may have changed places, which nobody can tell.
  std::map<std::size_t, Uid> by_position;
  for (const auto& [uid, position] : positions_) by_position[position] = uid;
  auto at = std::prev(by_position.end(), static_cast<std::ptrdiff_t>(std::min(messages.size(), by_position.size())));
  for (; at != by_position.end(); ++at) appended.uids.push_back(at->second);
  return appended;
}

Result<Appended> MboxCore::copy(std::span<const Uid> uids) {
  const std::scoped_lock guard(mutex_);
  const auto locked = lock(Purpose::change);
  if (!locked) return fail(locked);
  if (auto loaded = load(*locked ? &**locked : nullptr); !loaded) return fail(loaded);
  if (!*locked) return Appended{.uid_validity = snapshot_->uid_validity, .uids = {}};
  std::deque<LockedMessage> contents;
  std::vector<NewMessage> messages;
  std::vector<Uid> sources;
  for (const Uid uid : uids) {
    const auto* message = message_of(uid);
    const auto* record = find(*snapshot_, uid);
    if (message == nullptr || record == nullptr) continue;
    messages.push_back({.octets = {},
                        .system_flags = record->flags.system,
                        .keywords = keyword_names(snapshot_->keywords, record->flags.keywords),
                        .internal_date = record->internal_date,
                        .content = &contents.emplace_back(**locked, *message, *options_.files)});
    sources.push_back(uid);
  }
  auto copied = append_to(**locked, messages);
  if (copied) copied->sources = std::move(sources);
  return copied;
}

/// The From_ line and header of a message with other flags: in one piece, so that a copy of the message is a message
/// also where a rewrite in place was cut off.
Result<std::string> MboxCore::header_with(const LockedMbox& mbox, const MboxMessage& message, Flags flags) {
  const auto octets =
      options_.files->read_at(mbox.fd(), message.begin, static_cast<std::size_t>(message.body - message.begin));
  if (!octets) return octets;
  const auto line = static_cast<std::size_t>(message.header - message.begin);
  if (octets->size() < line) return fail(Kind::temporary, "the mbox is shorter than it was");
  return octets->substr(0, line) + with_status(std::string_view(*octets).substr(line), flags.system,
                                               keyword_names(list_.state().keywords, flags.keywords));
}

Result<> MboxCore::change_flags(std::span<const Uid> uids, FlagChange how, std::uint8_t system_flags,
                                const std::vector<std::string>& keywords) {
  const std::scoped_lock guard(mutex_);
  const auto locked = lock(Purpose::change);
  if (!locked) return fail(locked);
  if (auto loaded = load(*locked ? &**locked : nullptr); !loaded) return loaded;
  Flags by{system_flags, keyword_bits(list_.state().keywords, keywords)};
  if (how != FlagChange::remove && !keywords.empty()) {
    auto list = list_.lock();
    if (!list) return fail(list);
    const auto bits = list->define(keywords);
    if (!bits) return fail(bits);
    by.keywords = *bits;
    if (auto done = list->commit(); !done) return done;
  }
  std::vector<MboxPiece> pieces;
  std::uint64_t taken = 0;  // what is in pieces reaches this far into the old file
  std::map<std::size_t, Flags> changes;
  for (const Uid uid : uids) {
    const auto* message = message_of(uid);
    const auto* record = find(*snapshot_, uid);
    if (message == nullptr || record == nullptr) continue;
    const auto flags = change(record->flags, how, by);
    if (flags != record->flags) changes[positions_[uid]] = flags;
  }
  if (changes.empty() || !*locked) {
    // A list that was read anew knows no flags: the next look at the mbox does.
    if (generation_ == list_.generation()) publish();
    return {};
  }
  for (const auto& [position, flags] : changes) {
    const auto& message = scan_.messages[position];
    auto header = header_with(**locked, message, flags);
    if (!header) return fail(header);
    if (message.begin > taken) pieces.push_back({.begin = taken, .end = message.begin, .octets = {}});
    pieces.push_back({.begin = 0, .end = 0, .octets = *std::move(header)});
    taken = message.body;
  }
  if (taken < scan_.size) pieces.push_back({.begin = taken, .end = scan_.size, .octets = {}});
  if (auto done = rewrite_mbox(**locked, pieces, *options_.files); !done) return done;
  return {};
}

Result<std::vector<Uid>> MboxCore::expunge(std::span<const Uid> uids) {
  const std::scoped_lock guard(mutex_);
  std::vector<Uid> gone;
  const auto locked = lock(Purpose::change);
  if (!locked) return fail(locked);
  if (auto loaded = load(*locked ? &**locked : nullptr); !loaded) return fail(loaded);
  std::set<std::size_t> positions;
  for (const Uid uid : uids) {
    if (message_of(uid) != nullptr && positions.insert(positions_[uid]).second) gone.push_back(uid);
  }
  if (gone.empty()) return gone;
  std::vector<MboxPiece> pieces;
  std::uint64_t taken = 0;
  for (const auto position : positions) {
    const auto& message = scan_.messages[position];
    if (message.begin > taken) pieces.push_back({.begin = taken, .end = message.begin, .octets = {}});
    taken = message.next;
  }
  if (taken < scan_.size) pieces.push_back({.begin = taken, .end = scan_.size, .octets = {}});
  if (auto done = rewrite_mbox(**locked, pieces, *options_.files); !done) return fail(done);
  // Which of several equal messages went is known only here.
  auto list = list_.lock();
  if (!list) return fail(list);
  (void)list->next_modseq();
  for (const Uid uid : gone) list->forget(uid);
  if (auto done = list->commit(); !done) log::warning("{}", done.error().text);
  return gone;
}

}  // namespace facteur::store
