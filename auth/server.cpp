#include "auth/server.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include "auth/exchange.h"
#include "common/base/strings.h"
#include "common/log/log.h"

namespace facteur::auth {

namespace {

constexpr Milliseconds sweep_period{1000};
constexpr std::size_t names_at_once = 4;
constexpr std::size_t names_waiting = 20'000;

Powers powers_of(process::Program& program) {
  return {program.start().real_root, geteuid(), getegid()};
}

/// The folder of a file: what the jail is opened for, so that a file replaced by rename is still seen.
std::string folder_of(const std::string& file) {
  const auto slash = file.rfind('/');
  return slash == 0 ? "/" : file.substr(0, slash);
}

}  // namespace

Server::Server(process::Program& program)
    : program_(program),
      keeper_(program.loop(), program.settings(), powers_of(program), passwd_),
      checker_(program.loop(), keeper_, program.settings()),
      names_(program.loop(), names_at_once, names_waiting),
      sessions_(program.loop()),
      parts_{program.loop(),
             keeper_,
             checker_,
             tickets_,
             names_,
             program.settings().hostname,
             program.settings().auth_timeout},
      sweeper_(program.loop()) {
}

void Server::prepare() {
  if (const auto started = start_sasl(); !started) {
    log::error("{}", started.error().text);
    std::exit(EX_UNAVAILABLE);
  }
  // The modules of the name service are loaded by the first question.
  (void)passwd_.user("nobody");
  (void)passwd_.group("nogroup");
  keeper_.start();
  keeper_.on_new_tables([this] { send_tables(); });
  program_.allow({"/etc", false});  // passwd, group, nsswitch.conf
  for (const auto& file : source_files(program_.settings())) program_.allow({folder_of(file), false});

  program_.on_peer("smtpd", [this](std::uint32_t instance, auto door) { add_client(instance, std::move(door), true); });
  for (const char* login : {"pop3-login", "imap-login"}) {
    program_.on_peer(login,
                     [this](std::uint32_t instance, auto door) { add_client(instance, std::move(door), false); });
  }
  program_.on_peer("queued", [this](std::uint32_t instance, auto door) { add_queued(instance, std::move(door)); });
  program_.on_settings([this] { take_settings(); });
  listen_to_master();
  sweeper_.repeat(sweep_period, [this] {
    for (auto& [instance, client] : clients_) client.door->sweep(monotonic_now());
  });
}

void Server::add_client(std::uint32_t instance, std::unique_ptr<ipc::Door> door, bool is_smtpd) {
  auto client = std::make_unique<ClientDoor>(parts_, instance, std::move(door), [this, instance] {
    // The door is still on the stack: it goes a turn later.
    const auto gone = std::make_shared<decltype(clients_)::node_type>(clients_.extract(instance));
    program_.loop().post([gone] {});
  });
  if (is_smtpd) {
    client->send_tables();
    client->count_connections(connections_);
  }
  clients_[instance] = {std::move(client), is_smtpd};
}

void Server::add_queued(std::uint32_t instance, std::unique_ptr<ipc::Door> door) {
  auto& kept = queued_[instance] = std::move(door);
  kept->on_close([this, instance](const std::string&) {
    const auto gone = std::make_shared<decltype(queued_)::node_type>(queued_.extract(instance));
    program_.loop().post([gone] {});
  });
  kept->open();
  if (auto memory = keeper_.sealed()) kept->send_or_close(NewTables{std::move(*memory)});
}

void Server::listen_to_master() {
  auto& master = program_.master();
  master.on<Redeem>([this](const Redeem& message) { redeem(message); });
  master.on<Lookup>([this](const Lookup& message) {
    find_record(message.id, message.account,
                [this](AccountRecord record) { program_.master().send(std::move(record)); });
  });
  master.on<ReloadTables>([this](const ReloadTables& message) { reload(message.id); });
}

void Server::redeem(const Redeem& message) {
  const auto login =
      tickets_.redeem(message.ticket, {message.service, message.instance, message.client_ip}, monotonic_now());
  if (!login) {
    program_.master().send(
        AccountRecord{message.id, Existence::unknown, {}, "the ticket is not good, or not any more", false, {}});
    return;
  }
  find_record(message.id, *login, [this, message](AccountRecord record) {
    if (record.existence == Existence::exists) give_place(record, message);
    program_.master().send(std::move(record));
  });
}

void Server::find_record(std::uint64_t id, const std::string& account, std::function<void(AccountRecord)> callback) {
  keeper_.when_current([this, id, account, callback = std::move(callback)] {
    find_account(parts_, account, [id, account, callback](const Found& found) {
      auto text = found.text;
      if (found.existence == Existence::unknown) text = "no account " + printable(account, 200);
      callback({id, found.existence, found.account, std::move(text), false, {}});
    });
  });
}

void Server::give_place(AccountRecord& record, const Redeem& redeem) {
  const auto most = program_.settings().mail_max_userip_connections;
  auto place = sessions_.take(redeem.service, record.account.name, redeem.client_ip, most);
  if (place) {
    record.place = std::move(*place);
    return;
  }
  record.existence = Existence::temporary;
  record.crowded = true;
  record.text = fmt::format("Maximum number of connections from user+IP exceeded (mail_max_userip_connections={})",
                            most);  // Dovecot's words
}

void Server::reload(std::uint64_t id) {
  keeper_.reload([this, id](std::string problems) {
    constexpr std::size_t room = 32768;  // a message takes no more than 64 KiB
    if (problems.size() > room) problems.replace(room, std::string::npos, "\n...");
    program_.master().send(TablesReloaded{id, std::move(problems)});
  });
}

void Server::send_tables() {
  for (auto& [instance, client] : clients_) {
    if (client.is_smtpd) client.door->send_tables();
  }
  for (auto& [instance, door] : queued_) {
    if (auto memory = keeper_.sealed()) door->send_or_close(NewTables{std::move(*memory)});
  }
}

void Server::take_settings() {
  parts_.host = program_.settings().hostname;
  parts_.attempt_timeout = program_.settings().auth_timeout;
  checker_.set_settings(program_.settings());
  keeper_.set_settings(program_.settings());
}

}  // namespace facteur::auth
