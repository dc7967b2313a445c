// imapd: the IMAP sessions of one uid, behind login (RFC 3501 sections 6.3 and 6.4).
//
// SECURITY: runs as the owner of the mail and reaches nothing but that mail (Landlock, seccomp); its clients come as
// descriptors from master. Virtual accounts of one uid share it: between those the wall is this code.
// STANDARDS: RFC 3501 (IMAP4rev1), RFC 2177 (IDLE), RFC 2342 (NAMESPACE), RFC 2971 (ID), RFC 3348 (CHILDREN), RFC 3691
// (UNSELECT), RFC 4315 (UIDPLUS), RFC 5530 (response codes), RFC 6851 (MOVE), RFC 7888 (LITERAL+).
#include <memory>
#include <utility>

#include "common/login/worker/mail_account.h"
#include "common/login/worker/worker_program.h"
#include "common/process/program.h"
#include "imapd/server/connection.h"

using namespace facteur;

int main(int argc, char** argv) {
  process::Program process("imapd", argc, argv);
  login::WorkerProgram worker(process);
  process.jail(process::roles::worker);
  worker.open([&](master::Session client, std::function<void()> finished) {
    const auto& all = process.settings();
    imapd::Settings settings;
    settings.user = client.account.name;
    settings.message_size_limit = all.message_size_limit;
    settings.limits.line = static_cast<std::size_t>(all.imap_max_line_length);
    auto opener = [account = client.account, suspect = client.suspect, all, keeper = worker.keeper()] {
      return login::open_account(account, all, suspect, keeper);
    };
    return std::make_unique<imapd::Connection>(
        process.loop(), worker.pool(), std::move(opener), settings,
        imapd::ConnectionTimes{all.imap_idle_timeout, all.imap_idle_notify_interval}, std::move(client),
        std::move(finished));
  });
  return process.run();
}
