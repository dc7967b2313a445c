#include "imapd/wire/format.h"

#include <algorithm>

#include "common/base/imap_string.h"
#include "common/base/modified_utf7.h"
#include "common/base/strings.h"
#include "imapd/wire/grammar.h"

namespace facteur::imapd {

void append_astring(std::string& out, std::string_view value) {
  const bool atom = !value.empty() && !iequals(value, "NIL") && std::all_of(value.begin(), value.end(), is_atom_char);
  if (atom) {
    out += value;
  } else {
    append_imap_string(out, value);
  }
}

void append_mailbox(std::string& out, std::string_view name) {
  append_astring(out, to_modified_utf7(name));
}

}  // namespace facteur::imapd
