#include "config/yaml.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <istream>
#include <set>
#include <spanstream>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "common/base/strings.h"

namespace facteur::config {

namespace {

/// What stops the parser from inside an event; caught in parse_yaml().
struct Refused {
  Place place;
  std::string why;
};

/// Builds the tree from events, with a stack of open lists and maps instead of recursion.
class Builder : public YAML::EventHandler {
 public:
  explicit Builder(std::string file) : file_(std::move(file)) {}
  [[nodiscard]] Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnAnchor(const YAML::Mark& mark, const std::string&) override { refuse(mark, "anchors are not supported"); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse(mark, "aliases are not supported"); }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { add(mark, Node::Type::null); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, const std::string& value) override {
    // yaml-cpp's tags: "?" for a plain scalar, "!" for a quoted one, else what the file says.
    if (tag != "?" && tag != "!") refuse(mark, "tags are not supported");
    Node& node = add(mark, Node::Type::scalar);
    node.quoted = tag == "!";
    node.text = value;
    const bool empty_word = !node.quoted && (value.empty() || value == "~" || value == "null");
    if (empty_word) node.type = Node::Type::null;
    finish();
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    start(mark, tag, Node::Type::list);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, YAML::EmitterStyle::value) override {
    start(mark, tag, Node::Type::map);
  }
  void OnMapEnd() override { end(); }

 private:
  /// A list or map that is not yet closed. `key_pending`: a map whose last entry has a key and no value yet.
  struct Open {
    Node node;
    bool key_pending = false;
    std::set<std::string> keys;
  };

  [[noreturn]] void refuse(const YAML::Mark& mark, const std::string& why) const { throw Refused{place(mark), why}; }
  [[nodiscard]] Place place(const YAML::Mark& mark) const {
    return {file_, static_cast<std::uint32_t>(mark.line + 1), static_cast<std::uint32_t>(mark.column + 1)};
  }

  Node& add(const YAML::Mark& mark, Node::Type type) {
    if (++count_ > max_yaml_nodes) refuse(mark, fmt::format("more than {} values", max_yaml_nodes));
    current_ = Node{};
    current_.type = type;
    current_.place = place(mark);
    if (type == Node::Type::null) finish();
    return current_;
  }
  void start(const YAML::Mark& mark, const std::string& tag, Node::Type type) {
    if (tag != "?" && tag != "!" && !tag.empty()) refuse(mark, "tags are not supported");
    if (open_.size() >= max_yaml_depth) refuse(mark, fmt::format("nested deeper than {} levels", max_yaml_depth));
    add(mark, type);
    open_.push_back(Open{std::move(current_), false, {}});
  }
  void end() {
    current_ = std::move(open_.back().node);
    open_.pop_back();
    finish();
  }
  /// Puts the finished node where it belongs: into the innermost open list or map.
  void finish() {
    if (open_.empty()) {
      root_ = std::move(current_);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.type == Node::Type::list) {
      parent.node.items.push_back(std::move(current_));
    } else if (parent.key_pending) {
      parent.node.entries.back().second = std::move(current_);
      parent.key_pending = false;
    } else {
      take_key(parent);
    }
  }
  void take_key(Open& parent) {
    if (current_.type != Node::Type::scalar)
      throw Refused{current_.place, "a key must be a word, not " + current_.what()};
    if (!parent.keys.insert(current_.text).second) {
      const auto first =
          std::ranges::find_if(parent.node.entries, [&](const auto& e) { return e.first.text == current_.text; });
      throw Refused{current_.place, fmt::format("duplicate key '{}' (first on line {})", printable(current_.text, 100),
                                                first->first.place.line)};
    }
    parent.node.entries.emplace_back(std::move(current_), Node{});
    parent.key_pending = true;
  }

  std::string file_;
  std::vector<Open> open_;
  Node current_;
  Node root_;
  std::size_t count_ = 0;
};

bool is_plain(std::string_view text) {
  static constexpr std::array<std::string_view, 8> words = {"yes", "no", "true", "false", "null", "on", "off", "~"};
  if (text.empty() || std::ranges::any_of(words, [&](auto word) { return iequals(text, word); })) return false;
  const auto fine = [](char c) { return is_alnum(c) || std::string_view("._-/@+%=~$").contains(c); };
  if (!is_alnum(text.front()) && text.front() != '/' && text.front() != '.') return false;
  // A colon is plain inside of words (addresses, "maildir:~/Maildir") but not at the end.
  return text.back() != ':' && std::ranges::all_of(text, [&](char c) { return fine(c) || c == ':'; });
}

/// The end of `[host]:port` at the start of `text`; 0 if there is none, or more than a comment behind it.
std::size_t literal_with_port(std::string_view text) {
  const auto bracket = text.find_first_of("[]{},\"' ", 1);
  if (!text.starts_with('[') || bracket == std::string_view::npos || bracket < 2 || text[bracket] != ']') return 0;
  if (text.substr(bracket + 1, 1) != ":") return 0;
  auto end = bracket + 2;
  while (end < text.size() && is_alnum(text[end])) ++end;
  const auto rest = text.substr(end);
  const bool ends = trim(rest).empty() || (rest.starts_with(' ') && trim(rest).starts_with('#'));
  return end > bracket + 2 && ends ? end : 0;
}

/// Postfix writes `relayhost = [host]:port`, which YAML takes for a list and garbage behind it. A value of that form
/// gets its quotes here; no YAML that could be read before changes its meaning.
std::string quote_literals(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto line = text.substr(0, std::min(text.find('\n'), text.size()));
    const auto colon = line.find(": ");
    auto at = line.starts_with('[') || colon == std::string_view::npos ? 0 : line.find_first_not_of(' ', colon + 1);
    at = std::min(at, line.size());
    const auto octets = literal_with_port(line.substr(at));
    out += line.substr(0, at);
    if (octets > 0) out += fmt::format("\"{}\"", line.substr(at, octets));
    out += line.substr(at + octets);
    if (line.size() < text.size()) out += '\n';
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return out;
}

}  // namespace

std::string Place::text() const {
  return line == 0 ? file : fmt::format("{}:{}:{}", file, line, column);
}

std::string Node::what() const {
  switch (type) {
    case Type::null: return "nothing";
    case Type::list: return "a list";
    case Type::map: return "a map";
    case Type::scalar: break;
  }
  return fmt::format("'{}'", printable(text, 100));
}

Result<Node> parse_yaml(std::string_view text, const std::string& file) {
  if (text.size() > max_yaml_octets) return fail(Kind::permanent, file + ": larger than 16 MiB");
  if (text.contains('\0')) return fail(Kind::permanent, file + ": has a NUL octet");
  const auto refused = [&](const Place& place, const std::string& why) {
    return fail(Kind::permanent, place.text() + ": " + why);
  };
  try {
    const std::string quoted = quote_literals(text);
    std::ispanstream in(std::span(quoted.data(), quoted.size()));
    YAML::Parser parser(in);
    Builder builder(file);
    Node root;
    if (parser.HandleNextDocument(builder)) root = builder.take();
    Builder second(file);
    if (parser.HandleNextDocument(second)) return refused(second.take().place, "more than one document");
    return root;
  } catch (const Refused& e) {
    return refused(e.place, e.why);
  } catch (const YAML::Exception& e) {
    const Place place{file, static_cast<std::uint32_t>(e.mark.line + 1), static_cast<std::uint32_t>(e.mark.column + 1)};
    return refused(place, e.msg);
  } catch (const std::exception& e) {
    return fail(Kind::permanent, fmt::format("{}: {}", file, e.what()));
  }
}

std::string yaml_scalar(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (is_control(c)) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace facteur::config
