// Summaries through the index.
#include "common/store/index/index.h"

#include "common/store/content.h"
#include "common/store/copy.h"
#include "common/store/flags.h"
#include "common/store/uids/state.h"

namespace facteur::store {

Result<MessageKey> key_of(Uid uid, const Snapshot& snapshot, UidState& state) {
  const auto* entry = state.find(uid);
  if (entry == nullptr || find(snapshot, uid) == nullptr) return refuse_gone(uid);
  return MessageKey{snapshot.uid_validity, uid, entry->base};
}

Result<std::shared_ptr<const mime::Summary>> summary_of(const MessageKey& message, mime::Aspects wanted, Index* index,
                                                        const std::function<Result<std::unique_ptr<Content>>()>& open) {
  if (index != nullptr) {
    if (auto octets = index->summary(message)) {
      if (auto kept = mime::from_octets(*std::move(octets), wanted))
        return std::make_shared<const mime::Summary>(*std::move(kept));
    }
  }
  const auto content = open();
  if (!content) return fail(content);
  const auto text = read_all(**content);
  if (!text) return fail(text);
  auto summary = std::make_shared<const mime::Summary>(mime::summarize(*text));
  if (index != nullptr) index->keep_summary(message, mime::to_octets(*summary));
  return summary;
}

}  // namespace facteur::store
