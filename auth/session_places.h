// The sessions of POP3 and IMAP behind their login, counted for each user and address (mail_max_userip_connections).
// Who serves a session holds one end of a socket pair, the place; authd holds the other. However the session ends, by
// LOGOUT, a failed hand-over or the death of its process, that end is closed then, and authd sees it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>

#include "auth/doors.h"
#include "auth/places.h"
#include "common/base/fd.h"
#include "common/log/seldom.h"
#include "common/loop/loop.h"
#include "common/loop/poll.h"

namespace facteur::auth {

/// A new authd knows nothing of the sessions that an earlier one let in: they hold their places until they end, but
/// count no more.
class SessionPlaces {
 public:
  /// Sessions counted at once, and never more than half of our descriptors allow. Beyond that they are not counted: a
  /// limit is no reason to shut users out.
  static constexpr std::size_t max_sessions = 100'000;
  explicit SessionPlaces(loop::Loop& loop, std::size_t most = max_sessions);

  /// What the session is to hold: an empty descriptor if it is not counted, nothing if the user has `limit` of them
  /// from there. 0 is no limit.
  [[nodiscard]] std::optional<Fd> take(Service service, const std::string& user, const std::string& client_ip,
                                       std::uint64_t limit);
  [[nodiscard]] std::size_t taken() const { return held_.size(); }

 private:
  struct Held {
    Held(loop::Loop& loop, Places::Place its_place, Fd our_end)
        : place(std::move(its_place)), end(std::move(our_end)), poll(loop) {}
    Places::Place place;
    Fd end;
    loop::Poll poll;
  };

  loop::Loop& loop_;
  Places places_;
  std::list<Held> held_;
  log::Seldom told_;
};

}  // namespace facteur::auth
