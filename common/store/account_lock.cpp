// The file facteur-uidvalidity: decimal numbers of one width, a line each, and the lock of the account. Lines are
// written in place: the first is the last UIDVALIDITY given, the others are those taken over from another server.
#include "common/store/account_lock.h"

#include <algorithm>
#include <fcntl.h>
#include <string>

#include "common/base/number.h"
#include "common/base/strings.h"
#include "common/base/time.h"

namespace facteur::store {
namespace {

constexpr const char* file_name = "facteur-uidvalidity";
constexpr Milliseconds lock_wait{5000};
constexpr std::size_t width = 10;
constexpr std::size_t line_width = width + 1;
constexpr std::size_t max_lines = 100'000;  ///< of the file
constexpr std::size_t max_foreign = max_lines - 1;
/// How far beyond a UIDVALIDITY of the future ours may lie, and the highest one that leaves room for that.
constexpr std::uint32_t foreign_gap = 1'000'000;
constexpr std::uint32_t highest_foreign = 0xffffffff - 2 * foreign_gap;

bool is_in(const std::vector<std::uint32_t>& numbers, std::uint32_t number) {
  return std::ranges::find(numbers, number) != numbers.end();
}

}  // namespace

Result<AccountLock> AccountLock::take(int directory, fs::Files& files) {
  auto fd = files.open(directory, file_name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (!fd) return fail(fd);
  auto lock = FileLock::take(fd->get(), lock_wait, file_name);
  if (!lock) return fail(lock);
  return AccountLock(*std::move(fd), *std::move(lock), files);
}

/// Bad numbers count as 0, so that each line keeps its place.
Result<AccountLock::Given> AccountLock::read() {
  const auto text = files_->read_at(fd_.get(), 0, max_lines * line_width);
  if (!text) return fail(text);
  Given out;
  for (std::size_t at = 0; at < text->size(); at += line_width) {
    const auto number = parse_number<std::uint32_t>(trim(std::string_view(*text).substr(at, line_width))).value_or(0);
    if (at == 0) {
      out.last = number;
    } else {
      out.foreign.push_back(number);
    }
  }
  return out;
}

/// Always the same width: one write, never longer than what was there.
Result<> AccountLock::write(std::uint32_t number, std::size_t line) {
  std::string text = std::to_string(number);
  text.insert(0, width - std::min(width, text.size()), '0');
  if (auto written = files_->write_at(fd_.get(), text + '\n', line * line_width); !written) return written;
  return files_->sync(fd_.get());
}

Result<std::uint32_t> AccountLock::next_uid_validity(std::uint32_t foreign) {
  const auto given = read();
  if (!given) return fail(given);
  for (const auto taken : given->foreign) foreign = std::max(foreign, taken);
  const auto seconds = std::chrono::duration_cast<Seconds>(wall_now().time_since_epoch()).count();
  auto next = std::max(static_cast<std::uint32_t>(seconds), given->last + 1);
  // A clock was wrong. Not simply one more: that would come again when this file was lost.
  if (next <= foreign && foreign < highest_foreign) {
    next = foreign + 1 + static_cast<std::uint32_t>(seconds) % foreign_gap;
  }
  if (auto written = write(next, 0); !written) return fail(written);
  return next;
}

Result<bool> AccountLock::take_over(std::uint32_t foreign) {
  const auto given = read();
  if (!given) return fail(given);
  if (given->foreign.size() >= max_foreign || foreign == given->last || is_in(given->foreign, foreign)) return false;
  if (auto added = add(*given, foreign); !added) return fail(added);
  return true;
}

Result<> AccountLock::write_down(std::uint32_t given_away) {
  const auto given = read();
  if (!given) return fail(given);
  if (is_in(given->foreign, given_away)) return {};
  if (given->foreign.size() >= max_foreign) {
    return fail(Kind::permanent, std::string(file_name) + " is full: no more mailboxes can be handed over");
  }
  return add(*given, given_away);
}

Result<> AccountLock::add(const Given& given, std::uint32_t foreign) {
  // Without a first line the second would be read as the first.
  if (given.last == 0) {
    if (auto written = write(0, 0); !written) return written;
  }
  return write(foreign, given.foreign.size() + 1);
}

}  // namespace facteur::store
