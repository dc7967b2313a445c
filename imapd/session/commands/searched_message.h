// One message as SEARCH looks at it: each part of it is read when the first key asks for it, and then kept.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/mime/summary.h"
#include "common/store/mailbox.h"
#include "imapd/session/commands/search_keys.h"

namespace facteur::imapd {

/// Text is compared as mime::fold_case() leaves it: RFC 3501 section 6.4.4 wants no difference of case.
class SearchedMessage {
 public:
  SearchedMessage(store::Mailbox& mailbox, store::Uid uid) : mailbox_(mailbox), uid_(uid) {}

  /// Whether the message matches a key that looks inside it. False if the message is gone or cannot be read.
  [[nodiscard]] bool matches(const SearchKey& key);

 private:
  using Known = std::shared_ptr<const mime::Summary>;
  const mime::Summary* know(Known& known, mime::Aspects wanted);
  const mime::Envelope* envelope();
  const std::string& header();
  std::string read(std::uint64_t begin, std::uint64_t end);
  bool open();
  bool envelope_matches(const SearchKey& key);
  bool sent_matches(const SearchKey& key);
  bool header_matches(const SearchKey& key);
  bool body_matches(const SearchKey& key);
  const std::vector<std::string>& texts();
  std::string text_of(const mime::Part& part);

  store::Mailbox& mailbox_;
  store::Uid uid_;
  Known envelope_;  ///< a summary with the envelope alone
  Known summary_;   ///< one with the parts
  std::unique_ptr<store::Content> content_;
  std::optional<std::string> header_;
  std::optional<std::vector<std::string>> texts_;  ///< of the body's parts
  bool unreadable_ = false;
};

}  // namespace facteur::imapd
