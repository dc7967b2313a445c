#include "auth/session_places.h"

#include <algorithm>
#include <sys/resource.h>
#include <utility>

#include "common/ipc/door.h"
#include "common/log/log.h"

namespace facteur::auth {

namespace {

std::size_t half_of_our_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) < 0) return 0;
  return static_cast<std::size_t>(limit.rlim_cur / 2);
}

std::string key_of(Service service, const std::string& user, const std::string& client_ip) {
  return std::to_string(static_cast<int>(service)) + " " + client_ip + " " + user;
}

}  // namespace

SessionPlaces::SessionPlaces(loop::Loop& loop, std::size_t most)
    : loop_(loop), places_(std::min(most, half_of_our_descriptors())) {
}

std::optional<Fd> SessionPlaces::take(Service service, const std::string& user, const std::string& client_ip,
                                      std::uint64_t limit) {
  if (limit == 0) return Fd{};
  auto place = places_.take(key_of(service, user, client_ip), limit);
  if (!place) return std::nullopt;
  auto pair = place->counted() ? ipc::make_pair() : fail(Kind::temporary, "there are too many");
  if (!pair) {
    if (told_.due(monotonic_now())) log::warning("sessions are not counted: {}", pair.error().text);
    return Fd{};
  }
  const auto held = held_.emplace(held_.end(), loop_, std::move(*place), std::move(pair->first));
  // Nothing is ever said on it: whatever happens there is its end.
  held->poll.watch(held->end.get(), true, false, [this, held](bool, bool) { held_.erase(held); });
  return std::move(pair->second);
}

}  // namespace facteur::auth
