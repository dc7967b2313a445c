// The file facteur-uidvalidity: one decimal number, and the lock of the account.
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
/// How far beyond a UIDVALIDITY of the future ours may lie, and the highest one that leaves room for that.
constexpr std::uint32_t foreign_gap = 1'000'000;
constexpr std::uint32_t highest_foreign = 0xffffffff - 2 * foreign_gap;

}  // namespace

Result<AccountLock> AccountLock::take(int directory, fs::Files& files) {
  auto fd = files.open(directory, file_name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (!fd) return fail(fd);
  auto lock = FileLock::take(fd->get(), lock_wait, file_name);
  if (!lock) return fail(lock);
  return AccountLock(*std::move(fd), *std::move(lock), files);
}

Result<std::uint32_t> AccountLock::next_uid_validity(std::uint32_t foreign) {
  const auto text = files_->read_at(fd_.get(), 0, 64);
  if (!text) return fail(text);
  const auto last = parse_number<std::uint32_t>(trim(*text)).value_or(0);
  const auto seconds = std::chrono::duration_cast<Seconds>(wall_now().time_since_epoch()).count();
  auto next = std::max(static_cast<std::uint32_t>(seconds), last + 1);
  // A clock was wrong. Not simply one more: that would come again when this file was lost.
  if (next <= foreign && foreign < highest_foreign) {
    next = foreign + 1 + static_cast<std::uint32_t>(seconds) % foreign_gap;
  }
  // Always the same width: one write of one block, never longer than what was there.
  std::string line = std::to_string(next);
  line.insert(0, width - std::min(width, line.size()), '0');
  if (auto written = files_->write_at(fd_.get(), line + '\n', 0); !written) return fail(written);
  if (auto synced = files_->sync(fd_.get()); !synced) return fail(synced);
  return next;
}

}  // namespace facteur::store
