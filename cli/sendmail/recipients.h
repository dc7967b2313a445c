// Who gets the message: addresses of the command line, and with -t those of the header.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace facteur::cli::sendmail {

/// Recipients of one message; more are refused, never dropped.
constexpr std::size_t max_recipients = 10000;

/// An address as the envelope wants it: "user" gets "@origin", "<user@domain>" loses its brackets, "" and "<>" stay
/// empty. Kind::permanent with the reason if it is none.
[[nodiscard]] Result<std::string> qualify(std::string_view address, const std::string& origin);

/// Collects recipients, each address once.
class Recipients {
 public:
  explicit Recipients(std::string origin) : origin_(std::move(origin)) {}
  /// All mailboxes of an address list (RFC 5322 section 3.4). Kind::permanent, naming the entry, if one is no address.
  [[nodiscard]] Result<> add(std::string_view list);
  /// Those of the To, Cc and Bcc fields of a message whose header is closed; if it has Resent-To, Resent-Cc or
  /// Resent-Bcc, those of these only (RFC 5322 section 3.6.6: the other fields are the history of the message).
  [[nodiscard]] Result<> add_from_header(std::string_view message);
  [[nodiscard]] const std::vector<std::string>& all() const { return all_; }

 private:
  std::string origin_;
  std::vector<std::string> all_;
  std::set<std::string> keys_;
};

}  // namespace facteur::cli::sendmail
