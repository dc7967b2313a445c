// POP3 behind login: whatever a client sends, the replies do not depend on how it was cut or on when they were taken,
// and without QUIT nothing is deleted.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/executor.h"
#include "common/base/result.h"
#include "common/store/memory/account.h"
#include "pop3d/session/session.h"

namespace {

using namespace facteur;

void deliver(store::MemoryAccount& account) {
  auto inbox = *account.open("INBOX", false);
  for (const std::string_view octets : {"Subject: a\r\n\r\n.\r\n..\r\nx", "", "no header end\r\n", "\r\n\r\n.\r\n"}) {
    store::NewMessage message;
    message.octets = octets;
    (void)*inbox->append({&message, 1});
  }
}

std::string replies(std::string_view octets, std::size_t piece, bool eager) {
  store::MemoryAccount account;
  deliver(account);
  QueueExecutor pool;
  std::string said;
  bool quit = false;
  {
    const auto open = [&account]() -> std::expected<pop3d::OpenMaildrop, pop3d::OpenFailure> {
      std::shared_ptr<store::Mailbox> mailbox = *account.open("INBOX", false);
      auto snapshot = *mailbox->snapshot();
      return pop3d::OpenMaildrop{nullptr, std::move(mailbox), std::move(snapshot)};
    };
    pop3d::Session session(pool, open, {});
    session.start();
    const auto settle = [&] {
      for (bool more = true; more;) {
        more = pool.turn();
        const auto output = session.take_output();
        said += output;
        more = more || !output.empty();
      }
    };
    while (!octets.empty()) {
      session.feed(octets.substr(0, piece));
      octets.remove_prefix(std::min(piece, octets.size()));
      if (eager) settle();
    }
    settle();
    quit = session.closed() && said.ends_with("+OK Bye\r\n");
  }
  pool.drain();
  check(quit || account.status("INBOX")->messages == 4, "nothing is deleted without QUIT");
  check(said.ends_with("\r\n"), "a reply ends with CRLF");
  return said;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  const auto whole = replies(octets, std::string_view::npos, true);
  check(whole == replies(octets, 1, true), "the same replies octet by octet");
  check(whole == replies(octets, 7, false), "the same replies when taken late");
  return 0;
}
