// Driving c-ares 1.18, which has no thread of its own and knows no loop.

#include "common/dns/channel.h"

#include <arpa/nameser.h>

#include "common/base/strings.h"

namespace facteur::dns {

namespace {

constexpr int max_udp_answer = 1232;       // what no path has to fragment (DNS Flag Day 2020)
constexpr Milliseconds clock_period{200};  // how finely c-ares' own timeouts are kept

/// Frees what the library needs for its own list of users.
struct Library {
  int status = ares_library_init(ARES_LIB_INIT_ALL);
};

std::string copied(const unsigned char* octets, int size) {
  std::string copy(static_cast<std::size_t>(size), '\0');
  for (std::size_t i = 0; i < copy.size(); ++i) copy[i] = static_cast<char>(octets[i]);
  return copy;
}

Result<std::string> server_list(const std::vector<std::string>& servers) {
  std::string list;
  for (const auto& server : servers) {
    const auto endpoint = net::Endpoint::parse(server, 53);
    if (!endpoint) return fail(Kind::permanent, "dns.servers: no address and port: " + printable(server));
    list += (list.empty() ? "" : ",") + endpoint->to_string();
  }
  return list;
}

}  // namespace

struct Channel::Question {
  Channel* channel;
  Raw callback;
};

Result<std::unique_ptr<Channel>> Channel::open(loop::Loop& loop, const Resolver::Options& options) {
  static const Library library;
  if (library.status != ARES_SUCCESS) return fail(Kind::permanent, ares_strerror(library.status));
  const auto servers = server_list(options.servers);
  if (!servers) return fail(servers);

  std::unique_ptr<Channel> channel(new Channel(loop));
  std::string lookups = "b";  // name servers only: the hosts file is ours
  std::string resolv_conf = options.resolv_conf;
  ares_options settings{};
  settings.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS;
  settings.timeout = static_cast<int>(options.timeout.count());
  settings.tries = options.tries;
  settings.lookups = lookups.data();
  settings.resolvconf_path = resolv_conf.data();
  settings.ednspsz = max_udp_answer;
  settings.sock_state_cb = socket_changed;
  settings.sock_state_cb_data = channel.get();
  // No search domains of its own: otherwise it would ask for the name of this host.
  const int given = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF |
                    ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB | ARES_OPT_DOMAINS;
  int status = ares_init_options(&channel->channel_, &settings, given);
  if (status == ARES_SUCCESS && !servers->empty()) {
    status = ares_set_servers_ports_csv(channel->channel_, servers->c_str());
  }
  if (status != ARES_SUCCESS) return fail(Kind::permanent, std::string("resolver: ") + ares_strerror(status));
  return channel;
}

Channel::~Channel() {
  if (channel_ != nullptr) ares_destroy(channel_);
}

void Channel::query(const std::string& name, Type type, Raw callback) {
  ++open_;
  auto question = std::make_unique<Question>(this, std::move(callback));
  ares_query(channel_, name.c_str(), ns_c_in, static_cast<int>(type), answered, question.release());
  if (open_ > 0 && !clock_.running()) {
    clock_.repeat(clock_period, [this] { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); });
  }
}

void Channel::answered(void* argument, int status, int, unsigned char* octets, int size) {
  const std::unique_ptr<Question> question(static_cast<Question*>(argument));
  --question->channel->open_;
  // With these three the octets are there, and say themselves what they mean.
  const bool spoken = status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND;
  question->callback(spoken && octets != nullptr && size > 0 ? copied(octets, size) : std::string());
}

void Channel::socket_changed(void* argument, ares_socket_t socket, int readable, int writable) {
  auto& self = *static_cast<Channel*>(argument);
  if (readable == 0 && writable == 0) {
    self.polls_.erase(socket);
    return;
  }
  auto& poll = self.polls_[socket];
  if (poll) return poll->change(readable != 0, writable != 0);
  poll = std::make_unique<loop::Poll>(self.loop_);
  poll->watch(socket, readable != 0, writable != 0, [&self, socket](bool can_read, bool can_write) {
    self.process(can_read ? socket : ARES_SOCKET_BAD, can_write ? socket : ARES_SOCKET_BAD);
  });
}

void Channel::process(ares_socket_t readable, ares_socket_t writable) {
  ares_process_fd(channel_, readable, writable);
  if (open_ == 0) clock_.stop();
}

}  // namespace facteur::dns
