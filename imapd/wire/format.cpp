#include "imapd/wire/format.h"

#include <algorithm>

#include "common/base/modified_utf7.h"
#include "common/base/strings.h"
#include "imapd/wire/grammar.h"

namespace facteur::imapd {

namespace {
/// Longer strings go as literals: some clients read a line into a small buffer.
constexpr std::size_t max_quoted = 1024;
}  // namespace

void append_string(std::string& out, std::string_view value) {
  if (value.size() > max_quoted || !std::all_of(value.begin(), value.end(), is_text_char)) {
    out.append("{").append(std::to_string(value.size())).append("}\r\n").append(value);
    return;
  }
  out += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

void append_astring(std::string& out, std::string_view value) {
  const bool atom = !value.empty() && !iequals(value, "NIL") && std::all_of(value.begin(), value.end(), is_atom_char);
  if (atom) {
    out += value;
  } else {
    append_string(out, value);
  }
}

void append_mailbox(std::string& out, std::string_view name) {
  append_astring(out, to_modified_utf7(name));
}

}  // namespace facteur::imapd
