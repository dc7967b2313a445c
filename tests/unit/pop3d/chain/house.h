// The house around POP3 in one process, for tests: the real login server and the real worker, over real sockets and
// doors, with an authd and a master that do as the test says.
#pragma once

#include <arpa/inet.h>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "../peer.h"
#include "auth/doors.h"
#include "catch.h"
#include "common/ipc/door.h"
#include "common/login/server/server.h"
#include "common/login/worker/session_worker.h"
#include "common/loop/pool_executor.h"
#include "master/doors.h"
#include "pop3d/server/connection.h"

namespace facteur::pop3d {

inline std::unique_ptr<login::Engine> make_engine(login::Authenticator& authenticator, login::Options options) {
  return std::make_unique<LoginSession>(authenticator, std::move(options));
}

/// One client, which a test drives by hand.
struct Talker {
  Talker(loop::Loop& on, std::uint16_t port) : loop(on) {
    Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    connection.emplace(loop, std::move(socket));
    connection->open({.data = [this](std::string_view octets) { heard += octets; },
                      .end = [this] { closed = true; },
                      .drained = {},
                      .failed = [this](const Error&) { closed = true; }});
  }
  void tls() {
    connection->start_tls(*tls::Context::opportunistic_client(), tls::Side::client, "mail.example.test",
                          [this](const Result<tls::Agreed>& agreed) {
                            if (!agreed) closed = true;
                          });
  }
  void say(std::string_view octets) { connection->write(octets); }

  loop::Loop& loop;
  std::optional<tls::Connection> connection;
  std::string heard;
  bool closed = false;
};

struct Settings : login::ServerSettings, login::ListenerSettings {};

struct House {
  explicit House(std::function<void(Settings&)> adjust = [](auto&) {}) {
    settings.client.tls = certificate();
    settings.engine.hostname = "mail.example.test";
    settings.cleartext_from = {*net::Cidr::parse("127.0.0.0/8")};
    adjust(settings);
    auto login_door = pair();
    auto worker_door = pair();
    login_master.emplace(loop, std::move(login_door.first), "master");
    worker_master.emplace(loop, std::move(worker_door.first), "master");
    to_login.emplace(loop, std::move(login_door.second), "pop3-login");
    to_worker.emplace(loop, std::move(worker_door.second), "pop3d");
    server.emplace(loop, login::Protocol{auth::Service::pop3, "pop3", make_engine}, settings, *login_master,
                   [this] { login_ended = true; });
    worker.emplace(
        loop, *worker_master, pool,
        [this](master::Session client, std::function<void()> finished) {
          return std::make_unique<Connection>(
              loop, pool, [this] { return open(); }, SessionOptions{}, Seconds{600}, std::move(client),
              std::move(finished));
        },
        [this] { worker_ended = true; });
    be_master();
    start_authd();
    login_master->open();
    worker_master->open();
    clear_port = listen(master::Tls::starttls);
    tls_port = listen(master::Tls::implicit);
  }
  ~House() {
    server.reset();
    worker.reset();
    until([this] { return pool.jobs() == 0; });
  }

  /// Turns the loop until this holds; false after 30 seconds.
  bool until(const std::function<bool()>& holds) {
    const auto deadline = monotonic_now() + Seconds{30};
    while (!holds()) {
      if (monotonic_now() > deadline) return false;
      loop.turn();
      ::usleep(50);
    }
    return true;
  }
  bool heard(Talker& talker, std::string_view text) {
    return until([&] { return talker.heard.find(text) != std::string::npos; });
  }
  bool closed(Talker& talker) {
    return until([&] { return talker.closed; });
  }

  /// A new authd, as after a crash.
  void start_authd() {
    auto door = pair();
    authd.emplace(loop, std::move(door.second), "pop3-login");
    authd->on<auth::SaslStart>([this](const auth::SaslStart& start) {
      started.push_back(start);
      if (authd_silent) return;
      auth::SaslReply reply{start.id, auth::SaslOutcome::failure, "", "", "", ""};
      if (start.initial == std::string("\0alice\0secret", 13)) {
        reply.outcome = auth::SaslOutcome::success;
        reply.login = "alice@example.test";
        reply.ticket = authd_gives_ticket ? "0123456789abcdef" : "";
      } else if (!start.initial) {
        reply.outcome = auth::SaslOutcome::challenge;
      }
      authd->send(reply);
    });
    authd->on<auth::SaslStep>([this](const auth::SaslStep& step) {
      authd->send(auth::SaslReply{step.id, auth::SaslOutcome::failure, "", "", "", ""});
    });
    authd->on<auth::SaslCancel>([this](const auth::SaslCancel&) { ++cancelled; });
    authd->open();
    server->use_authd(std::make_unique<ipc::Door>(loop, std::move(door.first), "authd"));
  }

  loop::Loop loop;
  loop::PoolExecutor pool{loop};
  std::shared_ptr<store::MemoryAccount> account = std::make_shared<store::MemoryAccount>();
  std::optional<ipc::Door> login_master, worker_master, to_login, to_worker, authd;
  std::optional<login::Server> server;
  std::optional<login::SessionWorker> worker;
  std::uint16_t clear_port = 0, tls_port = 0;
  std::vector<auth::SaslStart> started;
  std::vector<master::WantEnd> end_questions;
  int cancelled = 0, full = 0;
  Settings settings;
  bool authd_silent = false, authd_gives_ticket = true;
  std::string refusal;  ///< why master gives no worker; empty: it does
  master::Admission master_refuses_with = master::Admission::unavailable;
  Fd place;  ///< for the next session
  bool login_ended = false, worker_ended = false;
  std::optional<Fd> caught;  ///< set: the test is the worker, and gets the descriptor here

 private:
  static std::pair<Fd, Fd> pair() { return *ipc::make_pair(); }
  std::shared_ptr<const tls::Context> certificate() {
    char folder[] = "/tmp/facteur-pop3-XXXXXX";
    REQUIRE(::mkdtemp(folder) != nullptr);
    const std::filesystem::path path = folder;
    const auto keys = tls::make_self_signed("mail.example.test");
    std::ofstream(path / "cert.pem") << keys->certificate;
    std::ofstream(path / "key.pem") << keys->key;
    auto context = tls::Context::server(path / "cert.pem", path / "key.pem", "pop3");
    std::filesystem::remove_all(path);
    REQUIRE(context);
    return *context;
  }
  std::uint16_t listen(master::Tls tls) {
    auto socket = net::listen_tcp(*net::Endpoint::parse("127.0.0.1", 0), false);
    REQUIRE(socket);
    const auto port = net::local_endpoint(socket->get())->port;
    server->listen(master::Listener{"pop3", "127.0.0.1", tls, std::move(*socket)}, settings);
    return port;
  }
  void be_master() {
    to_login->on<master::Handover>([this](master::Handover handover) {
      CHECK(handover.ticket == "0123456789abcdef");
      CHECK(handover.client_ip == "127.0.0.1");
      if (!refusal.empty()) {
        to_login->send(master::HandoverReply{handover.id, master_refuses_with, refusal});
      } else if (caught) {
        caught = std::move(handover.client);
        to_login->send(master::HandoverReply{handover.id, master::Admission::served, ""});
      } else {
        auth::Account alice;
        alice.name = "alice@example.test";
        to_worker->send(master::Session{handover.id, std::move(alice), handover.client_ip, handover.tls, false,
                                        handover.tag, handover.octets, std::move(handover.client), std::move(place)});
      }
    });
    to_worker->on<master::SessionTaken>([this](const master::SessionTaken& answer) {
      to_login->send(master::HandoverReply{
          answer.id, answer.taken ? master::Admission::served : master::Admission::unavailable, ""});
    });
    to_login->on<master::Full>([this](const master::Full&) { ++full; });
    to_worker->on<master::WantEnd>([this](const master::WantEnd& question) { end_questions.push_back(question); });
    to_login->open();
    to_worker->open();
  }
  std::expected<OpenMaildrop, OpenFailure> open() {
    std::shared_ptr<store::Mailbox> mailbox = *account->open("INBOX", false);
    auto snapshot = *mailbox->snapshot();
    return OpenMaildrop{nullptr, std::move(mailbox), std::move(snapshot)};
  }
};

}  // namespace facteur::pop3d
