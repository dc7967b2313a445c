#include "imapd/wire/reply.h"

#include <array>

#include "common/base/strings.h"

namespace facteur::imapd {

namespace {

/// Text of TEXT-CHARs alone (RFC 3501 section 9). A backslash is one, and stays as it is: "\\Seen" is a flag's name.
std::string shown(std::string_view text) {
  auto out = printable(text);
  for (auto at = out.find("\\\\"); at != std::string::npos; at = out.find("\\\\", at + 1)) out.erase(at, 1);
  return out;
}

}  // namespace

std::string response(std::string_view tag, const Reply& reply) {
  static constexpr std::array<std::string_view, 3> words{"OK", "NO", "BAD"};
  std::string out(tag);
  out.append(" ").append(words[static_cast<std::size_t>(reply.status)]).append(" ");
  if (!reply.code.empty()) out.append("[").append(reply.code).append("] ");
  return out.append(shown(reply.text)).append("\r\n");
}

}  // namespace facteur::imapd
