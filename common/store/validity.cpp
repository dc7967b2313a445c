// The file facteur-uidvalidity: one decimal number.
#include "common/store/validity.h"

#include <algorithm>
#include <fcntl.h>

#include "common/base/number.h"
#include "common/base/strings.h"
#include "common/base/time.h"
#include "common/store/file_lock.h"

namespace facteur::store {
namespace {

constexpr const char* file_name = "facteur-uidvalidity";
constexpr Milliseconds lock_wait{5000};
constexpr std::size_t width = 10;

}  // namespace

Result<std::uint32_t> next_uid_validity(int directory, fs::Files& files) {
  auto fd = files.open(directory, file_name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (!fd) return fail(fd);
  const auto lock = FileLock::take(fd->get(), lock_wait, file_name);
  if (!lock) return fail(lock);
  const auto text = files.read_at(fd->get(), 0, 64);
  if (!text) return fail(text);
  const auto last = parse_number<std::uint32_t>(trim(*text)).value_or(0);
  const auto seconds = std::chrono::duration_cast<Seconds>(wall_now().time_since_epoch()).count();
  const auto next = std::max(static_cast<std::uint32_t>(seconds), last + 1);
  // Always the same width: one write of one block, never longer than what was there.
  std::string line = std::to_string(next);
  line.insert(0, width - std::min(width, line.size()), '0');
  if (auto written = files.write_at(fd->get(), line + '\n', 0); !written) return fail(written);
  if (auto synced = files.sync(fd->get()); !synced) return fail(synced);
  return next;
}

}  // namespace facteur::store
