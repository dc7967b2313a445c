#include "common/route/aliases_file.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

#include "common/address/grammar.h"
#include "common/base/strings.h"

namespace facteur::route {

namespace {

/// A piece of an entry: up to the next ':' or ',' that is outside of quotes, comments and angle brackets.
struct Piece {
  std::string text;     // without quotes and comments, white space at the ends cut
  bool quoted = false;  // some of it was in quotes
  char separator = 0;   // what ended it; 0 at the end
  const char* fault = nullptr;
};

/// Cuts an entry into pieces, one octet after the other.
class Pieces {
 public:
  explicit Pieces(std::string_view text) : rest_(text) {}

  Piece next(std::string_view separators) {
    Piece piece;
    std::string angle;
    bool has_angle = false;
    while (!rest_.empty() && !piece.fault) {
      const char c = take();
      if (c == '(') {
        skip_comment(piece);
      } else if (c == '"') {
        take_quoted(piece);
      } else if (c == '<') {
        has_angle = true;
        take_angle(angle, piece);
      } else if (separators.contains(c)) {
        piece.separator = c;
        break;
      } else {
        piece.text += c;
      }
    }
    piece.text = has_angle ? angle : std::string(trim(piece.text));
    return piece;
  }

 private:
  char take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  /// Comments nest (RFC 5322 section 3.2.2).
  void skip_comment(Piece& piece) {
    for (std::size_t depth = 1; depth > 0;) {
      if (rest_.empty()) {
        piece.fault = "a comment is not closed";
        return;
      }
      const char c = take();
      if (c == '\\' && !rest_.empty()) take();
      depth += c == '(' ? 1 : c == ')' ? std::size_t(-1) : 0;
    }
  }
  void take_quoted(Piece& piece) {
    piece.quoted = true;
    while (!rest_.empty()) {
      char c = take();
      if (c == '"') return;
      if (c == '\\' && !rest_.empty()) c = take();
      piece.text += c;
    }
    piece.fault = "a quote is not closed";
  }
  void take_angle(std::string& angle, Piece& piece) {
    const auto end = rest_.find('>');
    if (end == std::string_view::npos) {
      piece.fault = "a '<' is not closed";
      return;
    }
    angle = trim(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
  }

  std::string_view rest_;
};

class Parser {
 public:
  Parser(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  AliasesFile run() {
    std::string entry;
    std::uint32_t entry_line = 0;
    std::uint32_t number = 0;
    while (!text_.empty()) {
      const auto end = text_.find('\n');
      const auto line = text_.substr(0, end);
      text_.remove_prefix(end == std::string_view::npos ? text_.size() : end + 1);
      ++number;
      const auto content = trim(line);
      if (content.empty() || content.front() == '#') continue;
      if (is_wsp(line.front())) {
        if (entry_line == 0) {
          complain(number, "a continuation line has nothing before it");
        } else if (entry.size() + content.size() <= max_alias_line) {
          entry += " " + std::string(content);
        } else {
          complain(number, "the entry is too long");
        }
        continue;
      }
      finish(entry, entry_line);
      entry = content.substr(0, max_alias_line);
      entry_line = number;
    }
    finish(entry, entry_line);
    return std::move(out_);
  }

 private:
  void finish(const std::string& text, std::uint32_t line) {
    if (line == 0) return;
    Pieces pieces(text);
    const Piece name = pieces.next(":");
    if (name.fault) return complain(line, name.fault);
    if (name.separator != ':')
      return complain(line, fmt::format("no ':' behind the name: '{}'", printable(name.text, 200)));
    const auto local = name.text;
    if (local.empty() || local.contains('@') || local.size() > 256 || std::ranges::any_of(local, is_control)) {
      return complain(line, fmt::format("not a local name: '{}'", printable(local, 200)));
    }
    if (out_.entries.size() >= max_aliases) return complain(line, "too many aliases");
    Entry entry;
    entry.file = file_;
    entry.line = line;
    read_targets(pieces, entry);
    if (!entry.problem.empty()) complain(line, fmt::format("{}: {}", printable(local, 200), entry.problem));
    const auto [first, fresh] = out_.entries.emplace(to_lower(local), std::move(entry));
    if (!fresh)
      complain(line, fmt::format("duplicate alias '{}' (first on line {})", printable(local, 200), first->second.line));
  }

  static void read_targets(Pieces& pieces, Entry& entry) {
    for (char separator = ','; separator == ',';) {
      const Piece piece = pieces.next(",");
      separator = piece.separator;
      if (piece.fault) {
        entry.problem = piece.fault;
        return;
      }
      if (piece.text.empty() && !piece.quoted) continue;  // "a,,b" and a comma at the end are common
      if (const auto why = refuse_target(piece.text)) {
        entry.problem = *why;
        return;
      }
      if (entry.targets.size() >= max_alias_targets) {
        entry.problem = fmt::format("more than {} targets", max_alias_targets);
        return;
      }
      entry.targets.push_back(piece.text);
    }
    if (entry.targets.empty()) entry.problem = "has no target";
  }

  void complain(std::uint32_t line, std::string text) {
    if (out_.problems.size() < max_alias_problems) out_.problems.push_back({file_, line, std::move(text)});
  }

  std::string_view text_;
  std::string file_;
  AliasesFile out_;
};

}  // namespace

std::string Problem::what() const {
  return fmt::format("{}:{}: {}", file, line, text);
}

std::optional<std::string> refuse_target(const std::string& target) {
  const auto shown = printable(target, 200);
  if (target.starts_with('|')) return fmt::format("programs are not supported as targets: '{}'", shown);
  if (target.starts_with('/')) return fmt::format("files are not supported as targets: '{}'", shown);
  if (istarts_with(target, ":include:")) return fmt::format("includes are not supported as targets: '{}'", shown);
  const auto name = std::string_view(target).substr(target.starts_with('\\') ? 1 : 0);
  const auto [local, domain] = split_address(name);
  const bool empty = local.empty() || (name.contains('@') && domain.empty());
  const auto bad = [](char c) { return is_control(c) || c == '<' || c == '>'; };
  if (empty || std::ranges::any_of(name, bad) || name.size() > 320) return fmt::format("not an address: '{}'", shown);
  if (local.contains(' ')) return fmt::format("not an address (is a comma missing?): '{}'", shown);
  if (local.contains(':')) return fmt::format("not an address (is an entry indented?): '{}'", shown);
  const bool somewhere = domain.empty() || address::is_domain(domain) || address::is_address_literal(domain);
  if (local.contains('@') || !somewhere) return fmt::format("not an address: '{}'", shown);
  return std::nullopt;
}

AliasesFile parse_aliases(std::string_view text, const std::string& file) {
  return Parser(text, file).run();
}

}  // namespace facteur::route
