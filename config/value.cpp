#include "config/value.h"

#include <algorithm>
#include <fmt/format.h>

#include "common/base/number.h"
#include "common/base/strings.h"
#include "config/listener.h"

namespace facteur::config {

namespace {

std::unexpected<Error> bad(const Setting& setting, const Node& node, const std::string& why) {
  return fail(Kind::permanent, fmt::format("{}: {}: {}", node.place.text(), setting.name, why));
}

std::unexpected<Error> wrong_type(const Setting& setting, const Node& node) {
  return bad(setting, node, fmt::format("{} is not {}", node.what(), describe_type(setting)));
}

std::optional<bool> parse_bool(std::string_view text) {
  for (const auto* word : {"yes", "true", "on"}) {
    if (iequals(text, word)) return true;
  }
  for (const auto* word : {"no", "false", "off"}) {
    if (iequals(text, word)) return false;
  }
  return std::nullopt;
}

/// A number; octets may have a suffix k, M or G (powers of 1024).
std::optional<std::uint64_t> parse_amount(std::string_view text, bool octets) {
  unsigned shift = 0;
  if (octets && !text.empty()) {
    const auto suffix = ascii_lower(text.back());
    shift = suffix == 'k' ? 10 : suffix == 'm' ? 20 : suffix == 'g' ? 30 : 0;
    if (shift != 0) text.remove_suffix(1);
  }
  const auto number = parse_number<std::uint64_t>(text);
  if (!number || *number > any_number >> shift) return std::nullopt;
  return *number << shift;
}

/// True for `[host]`, which YAML takes for a list of one.
bool is_literal(const Node& node) {
  return node.type == Node::Type::list && node.items.size() == 1 && node.items[0].type == Node::Type::scalar;
}

Node literal(Node list) {
  Node out = std::move(list.items[0]);
  out.text = "[" + out.text + "]";
  return out;
}

/// Puts one node into a member, by the member's type.
class Set {
 public:
  Set(Settings& settings, const Setting& setting, const Node& node) : s_(settings), setting_(setting), node_(node) {}

  Result<> operator()(bool Settings::* member) const {
    const auto value = parse_bool(scalar());
    if (!value) return wrong();
    s_.*member = *value;
    return {};
  }
  Result<> operator()(std::uint16_t Settings::* member) const {
    std::uint64_t value = 0;
    if (auto done = number(value); !done) return done;
    s_.*member = static_cast<std::uint16_t>(value);
    return {};
  }
  Result<> operator()(std::uint64_t Settings::* member) const { return number(s_.*member); }
  Result<> operator()(Seconds Settings::* member) const {
    const auto value = parse_duration(scalar());
    if (!value) return wrong();
    const auto seconds = static_cast<std::uint64_t>(value->count());
    if (seconds < setting_.least || seconds > setting_.most) return wrong();
    s_.*member = *value;
    return {};
  }
  Result<> operator()(std::string Settings::* member) const {
    Node text = node_;
    if (setting_.unit == "host" && is_literal(text)) text = literal(std::move(text));
    if (text.type != Node::Type::scalar) return wrong();
    if (auto done = check(text); !done) return done;
    s_.*member = std::move(text.text);
    return {};
  }
  Result<> operator()(std::vector<std::string> Settings::* member) const {
    return list<std::string>(member, [this](const Node& item) -> Result<std::string> {
      if (auto done = check(item); !done) return fail(done);
      return setting_.unit == "domain" ? to_lower(item.text) : item.text;
    });
  }
  Result<> operator()(std::vector<net::Cidr> Settings::* member) const {
    return list<net::Cidr>(member, [this](const Node& item) -> Result<net::Cidr> {
      if (const auto block = net::Cidr::parse(item.text)) return *block;
      return bad(setting_, item, item.what() + " is not an address or a network (address/bits, no bits set behind)");
    });
  }
  Result<> operator()(std::vector<net::Endpoint> Settings::* member) const {
    return list<net::Endpoint>(member, [this](const Node& item) -> Result<net::Endpoint> {
      if (const auto where = net::Endpoint::parse(item.text, dns_port)) return *where;
      return bad(setting_, item, item.what() + " is not an address with or without ':port'");
    });
  }
  Result<> operator()(Table Settings::* member) const;
  Result<> operator()(std::vector<Listener> Settings::* member) const {
    if (node_.type != Node::Type::list) return wrong();
    if (node_.items.size() > setting_.most) return bad(setting_, node_, too_many());
    std::vector<Listener> out;
    for (const auto& item : node_.items) {
      auto listener = parse_listener(item);
      if (!listener) return fail(listener);
      out.push_back(std::move(*listener));
    }
    s_.*member = std::move(out);
    return {};
  }
  Result<> operator()(const Choice& choice) const {
    const auto word = std::ranges::find(choice.words, scalar());
    if (word == choice.words.end()) return wrong();
    choice.set(s_, static_cast<std::uint8_t>(word - choice.words.begin()));
    return {};
  }

 private:
  static constexpr std::uint16_t dns_port = 53;
  static constexpr std::size_t max_table_entries = 100'000;

  [[nodiscard]] std::unexpected<Error> wrong() const { return wrong_type(setting_, node_); }
  [[nodiscard]] std::string too_many() const { return fmt::format("more than {} entries", setting_.most); }
  [[nodiscard]] std::string_view scalar() const {
    return node_.type == Node::Type::scalar ? std::string_view(node_.text) : std::string_view{};
  }
  [[nodiscard]] Result<> number(std::uint64_t& out) const {
    const auto value = parse_amount(scalar(), setting_.unit == "octets");
    if (!value || *value < setting_.least || *value > setting_.most) return wrong();
    out = *value;
    return {};
  }
  [[nodiscard]] Result<> check(const Node& text) const {
    if (text.type != Node::Type::scalar) return bad(setting_, text, text.what() + " is not a text");
    const auto complaint = setting_.check ? setting_.check(text.text) : std::nullopt;
    if (complaint) return bad(setting_, text, text.what() + " " + *complaint);
    return {};
  }
  template <class T>
  [[nodiscard]] Result<> list(std::vector<T> Settings::* member, auto parse) const {
    if (node_.type != Node::Type::list) return wrong();
    if (node_.items.size() > setting_.most) return bad(setting_, node_, too_many());
    std::vector<T> out;
    std::string problems;  // of all items, a line each
    for (const auto& item : node_.items) {
      auto value = parse(item);
      if (value) {
        out.push_back(std::move(*value));
      } else {
        problems += (problems.empty() ? "" : "\n") + value.error().text;
      }
    }
    if (!problems.empty()) return fail(Kind::permanent, std::move(problems));
    s_.*member = std::move(out);
    return {};
  }

  Settings& s_;
  const Setting& setting_;
  const Node& node_;
};

Result<> Set::operator()(Table Settings::* member) const {
  Table table;
  if (node_.type == Node::Type::scalar) {
    if (!node_.text.starts_with("file:/")) return wrong();
    table.file = node_.text.substr(5);
  } else if (node_.type == Node::Type::map) {
    if (node_.entries.size() > max_table_entries) return bad(setting_, node_, "too large: put it into a file");
    for (const auto& [key, value] : node_.entries) {
      auto& values = table.entries[key.text];
      if (auto done = table_values(value, values); !done) {
        return bad(setting_, value, fmt::format("'{}': {}", printable(key.text, 100), done.error().text));
      }
    }
  } else {
    return wrong();
  }
  s_.*member = std::move(table);
  return {};
}

std::string show_list(const auto& list, auto show_item) {
  std::string out = "[";
  for (const auto& item : list) {
    if (out.size() > 1) out += ", ";
    out += show_item(item);
  }
  return out + "]";
}

/// Gives the YAML of a member.
struct Show {
  const Settings& s;
  const Setting& setting;

  std::string operator()(bool Settings::* member) const { return s.*member ? "yes" : "no"; }
  std::string operator()(std::uint16_t Settings::* member) const { return fmt::format("{}", s.*member); }
  std::string operator()(std::uint64_t Settings::* member) const { return fmt::format("{}", s.*member); }
  std::string operator()(Seconds Settings::* member) const { return show_duration(s.*member); }
  std::string operator()(std::string Settings::* member) const { return yaml_scalar(s.*member); }
  std::string operator()(std::vector<std::string> Settings::* member) const {
    return show_list(s.*member, [](const auto& text) { return yaml_scalar(text); });
  }
  std::string operator()(std::vector<net::Cidr> Settings::* member) const {
    return show_list(s.*member, [](const auto& block) { return yaml_scalar(block.to_string()); });
  }
  std::string operator()(std::vector<net::Endpoint> Settings::* member) const {
    return show_list(s.*member, [](const auto& where) { return yaml_scalar(where.to_string()); });
  }
  std::string operator()(Table Settings::* member) const {
    const Table& table = s.*member;
    if (!table.file.empty()) return yaml_scalar("file:" + table.file);
    std::string out = "{";
    for (const auto& [key, values] : table.entries) {
      if (out.size() > 1) out += ", ";
      out += yaml_scalar(key) + ": " + show_list(values, [](const auto& text) { return yaml_scalar(text); });
    }
    return out + "}";
  }
  std::string operator()(std::vector<Listener> Settings::* member) const { return show_list(s.*member, show_listener); }
  std::string operator()(const Choice& choice) const { return yaml_scalar(choice.words[choice.get(s)]); }
};

/// Says what a member wants.
struct DescribeType {
  const Setting& setting;

  [[nodiscard]] std::string number() const {
    std::string out = fmt::format("a number from {} to {}", setting.least, setting.most);
    if (setting.unit == "octets") out += " (octets; k, M or G behind it multiply)";
    return out;
  }
  [[nodiscard]] std::string list() const { return fmt::format("a list, [{0}, {0}]", setting.unit); }
  std::string operator()(bool Settings::*) const { return "yes or no"; }
  std::string operator()(std::uint16_t Settings::*) const { return number(); }
  std::string operator()(std::uint64_t Settings::*) const { return number(); }
  std::string operator()(Seconds Settings::*) const {
    const auto show = [](std::uint64_t seconds) { return show_duration(Seconds{static_cast<Seconds::rep>(seconds)}); };
    return fmt::format("a duration (s, m, h, d, w) from {} to {}", show(setting.least), show(setting.most));
  }
  std::string operator()(std::string Settings::*) const { return "a text: " + std::string(setting.unit); }
  std::string operator()(std::vector<std::string> Settings::*) const { return list(); }
  std::string operator()(std::vector<net::Cidr> Settings::*) const { return list(); }
  std::string operator()(std::vector<net::Endpoint> Settings::*) const { return list(); }
  std::string operator()(Table Settings::*) const { return "a map of lists, or file:/path"; }
  std::string operator()(std::vector<Listener> Settings::*) const {
    return "a list of maps with address, port, role and tls";
  }
  std::string operator()(const Choice& choice) const {
    std::string out;
    for (const auto word : choice.words)
      out += (out.empty() ? "" : word == choice.words.back() ? " or " : ", ") + std::string(word);
    return out;
  }
};

}  // namespace

Result<> table_values(const Node& node, std::vector<std::string>& out) {
  const auto add = [&](const Node& item) {
    if (item.type != Node::Type::scalar || item.text.empty()) return false;
    out.push_back(item.text);
    return out.size() <= max_table_values;
  };
  const bool fine =
      node.type == Node::Type::list ? !node.items.empty() && std::ranges::all_of(node.items, add) : add(node);
  if (!fine)
    return fail(Kind::permanent,
                fmt::format("{} is not a text or a list of 1 to {} texts", node.what(), max_table_values));
  return {};
}

Result<> set_value(Settings& settings, const Setting& setting, const Node& value) {
  return std::visit(Set(settings, setting, value), setting.member);
}

std::string show_value(const Settings& settings, const Setting& setting) {
  return std::visit(Show{settings, setting}, setting.member);
}

std::string describe_type(const Setting& setting) {
  return std::visit(DescribeType{setting}, setting.member);
}

}  // namespace facteur::config
