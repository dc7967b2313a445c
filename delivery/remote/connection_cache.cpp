// A short list, searched from its end: the connection used last is the one most surely alive.

#include "delivery/remote/connection_cache.h"

#include <algorithm>
#include <utility>

namespace facteur::remote {

ConnectionCache::~ConnectionCache() {
  clear();
}

std::shared_ptr<Session> ConnectionCache::take(const Session::Place& place) {
  const auto key = place.key();
  for (auto at = idle_.rbegin(); at != idle_.rend(); ++at) {
    if (at->key != key || !at->session->reusable()) continue;
    auto session = std::move(at->session);
    idle_.erase(std::next(at).base());
    return session;
  }
  return nullptr;
}

void ConnectionCache::give(std::shared_ptr<Session> session) {
  const auto now = monotonic_now();
  if (!session->reusable() || idle_.size() >= most || now - session->connected_at() > reuse_time)
    return session->quit();
  auto key = session->place().key();
  idle_.push_back({std::move(key), std::move(session), now});
  if (!clock_.running()) clock_.start(idle_time, [this] { expire(); });
}

void ConnectionCache::expire() {
  const auto now = monotonic_now();
  while (!idle_.empty() && (now - idle_.front().since >= idle_time || !idle_.front().session->reusable())) {
    idle_.front().session->quit();
    idle_.pop_front();
  }
  if (idle_.empty()) return;
  const auto left = std::chrono::ceil<Milliseconds>(idle_time - (now - idle_.front().since));
  clock_.start(std::max(left, Milliseconds{1}), [this] { expire(); });
}

void ConnectionCache::clear() {
  clock_.stop();
  for (const auto& idle : idle_) idle.session->quit();
  idle_.clear();
}

}  // namespace facteur::remote
