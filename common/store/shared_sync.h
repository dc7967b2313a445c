// One sync of a directory for all that wait for one: a delivery that comes while a sync runs joins the next.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>

#include "common/fs/files.h"

namespace facteur::store {

/// The syncs of one directory in this process. For several threads.
class SharedSync {
 public:
  /// The one object of the directory that `fd` has open.
  [[nodiscard]] static Result<std::shared_ptr<SharedSync>> of(int fd, fs::Files& files);

  /// Returns when a sync that began after this call has ended. Every caller of one sync gets its result.
  [[nodiscard]] Result<> sync(int fd, fs::Files& files);

 private:
  struct Batch {
    std::optional<Result<>> result;
  };
  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<Batch> waiting_ = std::make_shared<Batch>();  ///< joined by who comes now
  bool running_ = false;
};

}  // namespace facteur::store
