// Reads the words of a command (RFC 3501 section 9). The first fault is kept; from then on everything reads as empty
// and nothing is taken, so that a command is read to its end without a look at each step, and judged once.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "imapd/wire/reply.h"
#include "imapd/wire/sequence_set.h"

namespace facteur::imapd {

class Parser {
 public:
  /// `text` as CommandReader gives it; `message` is the literal that was kept apart. Both must outlive the parser.
  explicit Parser(std::string_view text, std::string_view message = {}) : rest_(text), message_(message) {}

  /// True while nothing was wrong.
  explicit operator bool() const { return !fault_; }
  /// What to answer when something was.
  [[nodiscard]] Reply fault() const { return fault_.value_or(bad("Syntax error")); }
  /// Records a fault, unless there is one already.
  void fail(std::string text) { fail(bad(std::move(text))); }
  void fail(Reply reply);

  /// The next character, NUL at the end.
  [[nodiscard]] char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  /// Takes this character if it is next.
  [[nodiscard]] bool take(char c);
  /// Takes this word, in any case, if it is next and no letter or digit follows.
  [[nodiscard]] bool take_word(std::string_view word);
  /// The character must be next.
  void expect(char c);
  void space() { expect(' '); }
  /// The command must end here.
  void end();

  /// The longest run of characters of a class; empty is a fault, named by `what`.
  [[nodiscard]] std::string_view run(bool (*in_class)(char), std::string_view what);
  [[nodiscard]] std::string_view tag();
  [[nodiscard]] std::string_view atom(std::string_view what = "atom");
  [[nodiscard]] std::string string();
  /// string or NIL.
  [[nodiscard]] std::optional<std::string> nstring();
  [[nodiscard]] std::string astring();
  [[nodiscard]] std::uint32_t number();
  [[nodiscard]] SequenceSet sequence_set();
  /// A mailbox name in UTF-8; INBOX in upper case. A name that no mailbox can have is answered NO.
  [[nodiscard]] std::string mailbox();
  /// list-mailbox, in its wire form.
  [[nodiscard]] std::string list_mailbox();
  /// The literal that was kept apart.
  [[nodiscard]] std::string_view message_literal();
  /// "(" item *(SP item) ")", or "()" if `may_be_empty`.
  void list(bool may_be_empty, const std::function<void()>& item);

 private:
  std::string quoted();
  std::string literal();
  std::optional<std::uint32_t> literal_header();
  std::string string_or(bool (*in_class)(char), std::string_view what);

  std::string_view rest_;
  std::string_view message_;
  std::optional<Reply> fault_;
};

/// The tag to answer a command with: "*" where it has none that is legal.
[[nodiscard]] std::string tag_of(std::string_view command);

}  // namespace facteur::imapd
