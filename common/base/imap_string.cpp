#include "common/base/imap_string.h"

#include <algorithm>

namespace facteur {

namespace {

/// Longer strings go as literals: some clients read a line into a small buffer.
constexpr std::size_t max_quoted = 1024;

}  // namespace

void append_imap_string(std::string& out, std::string_view value) {
  if (value.size() > max_quoted || !std::all_of(value.begin(), value.end(), is_imap_text_char)) {
    out.append("{").append(std::to_string(value.size())).append("}\r\n").append(value);
    return;
  }
  out += '"';
  // Most have nothing to be escaped: in pieces, not character by character.
  const auto is_escaped = [](char c) { return c == '"' || c == '\\'; };
  const char* from = value.begin();
  for (const char* at = std::find_if(from, value.end(), is_escaped); at != value.end();
       at = std::find_if(at + 1, value.end(), is_escaped)) {
    out.append(from, at).append(1, '\\');
    from = at;
  }
  out.append(from, value.end()).append(1, '"');
}

}  // namespace facteur
