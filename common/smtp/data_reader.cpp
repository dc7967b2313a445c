// DataReader. Good text is found with memchr and copied in one piece a call; the states matter only where a piece ends
// inside a line end or behind a dot.
#include <algorithm>
#include <cstring>

#include "common/base/result.h"
#include "common/smtp/dot_stuffing.h"

namespace facteur::smtp {
namespace {

std::size_t find(std::string_view octets, char c, std::size_t from) {
  return std::min(octets.find(c, from), octets.size());
}

bool has_8bit(std::string_view octets) {
  constexpr std::uint64_t high_bits = 0x8080808080808080;
  std::uint64_t all = 0;
  for (; octets.size() >= sizeof all; octets.remove_prefix(sizeof all)) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, octets.data(), sizeof eight);
    all |= eight;
  }
  for (const char c : octets) all |= static_cast<unsigned char>(c);
  return (all & high_bits) != 0;
}

}  // namespace

std::size_t DataReader::read(std::string_view octets, std::string& content) {
  std::size_t used = 0;
  while (used < octets.size() && !finished()) {
    const char next = octets[used];
    switch (state_) {
      case State::line_start:
        state_ = next == '.' ? State::dot : State::text;
        used += next == '.' ? 1 : 0;
        line_ += next == '.' ? 1 : 0;
        break;
      case State::dot:
        // The dot is not content, whatever follows it (RFC 5321 section 4.5.2).
        state_ = next == '\r' ? State::dot_cr : State::text;
        used += next == '\r' ? 1 : 0;
        break;
      case State::dot_cr:
      case State::cr: used += finish_cr(next, content) ? 1 : 0; break;
      case State::text: used += read_text(octets.substr(used), content); break;
      case State::finished: break;
    }
  }
  note_octets(octets.substr(0, used));
  return used;
}

/// The octet behind a CR. True if it was used.
bool DataReader::finish_cr(char next, std::string& content) {
  const bool dot_alone = state_ == State::dot_cr;
  if (next == '\n' && dot_alone) {
    state_ = State::finished;
    return true;
  }
  if (next == '\n') {
    content += "\r\n";
    end_line();
    return true;
  }
  put_bare_cr(content);
  state_ = State::text;
  return false;
}

/// Text up to the first place that needs thought: a dot behind CRLF, or a CR that is the last octet. What stands in the
/// content as on the wire is copied in one piece.
std::size_t DataReader::read_text(std::string_view octets, std::string& content) {
  std::size_t at = 0, copied = 0;
  const auto copy = [&](std::size_t end, std::size_t next) {
    content.append(octets, copied, end - copied);
    at = copied = next;
  };
  auto lf = find(octets, '\n', 0);
  while (at < octets.size()) {
    if (lf < at) lf = find(octets, '\n', at);
    const auto cr = at + find(octets.substr(at, lf - at), '\r', 0);
    line_ += cr - at;
    if (cr == octets.size()) {
      at = cr;
    } else if (cr == lf) {
      copy(lf, lf + 1);
      put_bare_lf(content);
    } else if (cr + 1 == octets.size()) {
      copy(cr, cr + 1);
      state_ = State::cr;
    } else if (cr + 1 < lf) {
      copy(cr, cr + 1);
      put_bare_cr(content);
    } else {
      at = lf + 1;
      end_line();
      if (at == octets.size() || octets[at] == '.') break;
      state_ = State::text;
    }
  }
  copy(at, at);
  return at;
}

void DataReader::put_bare_cr(std::string& content) {
  saw_bare_cr_ = true;
  ++line_;
  content += mode_ == BareNewline::no ? '\r' : ' ';
}

void DataReader::put_bare_lf(std::string& content) {
  saw_bare_lf_ = true;
  ++line_;
  content += mode_ == BareNewline::no ? "\n" : "\r\n";
}

void DataReader::end_line() {
  longest_line_ = std::max(longest_line_, line_);
  line_ = 0;
  state_ = State::line_start;
}

void DataReader::note_octets(std::string_view octets) {
  longest_line_ = std::max(longest_line_, line_);
  saw_nul_ = saw_nul_ || octets.contains('\0');
  saw_8bit_ = saw_8bit_ || has_8bit(octets);
}

}  // namespace facteur::smtp
