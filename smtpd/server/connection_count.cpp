#include "smtpd/server/connection_count.h"

#include <utility>

#include "common/log/log.h"

namespace facteur::smtpd {

std::unique_ptr<ConnectionCount::Counted> ConnectionCount::begin(const std::string& client_ip, std::uint64_t limit,
                                                                 std::function<void(bool)> callback) {
  auto [ticket, answer] = ask<bool>(std::move(callback));
  const auto id = ++last_id_;
  auto& open = open_[id] = {client_ip, limit, std::move(answer), {}};
  open.patience = loop::after(loop_, patience, [this, id] { serve_uncounted(id); });
  if (door_ != nullptr) ask_for(id, open);
  return std::make_unique<Counted>(*this, id, std::move(ticket));
}

void ConnectionCount::ask_for(std::uint64_t id, const Open& open) {
  (void)door_->send(auth::CountConnection{{id, open.client_ip}, open.limit});
}

/// What was refused is not ours to tell of any more: authd has not counted it. So it is with an answer that comes too
/// late, to a client that is served already.
void ConnectionCount::answered(const auth::ConnectionCounted& reply) {
  const auto found = open_.find(reply.id);
  if (found == open_.end()) return;  // over meanwhile: authd has been told, or will be
  found->second.patience.reset();
  auto answer = std::move(found->second.answer);
  if (!reply.served) open_.erase(found);
  answer(reply.served);
}

/// It stays open: who has not heard of it will be told.
void ConnectionCount::serve_uncounted(std::uint64_t id) {
  const auto found = open_.find(id);
  if (found == open_.end()) return;
  if (told_.due(monotonic_now())) {
    log::warning("authd does not answer: clients are served whatever smtpd_client_connection_count_limit says");
  }
  auto answer = std::move(found->second.answer);
  answer(true);
}

/// An end that cannot be told would count for ever, so the door goes with it.
void ConnectionCount::ended(std::uint64_t id) {
  if (open_.erase(id) > 0 && door_ != nullptr) door_->send_or_close(auth::ConnectionEnded{id});
}

void ConnectionCount::use(ipc::Door& door) {
  door_ = &door;
  door_->on<auth::ConnectionCounted>([this](const auth::ConnectionCounted& reply) { answered(reply); });
  tell_what_is_served();
  for (const auto& [id, open] : open_) {
    if (open.answer.wanted()) ask_for(id, open);
  }
}

void ConnectionCount::lost() {
  door_ = nullptr;
}

void ConnectionCount::tell_what_is_served() {
  auth::OpenConnections some;
  for (const auto& [id, open] : open_) {
    if (open.answer.wanted()) continue;
    some.connections.push_back({id, open.client_ip});
    if (some.connections.size() < auth::OpenConnections::max_in_message) continue;
    door_->send_or_close(std::exchange(some, {}));
  }
  if (!some.connections.empty()) door_->send_or_close(std::move(some));
}

}  // namespace facteur::smtpd
