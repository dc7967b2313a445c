#include "imapd/wire/parser.h"

#include <algorithm>

#include "common/base/imap_string.h"
#include "common/base/modified_utf7.h"
#include "common/base/number.h"
#include "common/base/strings.h"
#include "imapd/wire/command_reader.h"
#include "imapd/wire/grammar.h"
#include "imapd/wire/limits.h"

namespace facteur::imapd {

namespace {
bool is_set_char(char c) {
  return is_digit(c) || c == '*' || c == ':' || c == ',';
}
bool is_number_char(char c) {
  return is_digit(c);
}
}  // namespace

std::string tag_of(std::string_view command) {
  Parser parser(command);
  const auto tag = parser.tag();
  return parser ? std::string(tag) : "*";
}

void Parser::fail(Reply reply) {
  if (fault_) return;
  fault_ = std::move(reply);
  rest_ = {};
}

bool Parser::take(char c) {
  if (peek() != c || rest_.empty()) return false;
  rest_.remove_prefix(1);
  return true;
}

bool Parser::take_word(std::string_view word) {
  if (!istarts_with(rest_, word)) return false;
  if (rest_.size() > word.size() && is_alnum(rest_[word.size()])) return false;
  rest_.remove_prefix(word.size());
  return true;
}

void Parser::expect(char c) {
  if (take(c)) return;
  fail(c == ' ' ? "Missing space" : std::string("Missing ") + c);
}

void Parser::end() {
  if (!rest_.empty()) fail("Unexpected text: " + std::string(rest_.substr(0, 40)));
}

std::string_view Parser::run(bool (*in_class)(char), std::string_view what) {
  const auto length = static_cast<std::size_t>(std::find_if_not(rest_.begin(), rest_.end(), in_class) - rest_.begin());
  const auto text = rest_.substr(0, length);
  rest_.remove_prefix(length);
  if (text.empty()) fail("Missing " + std::string(what));
  return text;
}

std::string_view Parser::tag() {
  const auto text = run(is_tag_char, "tag");
  if (text.size() > max_tag) fail("Tag too long");
  return fault_ ? std::string_view{} : text;
}

std::string_view Parser::atom(std::string_view what) {
  return run(is_atom_char, what);
}

std::string Parser::quoted() {
  std::string out;
  expect('"');
  while (!fault_ && !take('"')) {
    if (take('\\') && peek() != '"' && peek() != '\\') fail("Bad escape in a quoted string");
    if (!is_imap_text_char(peek())) fail("Malformed quoted string");
    if (fault_) return {};
    out += rest_.front();
    rest_.remove_prefix(1);
  }
  return out;
}

/// "{n}" CRLF; CommandReader has seen to it that n is good and the octets are there.
std::optional<std::uint32_t> Parser::literal_header() {
  const auto line = rest_.substr(0, rest_.find("\r\n"));
  const auto announced = announcement(line);
  if (!line.starts_with('{') || !announced.size || line.size() == rest_.size()) {
    fail("Malformed literal");
    return std::nullopt;
  }
  rest_.remove_prefix(line.size() + 2);
  return static_cast<std::uint32_t>(*announced.size);
}

std::string Parser::literal() {
  const auto size = literal_header();
  if (!size || *size > rest_.size()) {
    fail("Malformed literal");
    return {};
  }
  std::string out(rest_.substr(0, *size));
  rest_.remove_prefix(*size);
  return out;
}

std::string_view Parser::message_literal() {
  const auto size = literal_header();
  if (size && *size != message_.size()) fail("Malformed literal");
  return fault_ ? std::string_view{} : message_;
}

std::string Parser::string() {
  if (peek() == '"') return quoted();
  if (peek() == '{') return literal();
  fail("Missing string");
  return {};
}

std::optional<std::string> Parser::nstring() {
  if (take_word("NIL")) return std::nullopt;
  return string();
}

std::string Parser::string_or(bool (*in_class)(char), std::string_view what) {
  return peek() == '"' || peek() == '{' ? string() : std::string(run(in_class, what));
}

std::string Parser::astring() {
  return string_or(is_astring_char, "string");
}

std::uint32_t Parser::number() {
  const auto value = parse_number<std::uint32_t>(run(is_number_char, "number"));
  if (!value) fail("Number too large");
  return value.value_or(0);
}

SequenceSet Parser::sequence_set() {
  auto set = SequenceSet::parse(run(is_set_char, "sequence set"));
  if (!set) fail("Bad sequence set");
  return set.value_or(SequenceSet{});
}

std::string Parser::mailbox() {
  const auto wire = astring();
  if (fault_) return {};
  if (iequals(wire, "INBOX")) return "INBOX";
  auto name = from_modified_utf7(wire);
  if (!name) {
    fail(no("Mailbox name is not valid modified UTF-7", "CANNOT"));
    return {};
  }
  if (name->size() > max_mailbox_name) fail(no("Mailbox name too long", "CANNOT"));
  // INBOX in any case is one name, also as the parent of others (RFC 3501 section 5.1).
  if (istarts_with(*name, "INBOX/")) name->replace(0, 5, "INBOX");
  return fault_ ? std::string{} : *name;
}

std::string Parser::list_mailbox() {
  return string_or(is_list_char, "mailbox pattern");
}

void Parser::list(bool may_be_empty, const std::function<void()>& item) {
  expect('(');
  if (may_be_empty && take(')')) return;
  do {
    item();
  } while (take(' '));
  expect(')');
}

}  // namespace facteur::imapd
