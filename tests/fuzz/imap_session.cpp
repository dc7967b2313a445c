// IMAP behind login: whatever a client sends, the answers do not depend on how it was cut, and what they announce as a
// literal is there.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/executor.h"
#include "common/base/result.h"
#include "common/store/memory/account.h"
#include "imapd/session/session.h"
#include "imapd/wire/command_reader.h"

namespace {

using namespace facteur;

constexpr std::string_view multipart =
    "From: a@example.test\r\nSubject: =?UTF-8?Q?=C3=A9?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\n\r\none\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ntwo\r\n--b--\r\n";

void deliver(store::MemoryAccount& account) {
  auto inbox = *account.open("INBOX", false);
  for (const std::string_view octets : {std::string_view("Subject: a\r\n\r\nx"), std::string_view(), multipart}) {
    store::NewMessage message;
    message.octets = octets;
    message.internal_date = 1767225600;
    (void)*inbox->append({&message, 1});
  }
}

/// Answers are lines, and literals of the announced size inside them.
void check_framing(std::string_view said) {
  while (!said.empty()) {
    const auto end = said.find("\r\n");
    check(end != std::string_view::npos, "an answer ends with CRLF");
    const auto literal = imapd::announcement(said.substr(0, end));
    said.remove_prefix(end + 2);
    if (!literal.present || !literal.size) continue;
    check(*literal.size <= said.size(), "a literal is whole");
    said.remove_prefix(static_cast<std::size_t>(*literal.size));
  }
}

std::string replies(std::string_view octets, std::size_t piece) {
  store::MemoryAccount account;
  deliver(account);
  QueueExecutor pool;
  imapd::Settings settings;
  settings.message_size_limit = 10000;
  imapd::Session session(pool, [account] { return std::make_unique<store::MemoryAccount>(account); }, settings);
  std::string said;
  const auto settle = [&] {
    for (bool more = true; more;) {
      more = pool.turn();
      const auto output = session.take_output();
      said += output;
      more = more || !output.empty();
    }
  };
  session.start("in");
  session.feed("s SELECT INBOX\r\n");
  while (!octets.empty() && !session.closed()) {
    session.feed(octets.substr(0, piece));
    octets.remove_prefix(std::min(piece, octets.size()));
    settle();
  }
  check_framing(said);
  return said;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  // A message that was appended at another second has another date; it has no other way into the answers.
  check(replies(octets, octets.size() + 1).size() == replies(octets, 1).size(), "cuts change nothing");
  return 0;
}
