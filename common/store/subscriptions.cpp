// Subscriptions (FORMAT.md).
#include "common/store/subscriptions.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <vector>

#include "common/base/modified_utf7.h"
#include "common/base/strings.h"
#include "common/store/account_lock.h"
#include "common/store/mailbox_name.h"
#include "common/store/small_file.h"

namespace facteur::store {
namespace {

constexpr const char* file_name = "subscriptions";
constexpr std::string_view version_2 = "V\t2\n\n";

/// Dovecot's escapes inside a field: \001 and a letter.
constexpr std::string_view escaped{"\001\t\r\n\0", 5};
constexpr std::string_view letters = "1trn0";

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto letter = text[i] == '\001' && i + 1 < text.size() ? letters.find(text[i + 1]) : std::string_view::npos;
    if (letter != std::string_view::npos) ++i;
    out += letter != std::string_view::npos ? escaped[letter] : text[i];
  }
  return out;
}

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto letter = escaped.find(c);
    if (letter != std::string_view::npos) out += {'\001', letters[letter]};
    if (letter == std::string_view::npos) out += c;
  }
  return out;
}

/// A name from its levels, each in modified UTF-7 if it is that.
std::string joined(const std::vector<std::string_view>& levels, bool escapes) {
  std::string out;
  for (const auto level : levels) {
    const auto plain = escapes ? unescape(level) : std::string(level);
    out += from_modified_utf7(plain).value_or(plain) + '/';
  }
  out.pop_back();
  return out;
}

}  // namespace

std::set<std::string> parse_subscriptions(std::string_view text) {
  const bool is_2 = text.starts_with(version_2);
  if (is_2) text.remove_prefix(version_2.size());
  std::set<std::string> names;
  for (const auto line : split(text, '\n')) {
    // Version 1 has the separator of Maildir++ between levels.
    const char separator = is_2 ? '\t' : line.find('/') == std::string_view::npos ? '.' : '/';
    if (auto name = canonical_name(joined(split(line, separator), is_2))) names.insert(*std::move(name));
  }
  return names;
}

std::string format_subscriptions(const std::set<std::string>& names) {
  std::string out(version_2);
  for (const auto& name : names) {
    std::vector<std::string> parts;
    for (const auto level : split(name, '/')) parts.push_back(escape(to_modified_utf7(level)));
    out += join(parts, "\t") + '\n';
  }
  return out;
}

Result<std::set<std::string>> read_subscriptions(int directory, fs::Files& files) {
  const auto fd = files.open(directory, file_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!fd && fd.error().errno_value == ENOENT) return std::set<std::string>();
  if (!fd) return fail(fd);
  const auto status = files.status(fd->get());
  if (!status) return fail(status);
  const auto size = static_cast<std::uint64_t>(status->st_size);
  if (size > max_subscriptions_file) return fail(Kind::corrupt, "the file of subscriptions is too large");
  const auto text = files.read_at(fd->get(), 0, static_cast<std::size_t>(size));
  if (!text) return fail(text);
  return parse_subscriptions(*text);
}

Result<> write_subscriptions(int directory, const std::set<std::string>& names, fs::Files& files) {
  const auto text = format_subscriptions(names);
  if (text.size() > max_subscriptions_file) return fail(Kind::permanent, "too many subscriptions");
  return replace_small_file(directory, file_name, text, files);
}

Result<> change_subscription(int directory, std::string_view name, bool on, fs::Files& files) {
  auto canonical = canonical_name(name);
  if (!canonical) return fail(canonical);
  const auto lock = AccountLock::take(directory, files);
  if (!lock) return fail(lock);
  auto names = read_subscriptions(directory, files);
  if (!names) return fail(names);
  const bool changed = on ? names->insert(*std::move(canonical)).second : names->erase(*canonical) > 0;
  if (!changed) return {};
  return write_subscriptions(directory, *names, files);
}

}  // namespace facteur::store
