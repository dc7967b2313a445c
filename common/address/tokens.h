// The lexical tokens of a structured header field (RFC 5322 section 3.2): one loop, comments counted and not recursed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace facteur::address {

/// Takes white space and comments from the front; true if there were any. `comment` becomes what the last of them said,
/// its parentheses removed. A comment that is not closed ends with the text.
bool skip_space_and_comments(std::string_view& text, std::string& comment);
/// Takes a quoted string from the front, whose first octet is its quote, and returns what it says. Unlike in SMTP, any
/// octet may stand in it; one that is not closed ends with the text.
[[nodiscard]] std::string take_quoted_text(std::string_view& text);

/// One token. Everything that is neither white space nor a comment belongs to exactly one.
struct Token {
  enum class Type : std::uint8_t {
    word,     ///< an atom, or any run of octets that mean nothing else
    quoted,   ///< a quoted string; `text` is what it says
    literal,  ///< a domain literal with its brackets
    special,  ///< one of . , : ; < > @ ) ]
    end,
  };
  Type type = Type::end;
  std::string text;
  bool spaced = false;  ///< white space or a comment stood before it
  [[nodiscard]] bool is(char c) const { return type == Type::special && text[0] == c; }
};

/// Reads tokens from a field body. Quotes, comments and literals that are not closed end with the text.
class Tokens {
 public:
  explicit Tokens(std::string_view body) : rest_(body) {}
  [[nodiscard]] Token next();
  /// What the last comment said, its parentheses removed; empty if there was none since the last call.
  [[nodiscard]] std::string take_comment();

 private:
  std::string read_literal();

  std::string_view rest_;
  std::string comment_;
};

}  // namespace facteur::address
