#include "common/login/worker/session_worker.h"

#include <algorithm>
#include <utility>

namespace facteur::login {

namespace {
/// Jobs of sessions that are gone (a QUIT whose client did not wait) are let finish before the program ends.
constexpr Milliseconds job_check{50};
}  // namespace

SessionWorker::SessionWorker(loop::Loop& loop, ipc::Door& master, loop::PoolExecutor& pool, Make make,
                             std::function<void()> end)
    : loop_(loop), master_(master), pool_(pool), make_(std::move(make)), end_(std::move(end)), timer_(loop) {
  master_.on<master::Session>([this](master::Session client) { take(std::move(client)); });
  master_.on<master::MayEnd>([this](const master::MayEnd&) { shut_down(); });
  rest();
}

SessionWorker::~SessionWorker() {
  *alive_ = false;
}

void SessionWorker::set_idle_time(Seconds idle_time) {
  idle_time_ = idle_time;
  if (sessions_.empty()) rest();
}

void SessionWorker::take(master::Session client) {
  const auto number = ++seen_;
  const bool taken = !stopping_ && client.client;
  // Told before the client hears anything: from then on it is ours alone to answer.
  if (!master_.send(master::SessionTaken{client.id, taken}) || !taken) return;
  timer_.stop();
  auto session = make_(std::move(client), [this, number] { finished(number); });
  auto& started = *sessions_.emplace(number, std::move(session)).first->second;
  started.start();
}

void SessionWorker::finished(std::uint64_t number) {
  loop_.post([this, number, alive = alive_] {
    if (!*alive) return;
    sessions_.erase(number);
    if (sessions_.empty()) rest();
  });
}

/// Nobody is served: waits for a while before the end, or for the last jobs only.
void SessionWorker::rest() {
  const auto wait =
      stopping_ ? (pool_.jobs() == 0 ? Milliseconds{0} : job_check) : std::max(Milliseconds{idle_time_}, job_check);
  timer_.start(wait, [this] { ask_to_end(); });
}

void SessionWorker::ask_to_end() {
  if (pool_.jobs() > 0) return rest();
  if (stopping_) return end_();
  // Refused without an answer when a session is under way to us: then it comes, or the next rest asks again.
  (void)master_.send(master::WantEnd{seen_});
  rest();
}

void SessionWorker::shut_down() {
  if (std::exchange(stopping_, true)) return;
  for (auto& [number, session] : sessions_) session->shut_down();
  if (sessions_.empty()) rest();
}

}  // namespace facteur::login
