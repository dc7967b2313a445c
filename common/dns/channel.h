// c-ares on our loop: the one place that knows it. Private to this folder.
#pragma once

#include <ares.h>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/dns/resolver.h"
#include "common/loop/loop.h"
#include "common/loop/poll.h"

namespace facteur::dns {

/// A channel of c-ares, its sockets watched by polls and its waits by one timer that ticks while questions are open.
class Channel {
 public:
  /// What a name server answered to a question; empty if none did.
  using Raw = std::function<void(std::string octets)>;

  [[nodiscard]] static Result<std::unique_ptr<Channel>> open(loop::Loop& loop, const Resolver::Options& options);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// Asks. The callback runs exactly once: perhaps before this returns, perhaps from the destructor.
  void query(const std::string& name, Type type, Raw callback);
  [[nodiscard]] std::size_t open_questions() const { return open_; }

 private:
  struct Question;
  explicit Channel(loop::Loop& loop) : loop_(loop), clock_(loop) {}

  static void socket_changed(void* self, ares_socket_t socket, int readable, int writable);
  static void answered(void* question, int status, int timeouts, unsigned char* octets, int size);
  void process(ares_socket_t readable, ares_socket_t writable);

  loop::Loop& loop_;
  ares_channel channel_ = nullptr;
  std::map<ares_socket_t, std::unique_ptr<loop::Poll>> polls_;
  loop::Timer clock_;
  std::size_t open_ = 0;
};

}  // namespace facteur::dns
