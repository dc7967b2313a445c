// Dovecot's files.
//
//   dovecot-uidlist 3:  "3 V1275660208 N25022 G3085f01b…"  then  "25006 W1234 :1276528487.M364837P9451.host,S=1355:2,"
//   dovecot-uidlist 1:  "1 1275660208 25022"               then  "25006 1276528487.M364837P9451.host:2,"
#include "common/store/maildir/dovecot_import.h"

#include <algorithm>
#include <optional>
#include <set>

#include "common/base/number.h"
#include "common/base/strings.h"

namespace facteur::store {
namespace {

constexpr std::size_t guid_digits = 32;

std::string_view take_line(std::string_view& text) {
  const auto line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

std::optional<std::uint32_t> prefixed(std::string_view word, std::string_view prefix) {
  if (!word.starts_with(prefix)) return std::nullopt;
  return parse_number<std::uint32_t>(word.substr(prefix.size()));
}

bool is_guid(std::string_view field) {
  return field.size() == 1 + guid_digits && field.front() == 'G' &&
         field.find_first_not_of("0123456789abcdef", 1) == std::string_view::npos;
}

/// Version of the list; 0 if the line is no header.
int read_header(std::string_view line, DovecotUids& out) {
  const auto fields = words(line);
  if (fields.size() < 3) return 0;
  const bool is_3 = fields[0] == "3";
  if (!is_3 && fields[0] != "1") return 0;
  std::optional<std::uint32_t> validity;
  std::optional<std::uint32_t> next;
  for (const auto field : std::span(fields).subspan(1)) {
    if (!validity) {
      validity = prefixed(field, is_3 ? "V" : "");
      if (validity) continue;
    }
    if (!next) next = prefixed(field, is_3 ? "N" : "");
    if (is_3 && is_guid(field)) out.guid = field.substr(1);
  }
  if (!validity || !next || *validity == 0 || *next == 0) return 0;
  out.uid_validity = *validity;
  out.uid_next = *next;
  return is_3 ? 3 : 1;
}

/// The file name of a line: in version 3 behind " :", in version 1 behind the UID.
std::string_view name_in(std::string_view rest, int version) {
  if (version == 1) return rest;
  if (rest.starts_with(':')) return rest.substr(1);
  const auto at = rest.find(" :");
  return at == std::string_view::npos ? std::string_view() : rest.substr(at + 2);
}

}  // namespace

DovecotUids parse_dovecot_uidlist(std::string_view text) {
  DovecotUids out;
  const int version = read_header(take_line(text), out);
  if (version == 0) return {};
  std::set<std::string, std::less<>> known;
  while (!text.empty()) {
    const auto line = take_line(text);
    const auto space = line.find(' ');
    if (space == std::string_view::npos) break;
    const auto uid = parse_number<Uid>(line.substr(0, space));
    const auto name = name_in(line.substr(space + 1), version);
    const auto base = name.substr(0, name.find(':'));
    const bool ascends = out.bases.empty() || (uid && *uid > out.bases.rbegin()->first);
    if (!uid || *uid == 0 || base.empty() || !ascends || !known.emplace(base).second) break;
    out.bases.emplace(*uid, base);
  }
  if (!out.bases.empty()) out.uid_next = std::max(out.uid_next, out.bases.rbegin()->first + 1);
  return out;
}

std::vector<std::string> parse_dovecot_keywords(std::string_view text) {
  std::vector<std::string> out(keyword_letters);
  while (!text.empty()) {
    const auto line = take_line(text);
    const auto space = line.find(' ');
    if (space == std::string_view::npos) continue;
    const auto number = parse_number<std::size_t>(line.substr(0, space));
    if (number && *number < out.size()) out[*number] = line.substr(space + 1);
  }
  return out;
}

}  // namespace facteur::store
