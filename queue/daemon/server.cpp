#include "queue/daemon/server.h"

#include <csignal>
#include <cstdlib>
#include <sysexits.h>

#include "auth/doors.h"
#include "common/fs/files.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "config/own_addresses.h"

namespace facteur::queue {
namespace {

constexpr unsigned pool_threads = 16;
constexpr Milliseconds sweep_period{60'000};

/// For `strict_sync: false`: a message is acknowledged before it is safe. The setting says so.
class UnsyncedFiles final : public fs::Files {
 public:
  [[nodiscard]] Result<> sync(int) override { return {}; }
};

fs::Files& files_for(const config::Settings& settings) {
  static UnsyncedFiles unsynced;
  return settings.strict_sync ? fs::system_files() : unsynced;
}

}  // namespace

Server::Server(process::Program& program) : program_(program), sweep_timer_(program.loop()) {
}

Server::~Server() = default;

void Server::prepare() {
  process::size_pool(program_.settings(), pool_threads);
  // Breaking a read lease is told by a signal that would end the process.
  ::signal(SIGIO, SIG_IGN);
  own_addresses_ = config::own_addresses(program_.settings());
  program_.allow({program_.settings().queue_directory, true});
}

void Server::start() {
  const auto& settings = program_.settings();
  auto& loop = program_.loop();
  auto spool = Spool::open(files_for(settings), program_.start().real_root ? "/" : settings.queue_directory);
  if (!spool) {
    log::error("the spool {} cannot be used: {}", settings.queue_directory, spool.error().text);
    std::exit(EX_CANTCREAT);
  }
  spool_ = std::move(*spool);
  const Options options = options_from(settings);
  core_ = std::make_unique<Core>(loop, spool_, options);
  local_ = std::make_unique<LocalDelivery>(
      loop, *core_, options, [this](master::WorkerQuery query) { return program_.master().send(std::move(query)); });
  remote_ = std::make_unique<RemoteDelivery>(loop, *core_, options, mx_rules(settings, own_addresses_));
  reception_ = std::make_unique<Reception>(loop, spool_, *core_, options);
  control_ = std::make_unique<Control>(loop, spool_, *core_, *remote_);
  core_->set_transports(*local_, *remote_);
  core_->scan();
  listen();
  sweep_timer_.repeat(sweep_period, [this] {
    local_->sweep();
    remote_->sweep();
  });
}

void Server::listen() {
  program_.on_peer("smtpd", [this](std::uint32_t instance, std::unique_ptr<ipc::Door> door) {
    reception_->add_smtpd(instance, std::move(door));
  });
  program_.on_peer("remote", [this](std::uint32_t instance, std::unique_ptr<ipc::Door> door) {
    remote_->add_remote(instance, std::move(door));
  });
  program_.on_peer("local", [this](std::uint32_t instance, std::unique_ptr<ipc::Door> door) {
    local_->add_worker(instance, std::move(door));
  });
  program_.on_peer("authd", [this](std::uint32_t, std::unique_ptr<ipc::Door> door) {
    authd_ = std::move(door);
    authd_->on<auth::NewTables>([this](const auth::NewTables& tables) { take_tables(tables.memory); });
    authd_->open();
  });
  program_.master().on<master::WorkerAnswer>(
      [this](master::WorkerAnswer answer) { local_->worker_answer(std::move(answer)); });
  program_.master().on<master::ControlCaller>(
      [this](master::ControlCaller caller) { control_->take(std::move(caller)); });
  program_.master().on<master::Suspect>([this](const master::Suspect& suspect) { core_->condemn(suspect.queue_id); });
  program_.on_settings([this] { take_settings(); });
  program_.on_stop([this] { stop(); });
}

void Server::take_tables(const Fd& memory) {
  auto octets = fs::read_sealed(memory.get());
  if (!octets) return log::error("the tables of authd cannot be read: {}", octets.error().text);
  auto tables = ipc::from_octets<route::Tables>(std::move(*octets));
  if (!tables) return log::error("the tables of authd are malformed");
  local_->forget_accounts();
  core_->set_tables(std::move(*tables));
}

void Server::take_settings() {
  const Options options = options_from(program_.settings());
  core_->set_options(options);
  remote_->set_options(options);
  reception_->set_options(options);
  local_->forget_accounts();  // their mail may lie elsewhere now, and be another worker's
}

void Server::stop() {
  reception_->stop();
  core_->stop([this] { program_.end(); });
}

}  // namespace facteur::queue
