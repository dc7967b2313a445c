#include "common/process/program.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <pwd.h>
#include <string_view>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/base/in_hand.h"
#include "common/base/number.h"
#include "common/base/random.h"
#include "common/fs/files.h"
#include "common/log/log.h"
#include "config/load.h"
#include "config/seal.h"

namespace facteur::process {
namespace {

constexpr Milliseconds log_check{1000};

[[noreturn]] void give_up(int status, const std::string& why) {
  log::error("{}", why);
  std::exit(status);
}

/// Every descriptor that the system lets us have.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// The numbers of a user that the settings name, for a start by hand.
void find_user(const std::string& name, master::Start& start) {
  if (const auto number = parse_number<std::uint32_t>(name)) {
    start.uid = start.gid = *number;
  } else if (const passwd* entry = ::getpwnam(name.c_str())) {
    start.uid = entry->pw_uid;
    start.gid = entry->pw_gid;
  } else if (const passwd* nobody = ::getpwnam("nobody")) {
    start.uid = nobody->pw_uid;
    start.gid = nobody->pw_gid;
  }
}

}  // namespace

Program::Program(std::string name, int argc, char** argv) : name_(std::move(name)) {
  std::string config_file;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--self-test-jail") self_testing_ = true;
    if (argument == "--config" && i + 1 < argc) config_file = argv[++i];
  }
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  ::signal(SIGINT, SIG_IGN);  // Ctrl-C is for master, which then stops us
  raise_descriptor_limit();
  ::umask(077);
  log::identify("localhost", name_);
  if (self_testing_) {
    start_by_hand(config_file);
  } else {
    start_by_master();
  }
}

Program::~Program() = default;

void Program::start_by_hand(const std::string& config_file) {
  auto loaded = config::load(config::settings_path(config_file));
  if (!loaded) give_up(EX_CONFIG, loaded.error().text);
  settings_ = std::move(*loaded);
  start_.real_root = is_real_root();
  find_user(settings_.default_privs, start_);
  auto pair = ipc::make_pair();
  if (!pair) give_up(EX_OSERR, pair.error().text);
  master_ = std::make_unique<ipc::Door>(loop_, std::move(pair->first), "master");
}

void Program::start_by_master() {
  const int flags = ::fcntl(master_descriptor, F_GETFL);
  if (flags < 0) give_up(EX_USAGE, name_ + " is started by facteurd; see facteur(1)");
  ::fcntl(master_descriptor, F_SETFD, FD_CLOEXEC);
  // The first message is waited for; after it the door is the loop's.
  ::fcntl(master_descriptor, F_SETFL, flags & ~O_NONBLOCK);
  auto packet = ipc::receive_now(master_descriptor);
  if (!packet) give_up(EX_USAGE, name_ + " is started by facteurd; see facteur(1)");
  auto start = ipc::decode<master::Start>(std::move(*packet));
  if (!start) give_up(EX_PROTOCOL, "from master: " + start.error().text);
  ::fcntl(master_descriptor, F_SETFL, flags | O_NONBLOCK);
  start_ = std::move(*start);
  log::attach(std::move(start_.log), static_cast<log::Framing>(start_.log_framing));
  take_settings(start_.settings);
  log::identify(settings_.hostname, name_);
  if (auto noting = note_in(start_.notes); !noting) log::warning("{}", noting.error().text);
  master_ = std::make_unique<ipc::Door>(loop_, Fd(master_descriptor), "master");
}

void Program::take_settings(const Fd& memory) {
  auto settings = config::from_sealed(memory.get());
  if (!settings) give_up(EX_CONFIG, "settings from master: " + settings.error().text);
  settings_ = std::move(*settings);
}

void Program::on_peer(const std::string& program,
                      std::function<void(std::uint32_t, std::unique_ptr<ipc::Door>)> handler) {
  peers_[program] = std::move(handler);
}

void Program::listen_to_master() {
  master_->on<master::NewPeer>([this](master::NewPeer peer) {
    const auto handler = peers_.find(peer.program);
    if (handler == peers_.end()) return log::warning("a door to {} came, which {} has no use for", peer.program, name_);
    auto door = std::make_unique<ipc::Door>(loop_, std::move(peer.socket), peer.program);
    door->on_loss([this, instance = peer.instance] { master_->send(master::LostPeer{instance}); });
    handler->second(peer.instance, std::move(door));
  });
  master_->on<master::NewLog>([this](master::NewLog log) {
    log_broken_ = false;
    log::attach(std::move(log.log), static_cast<log::Framing>(log.log_framing));
  });
  master_->on<master::NewSettings>([this](const master::NewSettings& settings) {
    take_settings(settings.settings);
    if (on_settings_) on_settings_();
  });
  master_->on<master::Retire>([this](const master::Retire&) {
    if (on_retire_) return on_retire_();
    end();
  });
  // No child outlives facteurd.
  master_->on_close([this](const std::string&) { end(); });
  master_->open();
}

void Program::watch_log() {
  // The log may break on a pool thread, where no message can be sent: looked at from the loop.
  log::on_broken([this] { log_broken_ = true; });
  log_timer_.repeat(log_check, [this] {
    if (log_broken_) master_->send(master::NeedLog{});
  });
}

void Program::jail(const Role& role) {
  ::tzset();  // the time zone's file is out of reach afterwards
  (void)random_octets(1);
  Identity identity{start_.real_root,         start_.uid, start_.gid, start_.user, settings_.run_directory + "/empty",
                    settings_.queue_directory};
  if (self_testing_ && start_.real_root) {
    if (auto made = fs::make_directories(identity.empty_root, 0755); !made) give_up(EX_CANTCREAT, made.error().text);
  }
  const auto closed = close_jail(role, identity, paths_, settings_.require_sandbox);
  if (!closed) give_up(EX_NOPERM, "cannot close the jail: " + closed.error().text);
  if (self_testing_) std::exit(self_test(role) == 0 ? 0 : EX_SOFTWARE);
}

void Program::become_user() {
  if (self_testing_) give_up(EX_USAGE, name_ + " has no jail: it runs as the user, and runs programs that are set-id");
  if (!start_.real_root) give_up(EX_NOPERM, name_ + " becomes another user, and is started by root alone");
  Identity identity;
  identity.uid = start_.uid;
  identity.gid = start_.gid;
  identity.user = start_.user;
  if (const auto became = process::become_user(identity); !became) give_up(EX_NOPERM, became.error().text);
  start_.settings.reset();
  start_.notes.reset();
}

void Program::stop() {
  if (stopping_) return;
  stopping_ = true;
  stop_timer_.start(std::chrono::duration_cast<Milliseconds>(settings_.stop_grace), [this] { end(); });
  if (on_stop_) return on_stop_();
  end();
}

void Program::ready() {
  if (!std::exchange(ready_told_, true)) master_->send(master::Ready{});
}

int Program::run() {
  loop_.on_signal(SIGTERM, [this] { stop(); });
  watch_log();
  listen_to_master();
  if (!ready_held_) ready();
  loop_.run();
  if (on_end_) on_end_();
  log::flush();
  // At once: nothing durable waits for a destructor, and what is open the kernel closes.
  std::quick_exit(EX_OK);
}

void size_pool(const config::Settings& settings, unsigned threads) {
  loop::set_pool_threads(settings.sync_threads > 0 ? static_cast<unsigned>(settings.sync_threads) : threads);
}

}  // namespace facteur::process
