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

/// Takes a comment, whose first octet is its parenthesis: a counter, for comments may be nested.
std::string take_comment_text(std::string_view& text) {
  std::string out;
  std::size_t depth = 0, at = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '(' && depth++ == 0) continue;
    if (c == ')' && --depth == 0) break;
    if (c == '\\' && at + 1 < text.size()) ++at;
    if (!is_fold(text[at])) out += text[at];
  }
  text.remove_prefix(std::min(at + 1, text.size()));
  return std::string(trim(out));
}

}  // namespace

bool skip_space_and_comments(std::string_view& text, std::string& comment) {
  const auto before = text.size();
  while (!text.empty()) {
    if (text[0] == '(') {
      comment = take_comment_text(text);
    } else if (white_space.contains(text[0])) {
      text.remove_prefix(1);
    } else {
      break;
    }
  }
  return text.size() < before;
}

std::string take_quoted_text(std::string_view& text) {
  std::string out;
  std::size_t at = 1;
  for (; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\' && at + 1 < text.size()) ++at;
    if (!is_fold(text[at])) out += text[at];
  }
  text.remove_prefix(std::min(at + 1, text.size()));
  return out;
}

Token Tokens::next() {
  Token token;
  token.spaced = skip_space_and_comments(rest_, comment_);
  if (rest_.empty()) return token;
  if (rest_[0] == '"') {
    token.type = Token::Type::quoted;
    token.text = take_quoted_text(rest_);
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
