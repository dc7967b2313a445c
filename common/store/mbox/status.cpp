// Status, X-Status, X-Keywords, X-IMAPbase; X-UID is hidden and not read.
#include "common/store/mbox/status.h"

#include <algorithm>
#include <array>

#include "common/base/number.h"
#include "common/base/strings.h"
#include "common/store/flags.h"

namespace facteur::store {
namespace {

constexpr std::size_t max_keyword_words = 256;

struct StatusLetter {
  std::string_view field;
  char letter;
  std::uint8_t flag;
};
constexpr std::array<StatusLetter, 5> letters{{{"Status", 'R', seen},
                                               {"X-Status", 'A', answered},
                                               {"X-Status", 'F', flagged},
                                               {"X-Status", 'D', deleted},
                                               {"X-Status", 'T', draft}}};
/// Fields that flags are written to, fields that are hidden besides, and fields that are only refused from outside.
constexpr std::array<std::string_view, 7> fields{"Status", "X-Status",   "X-Keywords",    "X-UID",
                                                 "X-IMAP", "X-IMAPbase", "Content-Length"};
constexpr std::size_t flag_fields = 3;
constexpr std::size_t hidden_fields = 6;

/// The name of the field that begins in this line.
std::string_view name_of(std::string_view line) {
  return trim(line.substr(0, line.find(':')));
}

bool is_one_of(std::string_view line, std::span<const std::string_view> names) {
  if (line.find(':') == std::string_view::npos || is_wsp(line.front())) return false;
  return std::ranges::any_of(names, [&](auto name) { return iequals(name_of(line), name); });
}

void read_letters(std::string_view name, std::string_view value, MboxStatus& status) {
  for (const auto& [field, letter, flag] : letters) {
    if (iequals(name, field) && value.find(letter) != std::string_view::npos) status.system_flags |= flag;
  }
}

void read_keywords(std::string_view value, MboxStatus& status) {
  for (const auto word : words(value, max_keyword_words)) {
    if (is_keyword(word) && status.keywords.size() < max_keywords) status.keywords.emplace_back(word);
  }
}

/// "1152643200 0000000042 keywords…": UIDVALIDITY, and the last UID given, which is not used (MboxCore::new_validity).
void read_base(std::string_view value, MboxStatus& status) {
  const auto numbers = words(value, max_keyword_words);
  if (numbers.size() < 2) return;
  status.uid_validity = parse_number<std::uint32_t>(numbers[0]).value_or(0);
}

/// Copies a header without the fields named; the empty line at its end is left off, and returned.
std::string_view copy_without(std::string_view header, std::span<const std::string_view> names, std::string& out) {
  bool dropping = false;
  while (!header.empty()) {
    const auto line = header.substr(0, std::min(header.find('\n'), header.size() - 1) + 1);
    if (trim(line).empty()) return header;
    if (!is_wsp(line.front())) dropping = is_one_of(line, names);
    if (!dropping) out += line;
    header.remove_prefix(line.size());
  }
  return {};
}

}  // namespace

bool is_status_field(std::string_view line) {
  return !line.empty() && is_one_of(line, std::span(fields).first(hidden_fields));
}

bool is_forgeable_field(std::string_view line) {
  return !line.empty() && is_one_of(line, fields);
}

void read_status_field(std::string_view line, MboxStatus& status) {
  const auto name = name_of(line);
  const auto value = trim(line.substr(std::min(line.find(':') + 1, line.size())));
  read_letters(name, value, status);
  if (iequals(name, "X-Keywords")) read_keywords(value, status);
  if (iequals(name, "X-IMAPbase") || iequals(name, "X-IMAP")) read_base(value, status);
  if (iequals(name, "X-IMAP")) status.internal = true;
}

std::string status_fields(std::uint8_t system_flags, const std::vector<std::string>& keywords) {
  std::string out;
  // O: not new to the mail reader; it goes with R.
  if ((system_flags & seen) != 0) out += "Status: RO\n";
  std::string x_status;
  for (const auto& [field, letter, flag] : letters) {
    if (field == "X-Status" && (system_flags & flag) != 0) x_status += letter;
  }
  if (!x_status.empty()) out += "X-Status: " + x_status + '\n';
  if (!keywords.empty()) out += "X-Keywords: " + join(keywords, " ") + '\n';
  return out;
}

std::string with_status(std::string_view header, std::uint8_t system_flags, const std::vector<std::string>& keywords) {
  std::string out;
  const auto end = copy_without(header, std::span(fields).first(flag_fields), out);
  if (!out.empty() && !out.ends_with('\n')) out += '\n';
  out += status_fields(system_flags, keywords);
  out += end;
  return out;
}

std::string without_forgeable(std::string_view header) {
  std::string out;
  const auto end = copy_without(header, fields, out);
  out += end;
  return out;
}

}  // namespace facteur::store
