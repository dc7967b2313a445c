// Copying message by message.
#include "common/store/copy.h"

#include <deque>

#include "common/store/content.h"
#include "common/store/flags.h"

namespace facteur::store {

Result<Appended> copy_octets(Mailbox& from, std::span<const Uid> uids, Mailbox& to) {
  const auto snapshot = from.snapshot();
  if (!snapshot) return fail(snapshot);
  std::deque<std::string> octets;  // a deque: the views into it stay
  std::vector<NewMessage> messages;
  std::vector<Uid> sources;
  for (const Uid uid : uids) {
    const Record* record = find(**snapshot, uid);
    if (record == nullptr) continue;
    auto content = from.open(uid);
    if (!content) return fail(content);
    auto text = read_all(**content);
    if (!text) return fail(text);
    octets.push_back(std::move(*text));
    messages.push_back({.octets = octets.back(),
                        .system_flags = record->flags.system,
                        .keywords = keyword_names((*snapshot)->keywords, record->flags.keywords),
                        .internal_date = record->internal_date});
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
