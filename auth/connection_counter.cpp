#include "auth/connection_counter.h"

#include <utility>

#include "common/net/address.h"

namespace facteur::auth {

ConnectionCounter::ConnectionCounter(Places& places, ipc::Door& door) : places_(places), door_(door) {
  door_.on<CountConnection>([this](const CountConnection& question) { count(question); });
  door_.on<OpenConnections>([this](const OpenConnections& open) { take_over(open); });
  // One that was refused has no place: its end is told all the same, when it came before the answer.
  door_.on<ConnectionEnded>([this](const ConnectionEnded& ended) { open_.erase(ended.id); });
}

void ConnectionCounter::count(const CountConnection& question) {
  const auto& connection = question.connection;
  if (open_.contains(connection.id) || !net::Ip::parse(connection.client_ip)) {
    return door_.close("a CountConnection that makes no sense");
  }
  door_.send_or_close(ConnectionCounted{connection.id, take(connection, question.limit)});
}

/// They are served already, whatever the limit.
void ConnectionCounter::take_over(const OpenConnections& open) {
  for (const auto& connection : open.connections) (void)take(connection, Places::no_limit);
}

/// What finds no room is let in without being counted.
bool ConnectionCounter::take(const OpenConnection& connection, std::uint64_t limit) {
  auto place = places_.take(connection.client_ip, limit);
  if (place && place->counted()) open_.insert_or_assign(connection.id, std::move(*place));
  return place.has_value();
}

}  // namespace facteur::auth
