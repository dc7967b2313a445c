// POP3 before login: whatever a stranger sends, the replies do not depend on how it was cut, and every reply is a line.
#include <cstdint>
#include <string>
#include <string_view>

#include "../unit/pop3d/table_authenticator.h"
#include "common/base/result.h"
#include "pop3d/login/login_session.h"

namespace {

using facteur::login::Next;

std::string replies(std::string_view octets, std::size_t piece) {
  facteur::pop3d::TableAuthenticator auth{"alice", "secret"};
  facteur::login::Options options;
  options.hostname = "mail.example.test";
  options.cleartext_allowed = true;
  facteur::pop3d::LoginSession session(auth, options);
  session.greet();
  std::string said;
  while (!octets.empty() && session.next() == Next::input) {
    session.feed(octets.substr(0, piece));
    octets.remove_prefix(std::min(piece, octets.size()));
    while (auth.turn()) {
    }
    said += session.take_output();
  }
  facteur::check(said.empty() || said.ends_with("\r\n"), "a reply ends with CRLF");
  if (session.next() == Next::hand_over) {
    const auto handover = session.handover();
    said += "rest:" + handover.rest + std::string(octets);
  }
  return said;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  const auto whole = replies(octets, std::string_view::npos);
  facteur::check(whole == replies(octets, 1), "the same replies octet by octet");
  facteur::check(whole == replies(octets, 7), "the same replies in pieces");
  return 0;
}
