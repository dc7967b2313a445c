#include "smtpd/session/header_scan.h"

#include <algorithm>

#include "common/base/strings.h"

namespace facteur::smtpd {

std::string_view field_name(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return {};
  auto name = line.substr(0, colon);
  while (!name.empty() && is_wsp(name.back())) name.remove_suffix(1);
  const bool printable = std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f; });
  return printable ? name : std::string_view{};
}

void HeaderScan::feed(std::string_view content) {
  while (in_header_ && !content.empty()) {
    const auto end = content.find('\n');
    const auto part = content.substr(0, end);
    line_ += part.substr(0, kept - line_.size());
    if (end == std::string_view::npos) return;
    content.remove_prefix(end + 1);
    end_line();
  }
}

void HeaderScan::finish() {
  if (in_header_ && !line_.empty()) end_line();
}

void HeaderScan::end_line() {
  const bool empty = line_.empty() || line_ == "\r";
  const bool folded = !empty && is_wsp(line_.front());
  const auto name = folded ? std::string_view{} : field_name(line_);
  if (first_) begins_with_header_ = empty || !name.empty();
  // A folded first line continues nothing.
  if (empty || (name.empty() && (!folded || first_))) in_header_ = false;
  first_ = false;
  if (iequals(name, "Received")) ++received_;
  if (iequals(name, "Date")) has_date_ = true;
  if (iequals(name, "Message-ID")) has_message_id_ = true;
  line_.clear();
}

}  // namespace facteur::smtpd
