// Start and end of a worker.

#include "delivery/local/server.h"

#include <utility>

#include "common/base/in_hand.h"
#include "common/base/strings.h"
#include "common/dotlock/local_run.h"
#include "common/log/log.h"
#include "common/process/mail_tree.h"

namespace facteur::local {

namespace {

constexpr unsigned delivering_threads = 32;  // most of them wait for the disk

}  // namespace

Server::Server(process::Program& program) : program_(program), service_(program.loop(), program.settings()) {
  program_.on_peer("queued",
                   [this](std::uint32_t, std::unique_ptr<ipc::Door> door) { service_.serve(std::move(door)); });
  program_.master().on<master::Serve>([this](master::Serve serve) {
    const auto name = serve.account.name;
    service_.add_and_make(std::move(serve.account), [this, name] { program_.master().send(master::Serving{name}); });
  });
  program_.on_stop([this] { service_.when_idle([this] { program_.end(); }); });
}

void Server::prepare() {
  const auto& settings = program_.settings();
  process::size_pool(settings, delivering_threads);
  service_.set_keeper(dotlock::keeper_for(program_));
  for (const auto& account : program_.start().accounts) {
    const InHand noted(account.name);
    if (const auto made = process::make_mail(account, settings, program_.start().real_root); !made) {
      log::warning("mail of {}: {}", printable(account.name), made.error().text);
    }
    for (auto& path : process::mail_paths(account, settings)) program_.allow(std::move(path));
    service_.add(account);
  }
  service_.end_when_idle(settings.worker_idle_timeout, [this] { program_.end(); });
}

}  // namespace facteur::local
