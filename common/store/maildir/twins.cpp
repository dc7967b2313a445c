// Two files of one message: one base name, in two folders or with two infos. A Maildir has none, but a backup that was
// copied over it makes them. One of them is shown (scan.cpp).
//
// What is done to a message is done to twins that hold the same octets. One that holds others is somebody's mail that
// nobody has seen: it is never removed, and never renamed over.
#include <algorithm>
#include <cerrno>
#include <fcntl.h>

#include "common/store/maildir/core.h"

namespace facteur::store {

/// The twins of these messages, if the last reading saw any. A folder that cannot be read has none.
MaildirCore::Twins MaildirCore::twins_of(std::span<const Uid> uids) {
  Twins out;
  if (!odd_) return out;
  std::vector<Uid> wanted(uids.begin(), uids.end());
  std::ranges::sort(wanted);
  for (const auto place : {Place::in_new, Place::in_cur}) {
    for (const auto& name : options_.files->list(directory_of(place), ".").value_or(std::vector<std::string>())) {
      const auto* entry = list_.state().find(std::string_view(name).substr(0, name.find(':')));
      if (entry == nullptr || !std::ranges::binary_search(wanted, entry->uid)) continue;
      if (entry->file.place != place || file_name(*entry) != name) out[entry->uid].push_back({name, place});
    }
  }
  return out;
}

Result<bool> MaildirCore::same_octets(const Stranger& a, const Stranger& b) {
  constexpr std::size_t piece = 256 << 10;
  constexpr int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
  auto& files = *options_.files;
  const auto first = files.open(directory_of(a.place), a.name, flags);
  if (!first) return fail(first);
  const auto second = files.open(directory_of(b.place), b.name, flags);
  if (!second) return fail(second);
  for (std::uint64_t at = 0;; at += piece) {
    const auto left = files.read_at(first->get(), at, piece);
    if (!left) return fail(left);
    const auto right = files.read_at(second->get(), at, piece);
    if (!right) return fail(right);
    if (*left != *right) return false;
    if (left->size() < piece) return true;
  }
}

/// Removes those with the same octets; before the message, or they would be new messages. The others become that.
Result<> MaildirCore::remove_twins(const UidEntry& entry, const std::vector<Stranger>& twins) {
  const Stranger shown{file_name(entry), entry.file.place};
  for (const auto& twin : twins) {
    const auto same = same_octets(shown, twin);
    if (!same && same.error().errno_value == ENOENT) continue;  // one of them has gone: the caller finds out which
    if (!same) return fail(same);
    if (!*same) continue;
    auto removed = options_.files->unlink(directory_of(twin.place), twin.name);
    if (!removed && removed.error().errno_value != ENOENT) return removed;
  }
  return {};
}

/// Leaves each message one file: twins with the same octets go, the others become messages under names of their own.
Result<> MaildirCore::part_twins() {
  std::vector<Uid> uids;
  for (const auto& entry : list_.state().entries()) uids.push_back(entry.uid);
  for (const auto& [uid, twins] : twins_of(uids)) {
    if (auto removed = remove_twins(*list_.state().find(uid), twins); !removed) return removed;
    for (const auto& twin : twins) {
      const auto name = unique_name(options_.host) + twin.name.substr(std::min(twin.name.find(':'), twin.name.size()));
      const int directory = directory_of(twin.place);
      auto renamed = options_.files->rename(directory, twin.name, directory, name);
      if (!renamed && renamed.error().errno_value != ENOENT) return renamed;
    }
  }
  return {};
}

/// Gives the file of a message another info, in cur/.
Result<> MaildirCore::rename_to(UidEntry& entry, const std::string& info) {
  auto& files = *options_.files;
  const Stranger old{file_name(entry), entry.file.place};
  const Stranger wanted{entry.base + info, Place::in_cur};
  if (odd_ && (old.name != wanted.name || old.place != wanted.place)) {
    const auto same = same_octets(old, wanted);
    // One that is not there is in nobody's way; one that cannot be read may be mail.
    if (!same && same.error().errno_value != ENOENT) return fail(same);
    if (same && !*same) return fail(Kind::permanent, "the message has two files, and they differ: " + wanted.name);
    // Two names of one file: rename(2) would leave both.
    if (same) {
      if (auto removed = files.unlink(directory_of(wanted.place), wanted.name); !removed) return removed;
    }
  }
  auto renamed = files.rename(directory_of(old.place), old.name, directory_of(wanted.place), wanted.name);
  if (!renamed) return renamed;
  entry.file.place = wanted.place;
  entry.file.info = info;
  return {};
}

}  // namespace facteur::store
