#include "config/listener.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "common/base/number.h"
#include "common/base/strings.h"
#include "config/load.h"
#include "config/value.h"

namespace facteur::config {

namespace {

constexpr std::array<std::string_view, 4> role_words = {"smtp", "submission", "pop3", "imap"};
constexpr std::array<std::string_view, 4> own_keys = {"address", "port", "role", "tls"};
constexpr std::array<std::string_view, 3> tls_words = {"none", "starttls", "implicit"};

std::unexpected<Error> bad(const Node& node, const std::string& why) {
  return fail(Kind::permanent, fmt::format("{}: listeners: {}", node.place.text(), why));
}

struct Standard {
  std::string_view name;
  std::uint16_t Settings::* port;
  Role role;
  TlsMode tls;
};
constexpr Standard standard[] = {
    {"ports.smtp", &Settings::ports_smtp, Role::smtp, TlsMode::starttls},
    {"ports.submission", &Settings::ports_submission, Role::submission, TlsMode::starttls},
    {"ports.smtps", &Settings::ports_smtps, Role::submission, TlsMode::implicit},
    {"ports.pop3", &Settings::ports_pop3, Role::pop3, TlsMode::starttls},
    {"ports.pop3s", &Settings::ports_pop3s, Role::pop3, TlsMode::implicit},
    {"ports.imap", &Settings::ports_imap, Role::imap, TlsMode::starttls},
    {"ports.imaps", &Settings::ports_imaps, Role::imap, TlsMode::implicit},
};

template <class Enum>
Result<> set_word(Enum& out, const Node& value, std::span<const std::string_view> words) {
  const auto found = std::ranges::find(words, std::string_view(value.text));
  if (value.type != Node::Type::scalar || found == words.end()) {
    std::string all;
    for (const auto word : words) all += (all.empty() ? "" : ", ") + std::string(word);
    return bad(value, value.what() + " is none of " + all);
  }
  out = static_cast<Enum>(found - words.begin());
  return {};
}

/// Another value would be read and never looked at: better said than believed.
Result<> check_override(const Setting& setting, Role role, const Node& key) {
  if ((setting.on & only(role)) != 0) return {};
  if (setting.on == 0) return bad(key, fmt::format("{} cannot differ from listener to listener", setting.name));
  return bad(key, fmt::format("{} means nothing on a listener of {}, only on one of {}", setting.name,
                              role_words[static_cast<std::size_t>(role)], show_roles(setting.on)));
}

Result<> set_part(Listener& listener, const Node& key, const Node& value) {
  if (key.text == "address") {
    const auto ip = net::Ip::parse(value.text);
    if (!ip) return bad(value, value.what() + " is not an IP address");
    listener.endpoint.ip = *ip;
  } else if (key.text == "port") {
    const auto port = parse_number<std::uint16_t>(value.text);
    if (!port || *port == 0) return bad(value, value.what() + " is not a port");
    listener.endpoint.port = *port;
  } else if (key.text == "role") {
    return set_word(listener.role, value, role_words);
  } else if (key.text == "tls") {
    return set_word(listener.tls, value, tls_words);
  } else if (key.text == "listeners") {
    return bad(key, "a listener has no listeners");
  } else {
    Settings scratch;
    const auto setting = apply_entry(scratch, key, value, own_keys);
    if (!setting) return fail(setting);
    listener.overrides[std::string((*setting)->name)] = show_value(scratch, **setting);
    return check_override(**setting, listener.role, key);
  }
  return {};
}

bool allowed(const Settings& settings, const net::Ip& ip) {
  return settings.inet_protocols == IpVersions::all || ip.is_v4() == (settings.inet_protocols == IpVersions::ipv4);
}

std::vector<net::Ip> addresses(const Settings& settings) {
  std::vector<net::Ip> out;
  const auto add = [&](std::string_view text) {
    const auto ip = net::Ip::parse(text);
    if (ip && allowed(settings, *ip) && std::ranges::find(out, *ip) == out.end()) out.push_back(*ip);
  };
  for (const auto& word : settings.inet_interfaces) {
    if (word == "all") {
      add("::");
      add("0.0.0.0");
    } else if (word == "loopback-only") {
      add("127.0.0.1");
      add("::1");
    } else {
      add(word);
    }
  }
  return out;
}

}  // namespace

Result<Listener> parse_listener(const Node& node) {
  if (node.type != Node::Type::map) return bad(node, node.what() + " is not a map with address, port, role and tls");
  Listener listener;
  const auto is_own = [](const auto& entry) { return std::ranges::find(own_keys, entry.first.text) != own_keys.end(); };
  bool has_address = false;
  for (const bool own : {true, false}) {  // which settings may follow depends on the role
    for (const auto& entry : node.entries) {
      if (is_own(entry) != own) continue;
      has_address = has_address || entry.first.text == "address";
      if (auto done = set_part(listener, entry.first, entry.second); !done) return fail(done);
    }
  }
  if (!has_address || listener.endpoint.port == 0) return bad(node, "a listener wants an address and a port");
  return listener;
}

std::string show_roles(Roles roles) {
  std::string out;
  for (std::size_t i = 0; i < role_words.size(); ++i) {
    if ((roles & only(static_cast<Role>(i))) == 0) continue;
    out += (out.empty() ? "" : ", ") + std::string(role_words[i]);
  }
  return out;
}

std::string show_listener(const Listener& listener) {
  std::string out =
      fmt::format("{{address: {}, port: {}, role: {}, tls: {}", yaml_scalar(listener.endpoint.ip.to_string()),
                  listener.endpoint.port, role_words[static_cast<std::size_t>(listener.role)],
                  tls_words[static_cast<std::size_t>(listener.tls)]);
  for (const auto& [name, value] : listener.overrides) out += fmt::format(", {}: {}", name, value);
  return out + "}";
}

std::vector<Listener> all_listeners(const Settings& settings) {
  std::vector<Listener> out;
  for (const auto& ip : addresses(settings)) {
    for (const auto& [name, port, role, tls] : standard) {
      if (settings.*port != 0) out.push_back({{ip, settings.*port}, role, tls, {}});
    }
  }
  out.insert(out.end(), settings.listeners.begin(), settings.listeners.end());
  // Without a certificate there is no TLS to speak: implicit ports stay shut, the others do not offer it.
  if (settings.tls_certificate.empty()) {
    std::erase_if(out, [](const Listener& listener) { return listener.tls == TlsMode::implicit; });
    for (auto& listener : out) listener.tls = TlsMode::none;
  }
  return out;
}

std::string_view setting_of(const Settings& settings, const Listener& listener) {
  const bool own = std::ranges::any_of(settings.listeners, [&](const Listener& entry) {
    return entry.endpoint == listener.endpoint && entry.role == listener.role;
  });
  if (own) return "listeners";
  const bool implicit = listener.tls == TlsMode::implicit;
  const auto port = std::ranges::find_if(standard, [&](const Standard& row) {
    return settings.*row.port == listener.endpoint.port && row.role == listener.role &&
           (row.tls == TlsMode::implicit) == implicit;
  });
  return port == std::end(standard) ? std::string_view("listeners") : port->name;
}

Result<Settings> settings_on(const Settings& settings, const Listener& listener) {
  Settings out = settings;
  for (const auto& [name, value] : listener.overrides) {
    if (auto done = apply_override(out, Override{name, value}); !done) return fail(done);
  }
  return out;
}

Result<Settings> settings_at(const Settings& settings, Role role, std::string_view where) {
  for (const auto& listener : settings.listeners) {
    if (listener.role == role && listener.endpoint.to_string() == where) return settings_on(settings, listener);
  }
  return settings;
}

}  // namespace facteur::config
