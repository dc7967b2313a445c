#include "imapd/wire/command_reader.h"

#include <algorithm>
#include <utility>

#include "common/base/number.h"
#include "common/base/strings.h"

namespace facteur::imapd {

namespace {

const Reply too_long = bad("Command too long");
const Reply literal_too_big{Status::bad, "TOOBIG", "Literal too big"};

/// Whether the line ends inside a quoted string. Backslashes count only inside one (RFC 3501 section 9: quoted).
bool ends_quoted(std::string_view line) {
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') quoted = !quoted;
    if (quoted && line[i] == '\\') ++i;
  }
  return quoted;
}

/// literal = "{" number "}": 32 bits, no sign, no space, no needless zero.
std::optional<std::uint64_t> literal_size(std::string_view digits) {
  if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
  return parse_number<std::uint32_t>(digits);
}

}  // namespace

bool Command::has_nul() const {
  return text.find('\0') != std::string::npos || message.find('\0') != std::string::npos;
}

Announcement announcement(std::string_view line) {
  const auto open = line.rfind('{');
  if (open == std::string_view::npos || !line.ends_with('}') || ends_quoted(line)) return {};
  auto digits = line.substr(open + 1, line.size() - open - 2);
  const bool waits = !digits.ends_with('+');
  if (!waits) digits.remove_suffix(1);
  return {true, literal_size(digits), waits};
}

CommandReader::Event CommandReader::next() {
  while (true) {
    if (state_ == State::literal && !take_literal()) return More{};
    if (state_ == State::dropping && left_ > 0 && !drop()) return More{};
    const auto octets = in_.next_line();
    const auto size = octets ? octets->size() : in_.size();
    if (size > limits_.line || command_.text.size() + size > limits_.command) return Overflow{too_long};
    if (!octets) return More{};
    auto event = state_ == State::line ? line(*octets) : dropped_line(*octets);
    if (event) return std::move(*event);
  }
}

/// Adds a line to the command. Nothing if a literal follows that the client sends unasked.
std::optional<CommandReader::Event> CommandReader::line(std::string_view octets) {
  const bool bare = !octets.ends_with('\r');
  if (!bare) octets.remove_suffix(1);
  command_.bare_lf = command_.bare_lf || bare;
  command_.text += octets;
  const auto literal = bare ? Announcement{} : announcement(octets);
  if (!literal.present) return Event(std::exchange(command_, {}));
  if (!literal.size) return refuse(bad("Malformed literal"), 0, true);
  return announced(*literal.size, literal.waits);
}

std::optional<CommandReader::Event> CommandReader::announced(std::uint64_t size, bool waits) {
  auto plan = plan_(command_.text);
  const auto most = plan.apart ? plan.limit : std::min<std::uint64_t>(plan.limit, limits_.literal);
  if (plan.refusal) return refuse(std::move(*plan.refusal), size, waits);
  if (size > most) {
    if (plan.apart) return refuse(no("Message too big", "TOOBIG"), size, waits);
    return refuse(literal_too_big, size, waits);
  }
  if (!plan.apart && command_.text.size() + size > limits_.command) return Event(Overflow{too_long});
  command_.text += "\r\n";
  apart_ = plan.apart;
  left_ = size;
  state_ = State::literal;
  return waits ? std::optional<Event>(Continue{}) : std::nullopt;
}

/// A client that waits for "+" sends nothing more of the command; one that does not has sent the literal already.
CommandReader::Event CommandReader::refuse(Reply reply, std::uint64_t size, bool waits) {
  auto text = std::exchange(command_, {}).text;
  dropped_ = size;
  if (!waits && size > max_dropped_literal) return Overflow{{Status::bad, "TOOBIG", "Literal too big"}};
  state_ = waits ? State::line : State::dropping;
  left_ = waits ? 0 : size;
  return Refused{std::move(text), std::move(reply)};
}

/// True when the literal is whole.
bool CommandReader::take_literal() {
  const auto octets = in_.view().substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, in_.size())));
  (apart_ ? command_.message : command_.text) += octets;
  left_ -= octets.size();
  in_.consume(octets.size());
  if (left_ > 0) return false;
  state_ = State::line;
  return true;
}

/// True when the unwanted literal has passed.
bool CommandReader::drop() {
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, in_.size()));
  in_.consume(count);
  left_ -= count;
  return left_ == 0;
}

/// A line behind an unwanted literal. It may announce another one; all that is dropped of one command is bounded.
std::optional<CommandReader::Event> CommandReader::dropped_line(std::string_view octets) {
  if (octets.ends_with('\r')) octets.remove_suffix(1);
  const auto literal = announcement(octets);
  if (!literal.present || !literal.size || literal.waits) {
    state_ = State::line;
    return std::nullopt;
  }
  dropped_ += octets.size() + *literal.size;
  if (dropped_ > max_dropped_literal) return Overflow{literal_too_big};
  left_ = *literal.size;
  return std::nullopt;
}

std::variant<CommandReader::More, std::string, CommandReader::Overflow> CommandReader::next_line(std::size_t most) {
  const auto octets = in_.next_line();
  if ((octets ? octets->size() : in_.size()) > most) return Overflow{bad("Line too long")};
  if (!octets) return More{};
  return std::string(octets->ends_with('\r') ? octets->substr(0, octets->size() - 1) : *octets);
}

void CommandReader::clear() {
  in_.release();
  command_ = {};
  state_ = State::line;
  left_ = 0;
}

}  // namespace facteur::imapd
