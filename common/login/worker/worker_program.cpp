#include "common/login/worker/worker_program.h"

#include <malloc.h>
#include <utility>

#include "common/base/in_hand.h"
#include "common/base/strings.h"
#include "common/dotlock/local_run.h"
#include "common/log/log.h"
#include "common/process/mail_tree.h"
#include "common/store/tidy.h"

namespace facteur::login {

namespace {
/// Sessions mostly read, and one job of a session runs at a time.
constexpr unsigned pool_threads = 8;
/// How long the index of an account stays open after its last use.
constexpr Seconds index_rest{10};
/// Memory in such pieces goes back to the system when it is freed, each index takes 2 MB of it while it is open.
constexpr int large_memory = 1 << 20;
}  // namespace

WorkerProgram::WorkerProgram(process::Program& process)
    : process_(process), pool_(process.loop()), tidy_timer_(process.loop()) {
  (void)::mallopt(M_MMAP_THRESHOLD, large_memory);
  const auto& settings = process.settings();
  const auto& start = process.start();
  process::size_pool(settings, pool_threads);
  for (const auto& account : start.accounts) {
    const InHand noted(account.name);
    // Its own sessions are told, by locate(); others of the same uid are served here all the same.
    if (const auto made = process::make_mail(account, settings, start.real_root); !made) {
      log::warning("mail of {}: {}", printable(account.name), made.error().text);
    }
    for (auto& path : process::mail_paths(account, settings)) process.allow(std::move(path));
  }
  keeper_ = dotlock::keeper_for(process);
}

void WorkerProgram::open(SessionWorker::Make make) {
  worker_ = std::make_unique<SessionWorker>(process_.loop(), process_.master(), pool_, std::move(make),
                                            [this] { process_.end(); });
  worker_->set_idle_time(process_.settings().worker_idle_timeout);
  process_.on_settings([this] { worker_->set_idle_time(process_.settings().worker_idle_timeout); });
  process_.on_stop([this] { worker_->shut_down(); });
  process_.on_end([] { store::tidy(Seconds{0}); });
  tidy_timer_.repeat(index_rest, [this] {
    const auto tidy = [] {
      store::tidy(index_rest);
      (void)::malloc_trim(0);  // what large mailboxes left behind, in the arenas of all threads
    };
    tidying_ = pool_.run(tidy, [] {});
  });
}

}  // namespace facteur::login
