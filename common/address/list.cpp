#include "common/address/list.h"

#include <tuple>
#include <utility>

#include "common/address/grammar.h"
#include "common/address/tokens.h"

namespace facteur::address {
namespace {

/// An address as it is collected: local part, "@", domain.
class AddrSpec {
 public:
  void add(const Token& token) {
    if (token.is('@') && !has_at_) {
      has_at_ = true;
      after_word_ = false;
      return;
    }
    const bool word = token.type != Token::Type::special;
    auto& part = has_at_ ? domain_ : local_part_;
    // Two words without a dot between them are no address; a space keeps them apart.
    if (word && after_word_) {
      part += ' ';
      good_ = false;
    }
    if (!word && !token.is('.')) good_ = false;
    if (token.type == Token::Type::literal && !has_at_) good_ = false;
    quoted_ = quoted_ || token.type == Token::Type::quoted;
    good_ = good_ && !(has_at_ && token.type == Token::Type::quoted);
    part += token.text;
    after_word_ = word;
  }
  void fill(ListEntry& entry) && {
    entry.well_formed = good_ && has_at_ && (quoted_ || is_dot_string(local_part_)) &&
                        (is_domain(domain_) || is_address_literal(domain_));
    entry.local_part = std::move(local_part_);
    entry.domain = std::move(domain_);
  }

 private:
  std::string local_part_, domain_;
  bool has_at_ = false, after_word_ = false, quoted_ = false, good_ = true;
};

/// Words as a display name has them: as far apart as they were.
void add_to_phrase(std::string& phrase, const Token& token) {
  if (!phrase.empty() && token.spaced) phrase += ' ';
  phrase += token.text;
}

class Parser {
 public:
  Parser(std::string_view body, std::size_t most) : tokens_(body), most_(most) {}

  std::vector<ListEntry> parse() && {
    for (auto token = tokens_.next(); out_.size() < most_; token = tokens_.next()) {
      step(token);
      if (token.type == Token::Type::end) break;
    }
    if (in_group_) add_edge(ListEntry::Type::group_end, std::nullopt);
    return std::move(out_);
  }

 private:
  void step(const Token& token) {
    if (token.type == Token::Type::end || token.is(',') || token.is(';')) {
      end_entry();
      if (token.is(';')) end_group();
    } else if (token.is('<') && !angle_seen_) {
      angle_seen_ = true;
      read_angle_address();
    } else if (token.is(':') && !in_group_ && !angle_seen_) {
      begin_group();
    } else if (!angle_seen_) {
      empty_ = false;
      add_to_phrase(phrase_, token);
      bare_.add(token);
    }
  }

  /// "[@a,@b:]local@domain>", up to and including the ">". A comma outside the route ends it as well.
  void read_angle_address() {
    auto token = tokens_.next();
    bool route_ended = true;
    if (token.is('@')) {
      route_ended = false;
      for (; token.type != Token::Type::end && !token.is('>'); token = tokens_.next()) {
        if (token.is(':')) {
          route_ended = true;
          token = tokens_.next();
          break;
        }
        entry_.route += token.text;
      }
    }
    AddrSpec spec;
    while (token.type != Token::Type::end && !token.is('>') && !token.is(',')) {
      spec.add(token);
      token = tokens_.next();
    }
    std::move(spec).fill(entry_);
    entry_.well_formed = entry_.well_formed && route_ended && token.is('>');
    if (token.is(',')) end_entry();
  }

  void end_entry() {
    auto comment = tokens_.take_comment();
    if (angle_seen_) {
      if (!empty_) entry_.name = std::move(phrase_);
    } else if (!empty_) {
      std::move(bare_).fill(entry_);
    }
    if (!entry_.name && !comment.empty()) entry_.name = std::move(comment);
    if (angle_seen_ || !empty_) out_.push_back(std::move(entry_));
    start_entry();
  }

  void begin_group() {
    add_edge(ListEntry::Type::group_begin, std::move(phrase_));
    in_group_ = true;
    std::ignore = tokens_.take_comment();
    start_entry();
  }
  void add_edge(ListEntry::Type type, std::optional<std::string> name) {
    auto& edge = out_.emplace_back();
    edge.type = type;
    edge.name = std::move(name);
  }
  void end_group() {
    if (in_group_) add_edge(ListEntry::Type::group_end, std::nullopt);
    in_group_ = false;
  }
  void start_entry() {
    entry_ = {};
    phrase_.clear();
    bare_ = {};
    angle_seen_ = false;
    empty_ = true;
  }

  Tokens tokens_;
  std::size_t most_;
  std::vector<ListEntry> out_;
  ListEntry entry_;
  std::string phrase_;  ///< the words so far as a name …
  AddrSpec bare_;       ///< … and as an address
  bool angle_seen_ = false, in_group_ = false, empty_ = true;
};

}  // namespace

std::optional<Address> ListEntry::address() const {
  if (!well_formed) return std::nullopt;
  auto parsed = parse(Address{local_part, domain}.to_string());
  if (!parsed) return std::nullopt;
  return std::move(*parsed);
}

std::vector<ListEntry> parse_list(std::string_view body, std::size_t most) {
  return Parser(body, most).parse();
}

}  // namespace facteur::address
