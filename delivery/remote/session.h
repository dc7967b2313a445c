// One connection to one host: the Client engine with a socket, TLS, deadlines, and the message's content from its file.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/ticket.h"
#include "common/net/address.h"
#include "common/tls/connection.h"
#include "delivery/remote/client.h"
#include "delivery/remote/environment.h"
#include "delivery/remote/message_source.h"
#include "queue/doors.h"

namespace facteur::remote {

/// Connects when it is first given a message; then serves any number of them, one at a time, while reusable().
/// Shared: its handlers keep it alive while they run.
class Session : public std::enable_shared_from_this<Session> {
 public:
  /// Where, and how.
  struct Place {
    queue::Target target;
    bool lmtp = false;
    config::TlsLevel tls = config::TlsLevel::may;
    /// Sessions of equal keys can take each other's messages.
    [[nodiscard]] std::string key() const;
  };
  struct Report {
    std::vector<Outcome> outcomes;  ///< one for each recipient, unless one of the next two
    bool retry_in_clear = false;    ///< the handshake failed: again, without TLS
    bool stale = false;             ///< was used before and gone when this message came: again, with a new connection
    bool established = false;       ///< the host was ready to take mail
    MonotonicTime mail_began{};     ///< when it was; if it was
  };

  Session(Environment& environment, Place place);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Sends the message. `done` runs once, from the loop, never before this returns, unless give_up() comes first.
  void deliver(Mail mail, std::shared_ptr<MessageSource> source, std::function<void(Report)> done);
  /// Ends at once what is under way: `done` hears of recipients deferred with this text.
  void give_up(const std::string& why);
  /// Closes the connection at once; `done` hears nothing any more.
  void drop();
  /// It can take another message.
  [[nodiscard]] bool reusable() const;
  /// Ends it between messages: QUIT, and close.
  void quit();

  [[nodiscard]] const Place& place() const { return place_; }
  [[nodiscard]] MonotonicTime connected_at() const { return connected_at_; }

 private:
  void connect();
  void connected(Result<Fd> socket);
  void start_tls();
  void pump();
  void read_content();
  void give_content(const Result<std::string>& octets);
  void watch_deadline();
  void report();
  void fail_all(const std::string& status, const std::string& text);
  [[nodiscard]] Milliseconds limit_of(Deadline deadline) const;
  [[nodiscard]] std::string peer() const;

  Environment& environment_;
  Place place_;
  Client client_;
  std::unique_ptr<tls::Connection> connection_;
  std::string queue_id_;  ///< of the message it delivers
  std::shared_ptr<MessageSource> source_;
  std::function<void(Report)> done_;
  Ticket connecting_;
  Ticket reading_;
  loop::Timer deadline_;
  std::uint64_t seen_progress_ = 0;
  MonotonicTime connected_at_{};
  MonotonicTime mail_began_{};
  bool handshaking_ = false;
  bool reused_ = false;
};

/// Octets waiting for the kernel above which no more content is read.
constexpr std::size_t max_buffered = 256 * 1024;

}  // namespace facteur::remote
