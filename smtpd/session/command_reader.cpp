#include "smtpd/session/command_reader.h"

#include "smtpd/session/limits.h"

namespace facteur::smtpd {

CommandReader::Line CommandReader::discard() {
  const auto end = in_.view().find('\n');
  const auto count = end == std::string_view::npos ? in_.size() : end + 1;
  discarded_ += count;
  in_.consume(count);
  if (discarded_ > max_discarded) return {Outcome::flood};
  if (end != std::string_view::npos) discarding_ = false;
  return {};
}

CommandReader::Line CommandReader::next(std::size_t limit) {
  if (discarding_) {
    if (const auto line = discard(); discarding_ || line.outcome == Outcome::flood) return line;
  }
  const auto line = in_.next_line();
  if (!line) {
    // One octet more than the limit may be the CR of a line end.
    if (in_.size() <= limit + 1) return {};
    discarding_ = true;
    discarded_ = in_.size();
    in_.consume(in_.size());
    return {Outcome::too_long};
  }
  const bool bare = !line->ends_with('\r');
  const auto text = bare ? *line : line->substr(0, line->size() - 1);
  if (text.size() > limit) return {Outcome::too_long};
  return {Outcome::line, text, bare};
}

}  // namespace facteur::smtpd
