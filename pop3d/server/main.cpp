// pop3d: the POP3 sessions of one uid, behind login (RFC 1939 sections 5 and 6).
//
// SECURITY: runs as the owner of the mail and reaches nothing but that mail (Landlock, seccomp); its clients come as
// descriptors from master. Virtual accounts of one uid share it: between those the wall is this code.
// STANDARDS: RFC 1939 (POP3), RFC 2449 (CAPA, response codes, pipelining), RFC 3206 (SYS and AUTH response codes),
// RFC 1460 (LAST).
#include <memory>
#include <utility>

#include "common/login/worker/worker_program.h"
#include "common/process/program.h"
#include "pop3d/server/connection.h"
#include "pop3d/server/open_maildrop.h"

using namespace facteur;

int main(int argc, char** argv) {
  process::Program process("pop3d", argc, argv);
  login::WorkerProgram worker(process);
  process.jail(process::roles::worker);
  worker.open([&](master::Session client, std::function<void()> finished) {
    const auto& settings = process.settings();
    auto opener = pop3d::open_maildrop(client.account, settings, client.suspect, worker.keeper());
    pop3d::SessionOptions options;
    if (auto uidl = pop3d::UidlFormat::parse(settings.pop3_uidl_format)) options.uidl = std::move(*uidl);
    options.no_flag_updates = settings.pop3_no_flag_updates;
    options.mechanisms = settings.auth_mechanisms;
    options.delay = [&loop = process.loop()](Milliseconds delay, std::function<void()> handler) {
      return loop::after(loop, delay, std::move(handler));
    };
    return std::make_unique<pop3d::Connection>(process.loop(), worker.pool(), std::move(opener), std::move(options),
                                               settings.pop3_idle_timeout, std::move(client), std::move(finished));
  });
  return process.run();
}
