#include "imapd/wire/reply.h"

#include <array>

#include "common/base/strings.h"

namespace facteur::imapd {

std::string response(std::string_view tag, const Reply& reply) {
  static constexpr std::array<std::string_view, 3> words{"OK", "NO", "BAD"};
  std::string out(tag);
  out.append(" ").append(words[static_cast<std::size_t>(reply.status)]).append(" ");
  if (!reply.code.empty()) out.append("[").append(reply.code).append("] ");
  return out.append(printable(reply.text)).append("\r\n");
}

}  // namespace facteur::imapd
