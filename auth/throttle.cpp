#include "auth/throttle.h"

#include <algorithm>

namespace facteur::auth {

namespace {

std::string key_of(const net::Ip& client) {
  return std::string(client.octets().substr(0, client.is_v4() ? 4 : 8));
}

}  // namespace

Throttle::Client* Throttle::find(const std::string& key, MonotonicTime now) {
  const auto found = clients_.find(key);
  if (found == clients_.end()) return nullptr;
  if (now - found->second.last <= limits_.window) return &found->second;
  clients_.erase(found);
  return nullptr;
}

std::optional<Milliseconds> Throttle::turn(const net::Ip& client, MonotonicTime now, Milliseconds most) {
  Client* known = find(key_of(client), now);
  if (!known || known->failures < limits_.limit) return Milliseconds{0};
  const auto next = std::max(now, known->next_turn) + limits_.max_delay;
  const auto wait = std::chrono::duration_cast<Milliseconds>(next - now);
  if (wait > most) return std::nullopt;
  known->next_turn = next;
  return wait;
}

Milliseconds Throttle::failed(const net::Ip& client, MonotonicTime now) {
  const auto key = key_of(client);
  Client* known = find(key, now);
  if (!known) {
    make_room(now);
    known = &clients_[key];
  }
  ++known->failures;
  known->last = now;
  const auto doublings = std::min<std::uint64_t>((known->failures - 1) / failures_a_step, 16);
  return std::min(limits_.delay * (1 << doublings), std::max(limits_.delay, limits_.max_delay));
}

void Throttle::make_room(MonotonicTime now) {
  if (clients_.size() < max_clients) return;
  std::erase_if(clients_, [&](const auto& entry) { return now - entry.second.last > limits_.window; });
  // Still full: those with few failures go, so that no flood of addresses hides the one that guesses.
  for (std::uint64_t failures = 1; clients_.size() >= max_clients; failures *= 2) {
    std::erase_if(clients_, [&](const auto& entry) { return entry.second.failures <= failures; });
  }
}

}  // namespace facteur::auth
