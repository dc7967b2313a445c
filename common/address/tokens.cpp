#include "common/address/tokens.h"

#include <algorithm>
#include <utility>

#include "common/base/strings.h"

namespace facteur::address {
namespace {

constexpr std::string_view white_space = " \t\r\n";
constexpr std::string_view specials = ".,:;<>@)]";
constexpr std::string_view ends_of_word = ".,:;<>@)]([\" \t\r\n";

/// Line breaks of folding are not part of what a quoted string or comment says (RFC 5322 section 3.2.2).
bool is_fold(char c) {
  return c == '\r' || c == '\n';
}

}  // namespace

Token Tokens::next() {
  Token token;
  token.spaced = skip_space_and_comments();
  if (rest_.empty()) return token;
  if (rest_[0] == '"') {
    token.type = Token::Type::quoted;
    token.text = read_quoted();
  } else if (rest_[0] == '[') {
    token.type = Token::Type::literal;
    token.text = read_literal();
  } else {
    const bool special = specials.contains(rest_[0]);
    const auto size = special ? 1 : std::min(rest_.find_first_of(ends_of_word), rest_.size());
    token.type = special ? Token::Type::special : Token::Type::word;
    token.text = rest_.substr(0, size);
    rest_.remove_prefix(size);
  }
  return token;
}

std::string Tokens::take_comment() {
  return std::exchange(comment_, {});
}

bool Tokens::skip_space_and_comments() {
  const auto before = rest_.size();
  while (!rest_.empty()) {
    if (rest_[0] == '(') {
      read_comment();
    } else if (white_space.contains(rest_[0])) {
      rest_.remove_prefix(1);
    } else {
      break;
    }
  }
  return rest_.size() < before;
}

void Tokens::read_comment() {
  comment_.clear();
  std::size_t depth = 0, at = 0;
  for (; at < rest_.size(); ++at) {
    const char c = rest_[at];
    if (c == '(' && depth++ == 0) continue;
    if (c == ')' && --depth == 0) break;
    if (c == '\\' && at + 1 < rest_.size()) ++at;
    if (!is_fold(rest_[at])) comment_ += rest_[at];
  }
  rest_.remove_prefix(std::min(at + 1, rest_.size()));
  comment_ = trim(comment_);
}

std::string Tokens::read_quoted() {
  std::string out;
  std::size_t at = 1;
  for (; at < rest_.size() && rest_[at] != '"'; ++at) {
    if (rest_[at] == '\\' && at + 1 < rest_.size()) ++at;
    if (!is_fold(rest_[at])) out += rest_[at];
  }
  rest_.remove_prefix(std::min(at + 1, rest_.size()));
  return out;
}

std::string Tokens::read_literal() {
  std::string out;
  std::size_t at = 0;
  for (; at < rest_.size() && rest_[at] != ']'; ++at) {
    if (!white_space.contains(rest_[at])) out += rest_[at];
  }
  if (at < rest_.size()) out += ']';
  rest_.remove_prefix(std::min(at + 1, rest_.size()));
  return out;
}

}  // namespace facteur::address
