// IMAP before login: whatever a stranger sends, the replies do not depend on how it was cut, and every reply is a line.
#include <cstdint>
#include <string>
#include <string_view>

#include "../unit/pop3d/table_authenticator.h"
#include "common/base/result.h"
#include "imapd/login/login_session.h"

namespace {

using namespace facteur;
using login::Next;

std::string replies(std::string_view octets, std::size_t piece) {
  pop3d::TableAuthenticator auth{"alice", "secret"};
  login::Options options;
  options.hostname = "mail.example.test";
  options.cleartext_allowed = true;
  imapd::LoginSession session(auth, options);
  session.greet();
  std::string said;
  while (!octets.empty() && session.next() == Next::input) {
    session.feed(octets.substr(0, piece));
    octets.remove_prefix(std::min(piece, octets.size()));
    while (auth.turn()) {
    }
    said += session.take_output();
  }
  check(said.empty() || said.ends_with("\r\n"), "a reply ends with CRLF");
  if (session.next() == Next::hand_over) {
    const auto handover = session.handover();
    check(handover.ticket == "ticket" && !handover.tag.empty(), "a login has a ticket and a tag");
    said += handover.tag;
  }
  return said;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // What makes a start foreign is looked for in the first piece that comes.
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  check(replies(octets, octets.size()) == replies(octets, 1), "cuts change nothing");
  return 0;
}
