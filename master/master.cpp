#include "master/master.h"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <utility>

#include "common/base/strings.h"
#include "common/log/log.h"
#include "common/process/jail.h"
#include "common/tls/context.h"
#include "config/combinations.h"
#include "master/notify.h"
#include "master/users.h"

namespace facteur::master {
namespace {

constexpr Milliseconds watch_period{5000};
constexpr Milliseconds reload_pause{1000};

/// Changes when one of the files is replaced or written.
std::string fingerprint(const config::Settings& settings) {
  std::string out;
  for (const auto& path : {settings.tls_certificate, settings.tls_key, std::string("/etc/resolv.conf")}) {
    struct stat status{};
    if (path.empty() || ::stat(path.c_str(), &status) < 0) continue;
    out += fmt::format("{} {} {} {};", status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  }
  return out;
}

}  // namespace

Master::Master(std::string config_file, std::string program_folder)
    : config_file_(std::move(config_file)),
      supervisor_(loop_, process::is_real_root(), std::move(program_folder)),
      suspects_([this](const std::string& queue_id) { condemn(queue_id); }),
      workers_(supervisor_, suspects_),
      control_(loop_, supervisor_, [this] { return reload(); }),
      maildrop_(loop_, supervisor_) {
  supervisor_.on_birth([this](Child& child) {
    if (child.program == "queued") {
      for (auto& queue_id : suspects_.messages()) child.door->send(Suspect{std::move(queue_id)});
    }
    workers_.attach(child);
    control_.attach(child);
    maildrop_.attach(child);
  });
  supervisor_.on_death([this](const Child& child, int status) {
    suspects_.child_died(child, status);
    workers_.child_died(child);
    maildrop_.child_died(child);
  });
}

/// A queued that is not there hears of it when it is born.
void Master::condemn(const std::string& queue_id) {
  if (Child* queued = supervisor_.current("queued")) queued->door->send(Suspect{queue_id});
}

Result<config::Settings> Master::load_checked() const {
  auto loaded = config::load_files({config_file_}, {});
  if (!loaded) return fail(loaded);
  config::UidOf uid_of;
  if (process::is_real_root()) {
    uid_of = [](const std::string& name) -> std::optional<std::uint32_t> {
      const auto user = find_user(name);
      return user ? std::optional<std::uint32_t>(user->uid) : std::nullopt;
    };
  }
  const auto problems = config::check_alone(*loaded, uid_of);
  if (!problems.empty()) return fail(Kind::permanent, join(problems, "\n"));
  auto& settings = loaded->settings;
  if (settings.tls_certificate.empty()) return std::move(settings);
  const auto keys = tls::Context::server(settings.tls_certificate, settings.tls_key);
  if (!keys) return fail(keys);
  return std::move(settings);
}

Result<> Master::reload() {
  auto settings = load_checked();
  const auto& served = supervisor_.settings().queue_directory;
  if (settings && settings->queue_directory != served) {
    settings = fail(Kind::permanent, "queue_directory is " + settings->queue_directory + " now, and " + served +
                                         " is served: restart facteurd");
  }
  auto reloaded = settings ? supervisor_.reload(std::move(*settings)) : Result<>(fail(settings));
  if (!reloaded) {
    log::error("reload: the settings stay as they were: {}", reloaded.error().text);
    return reloaded;
  }
  log::info("reload: a new generation starts");
  watched_ = fingerprint(supervisor_.settings());
  return {};
}

/// SIGHUP. Each reload makes a generation of processes, so a storm of signals makes one a second, and one behind the
/// last.
void Master::hung_up() {
  if (reload_timer_.running()) {
    reload_wanted_ = true;
    return;
  }
  (void)reload();
  reload_timer_.start(reload_pause, [this] {
    if (std::exchange(reload_wanted_, false)) hung_up();
  });
}

void Master::watch_files() {
  watched_ = fingerprint(supervisor_.settings());
  watch_timer_.repeat(watch_period, [this] {
    const std::string now = fingerprint(supervisor_.settings());
    if (now == watched_) return;
    watched_ = now;  // a half-written pair is refused with its reason, and looked at again when it changes
    (void)reload();
  });
}

void Master::stop() {
  notify("STOPPING=1");
  log::info("stopping");
  supervisor_.stop([this] { loop_.stop(); });
}

int Master::run() {
  const auto give_up = [](int status, const Error& error) {
    log::error("{}", error.text);
    return status;
  };
  log::identify("localhost", "facteurd");
  auto settings = load_checked();
  if (!settings) return give_up(EX_CONFIG, settings.error());
  auto& log = supervisor_.log();
  if (auto opened = log.open(settings->log); !opened) return give_up(EX_CANTCREAT, opened.error());
  log::identify(settings->hostname, "facteurd");
  // Before anything can be connected to: who sees a port open may send a signal.
  loop_.on_signal(SIGTERM, [this] { stop(); });
  loop_.on_signal(SIGINT, [this] { stop(); });
  loop_.on_signal(SIGHUP, [this] { hung_up(); });
  if (auto begun = supervisor_.begin(std::move(*settings)); !begun) return give_up(EX_UNAVAILABLE, begun.error());
  if (auto opened = control_.open(); !opened) return give_up(EX_UNAVAILABLE, opened.error());
  log.attach();
  log::info("starting");
  supervisor_.on_all_ready([] {
    log::info("ready");
    notify("READY=1");
  });
  maildrop_.open();
  watch_files();
  loop_.run();
  log.drain();
  std::quick_exit(EX_OK);
}

}  // namespace facteur::master
