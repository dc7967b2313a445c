// Group commit of directory changes.
#include "common/store/shared_sync.h"

#include <map>
#include <utility>

namespace facteur::store {

Result<std::shared_ptr<SharedSync>> SharedSync::of(int fd, fs::Files& files) {
  static std::mutex mutex;
  static std::map<std::pair<dev_t, ino_t>, std::weak_ptr<SharedSync>> all;
  const auto status = files.status(fd);
  if (!status) return fail(status);
  const std::scoped_lock lock(mutex);
  std::erase_if(all, [](const auto& entry) { return entry.second.expired(); });
  auto& known = all[{status->st_dev, status->st_ino}];
  auto shared = known.lock();
  if (!shared) {
    shared = std::make_shared<SharedSync>();
    known = shared;
  }
  return shared;
}

Result<> SharedSync::sync(int fd, fs::Files& files) {
  std::unique_lock lock(mutex_);
  const auto batch = waiting_;
  changed_.wait(lock, [&] { return batch->result || !running_; });
  if (batch->result) return *batch->result;
  running_ = true;
  waiting_ = std::make_shared<Batch>();
  lock.unlock();
  auto result = files.sync(fd);
  lock.lock();
  running_ = false;
  batch->result = std::move(result);
  changed_.notify_all();
  return *batch->result;
}

}  // namespace facteur::store
