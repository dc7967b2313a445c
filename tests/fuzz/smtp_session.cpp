// Fuzzes the SMTP session: the first octet chooses settings, the rest is what the client says, a 0xFF octet pair ends a
// piece, and 0xFE 0xFE is a directive (TLS, half close). What was accepted must be sound.
#include <cstdint>
#include <string_view>

#include "common/base/result.h"
#include "common/base/strings.h"
#include "tests/dialogue/smtp/smtp_peer.h"

using facteur::check;
using facteur::smtpd::testing::SmtpPeer;

namespace {

void check_accepted(const SmtpPeer& peer) {
  for (const auto& message : peer.world.accepted) {
    check(!message.recipients.empty(), "a message without recipients");
    check(message.content.find('\0') == std::string::npos, "NUL was let in");
    check(message.top_headers.ends_with("\r\n"), "added fields do not end their line");
    for (const auto& recipient : message.recipients) {
      for (const char c : recipient.address) check(!facteur::is_control(c), "a control character in a recipient");
    }
    for (const char c : message.envelope.reverse_path) check(!facteur::is_control(c), "a control character in a path");
  }
}

void check_output(std::string_view out) {
  check(out.empty() || out.ends_with("\r\n"), "half a reply");
  for (const char c : out) check(c == '\r' || c == '\n' || (c >= ' ' && c < 0x7f), "an octet no reply may have");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const unsigned options = rest.empty() ? 0 : static_cast<unsigned char>(rest.front());
  if (!rest.empty()) rest.remove_prefix(1);
  SmtpPeer peer({{"smtpd_forbid_bare_newline", (options & 1) != 0 ? "reject" : "normalize"},
                 {"role", (options & 2) != 0 ? "submission" : "smtp"},
                 {"plaintext_auth", (options & 4) != 0 ? "yes" : "no"},
                 {"tls", (options & 8) != 0 ? "implicit" : "offered"},
                 {"message_size_limit", "5000"}});
  peer.world.faults.full_after_each_write = (options & 16) != 0;
  check_output(peer.greeting());
  while (!rest.empty() && !peer.closed()) {
    const auto end = rest.find("\xff\xff");
    const auto piece = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 2);
    if (piece == "\xfe\xfe") {
      check_output(peer.directive("closewrite"));
    } else {
      check_output(peer.feed(piece));
    }
    if (peer.session->next() == facteur::smtpd::Next::tls) peer.directive("tls");
  }
  check_accepted(peer);
  peer.session.reset();
  check(peer.world.open_receptions == 0, "a reception outlived its session");
  return 0;
}
