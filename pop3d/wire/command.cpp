#include "pop3d/wire/command.h"

#include <algorithm>

#include "common/base/strings.h"

namespace facteur::pop3d {

std::optional<CommandLine> parse_command(std::string_view line) {
  if (std::ranges::any_of(line, [](char c) { return is_control(c) && c != '\t'; })) return std::nullopt;
  const auto space = line.find(' ');
  CommandLine command{line.substr(0, space), {}};
  if (command.verb.empty()) return std::nullopt;
  if (space != std::string_view::npos) command.arguments = line.substr(space + 1);
  return command;
}

LineReader::State LineReader::next(std::size_t most, std::string_view& line) {
  const auto found = buffer_.next_line();
  if (!found) return buffer_.size() >= most ? State::too_long : State::incomplete;
  if (found->size() + 1 > most) return State::too_long;
  line = *found;
  if (line.ends_with('\r')) line.remove_suffix(1);
  return State::line;
}

}  // namespace facteur::pop3d
