// Summaries through the index.
#include "common/store/index/index.h"

#include "common/store/content.h"

namespace facteur::store {

Result<std::shared_ptr<const mime::Summary>> summary_of(const MessageKey& message, Index* index,
                                                        const std::function<Result<std::unique_ptr<Content>>()>& open) {
  if (index != nullptr) {
    if (const auto octets = index->summary(message)) {
      if (auto kept = mime::from_octets(*octets)) return std::make_shared<const mime::Summary>(*std::move(kept));
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
