#include "delivery/run/server.h"

#include <cstdlib>
#include <sysexits.h>
#include <utility>

#include "common/log/log.h"
#include "common/process/mail_tree.h"

namespace facteur::run {
namespace {

constexpr const char* dotlockfile = "/usr/bin/dotlockfile";

/// Master starts us for accounts with an mbox only.
std::string mbox_of(const master::Start& start) {
  const auto place = start.accounts.empty() ? Result<process::MailPlace>(fail(Kind::permanent, "no account came"))
                                            : process::mail_place(start.accounts.front());
  if (place && place->kind == process::MailPlace::Kind::mbox) return place->path;
  log::error("local-run is for an account with an mbox: {}", place ? "this one has none" : place.error().text);
  std::exit(EX_PROTOCOL);
}

}  // namespace

Server::Server(process::Program& program)
    : service_(program.loop(), mbox_of(program.start()), dotlockfile, [&program] { program.end(); }, {}) {
  for (const char* worker : {"local", "imapd", "pop3d"}) {
    program.on_peer(worker,
                    [this](std::uint32_t, std::unique_ptr<ipc::Door> door) { service_.serve(std::move(door)); });
  }
  // The worker is told to stop as well: its end is ours.
  program.on_stop([] {});
  program.on_end([this] { service_.shut_down(); });
}

}  // namespace facteur::run
