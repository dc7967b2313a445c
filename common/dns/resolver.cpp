// Typed questions on top of the channel, and the name of a client.

#include "common/dns/resolver.h"

#include <algorithm>

#include "common/base/strings.h"
#include "common/dns/channel.h"
#include "common/dns/hosts.h"
#include "common/dns/name.h"
#include "common/fs/files.h"

namespace facteur::dns {

namespace {

constexpr std::size_t max_hosts_octets = 8 << 20;

/// Turns a reply into items of one kind.
template <class T>
Found<T> found(const Reply& reply, T (*item)(const Record&)) {
  Found<T> result{reply.outcome, reply.lifetime, {}};
  for (const auto& record : reply.records) result.items.push_back(item(record));
  return result;
}

Mx mx_of(const Record& record) {
  return {record.preference, to_lower(record.data)};
}
net::Ip ip_of(const Record& record) {
  return net::Ip::from_octets(record.data).value_or(net::Ip());
}
std::string name_of(const Record& record) {
  return to_lower(record.data);
}

}  // namespace

struct Resolver::Impl {
  loop::Loop& loop;
  Hosts hosts;
  std::unique_ptr<Channel> channel;  ///< none: DNS is off

  /// Answers soon, from the loop.
  template <class T>
  Ticket answer_soon(T value, std::function<void(T)> callback) {
    auto [ticket, answer] = ask<T>(std::move(callback));
    loop.post([answer = std::move(answer), value = std::move(value)]() mutable { answer(std::move(value)); });
    return std::move(ticket);
  }
};

Resolver::Resolver(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
}
Resolver::~Resolver() = default;

Result<std::unique_ptr<Resolver>> Resolver::create(loop::Loop& loop, const Options& options) {
  auto impl = std::make_unique<Impl>(loop, Hosts(), nullptr);
  if (!options.hosts.empty()) {
    // A host without the file is a host without such names.
    if (const auto text = fs::read_file(options.hosts, max_hosts_octets)) impl->hosts = Hosts(*text);
  }
  if (!options.off) {
    auto channel = Channel::open(loop, options);
    if (!channel) return fail(channel);
    impl->channel = std::move(*channel);
  }
  return std::unique_ptr<Resolver>(new Resolver(std::move(impl)));
}

/// The channel may answer at once, or while it is being destroyed: the answer is handed over by the loop, and by then
/// neither the channel nor this object is needed.
Ticket Resolver::ask_servers(std::string_view name, Type type, std::function<void(Reply)> callback) {
  if (!is_domain_name(name)) {
    return impl_->answer_soon<Reply>({Outcome::no_domain, max_lifetime, {}}, std::move(callback));
  }
  if (!impl_->channel || impl_->channel->open_questions() >= max_questions) {
    return impl_->answer_soon<Reply>({Outcome::temporary, temporary_lifetime, {}}, std::move(callback));
  }
  auto [ticket, answer] = ask<Reply>(std::move(callback));
  impl_->channel->query(
      std::string(name), type,
      [&loop = impl_->loop, answer = std::move(answer), name = std::string(name), type](std::string octets) {
        const Reply failed{Outcome::temporary, temporary_lifetime, {}};
        auto reply = octets.empty() ? failed : parse_reply(octets, name, type).value_or(failed);
        loop.post([answer, reply = std::move(reply)]() mutable { answer(std::move(reply)); });
      });
  return std::move(ticket);
}

Ticket Resolver::mx(std::string_view domain, std::function<void(Found<Mx>)> callback) {
  return ask_servers(domain, Type::mx,
                     [callback = std::move(callback)](const Reply& reply) { callback(found(reply, mx_of)); });
}

Ticket Resolver::addresses(std::string_view host, bool v4, std::function<void(Found<net::Ip>)> callback) {
  if (impl_->hosts.has(host)) {
    auto items = impl_->hosts.addresses(host, v4);
    const auto outcome = items.empty() ? Outcome::no_data : Outcome::found;
    return impl_->answer_soon<Found<net::Ip>>({outcome, hosts_lifetime, std::move(items)}, std::move(callback));
  }
  return ask_servers(host, v4 ? Type::a : Type::aaaa,
                     [callback = std::move(callback)](const Reply& reply) { callback(found(reply, ip_of)); });
}

Ticket Resolver::names(const net::Ip& ip, std::function<void(Found<std::string>)> callback) {
  if (auto name = impl_->hosts.name_of(ip); !name.empty()) {
    return impl_->answer_soon<Found<std::string>>({Outcome::found, hosts_lifetime, {std::move(name)}},
                                                  std::move(callback));
  }
  return ask_servers(ip.to_reverse_name(), Type::ptr,
                     [callback = std::move(callback)](const Reply& reply) { callback(found(reply, name_of)); });
}

namespace {

/// One run of confirmed_name(): names of the address, then the addresses of one name after the other.
class Confirmation : public std::enable_shared_from_this<Confirmation> {
 public:
  Confirmation(Resolver& resolver, loop::Loop& loop, const net::Ip& ip, std::function<void(std::string)> callback)
      : resolver_(resolver), ip_(ip), callback_(std::move(callback)), alarm_(loop) {}

  void start() {
    alarm_.start(Resolver::confirm_time, [this] { finish("unknown"); });
    question_ = resolver_.names(ip_, [this](Found<std::string> answer) {
      names_ = std::move(answer.items);
      if (names_.size() > Resolver::max_names_tried) names_.resize(Resolver::max_names_tried);
      try_next();
    });
  }

 private:
  void try_next() {
    while (next_ < names_.size() && !is_host_name(names_[next_])) ++next_;
    if (next_ == names_.size()) return finish("unknown");
    question_ = resolver_.addresses(names_[next_], ip_.is_v4(), [this](const Found<net::Ip>& answer) {
      if (std::ranges::find(answer.items, ip_) != answer.items.end()) return finish(names_[next_]);
      ++next_;
      try_next();
    });
  }
  void finish(std::string name) {
    const auto self = shared_from_this();  // the callback may drop the ticket, and this with it
    alarm_.stop();
    const auto callback = std::exchange(callback_, nullptr);
    if (callback) callback(std::move(name));
  }

  Resolver& resolver_;
  net::Ip ip_;
  std::function<void(std::string)> callback_;
  loop::Timer alarm_;
  Ticket question_;
  std::vector<std::string> names_;
  std::size_t next_ = 0;
};

}  // namespace

Ticket Resolver::confirmed_name(const net::Ip& ip, std::function<void(std::string)> callback) {
  if (auto name = impl_->hosts.name_of(ip); !name.empty())
    return impl_->answer_soon(std::move(name), std::move(callback));
  const auto confirmation = std::make_shared<Confirmation>(*this, impl_->loop, ip, std::move(callback));
  confirmation->start();
  return Ticket(confirmation);
}

}  // namespace facteur::dns
