// The inotify instance of the process and its thread.
#include "common/store/watch.h"

#include <array>
#include <cstring>
#include <map>
#include <mutex>
#include <poll.h>
#include <set>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <system_error>
#include <thread>
#include <unistd.h>

#include "common/log/log.h"

namespace facteur::store {
namespace {

constexpr std::uint32_t events =
    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF;

class Watcher {
 public:
  static Watcher& instance() {
    static Watcher watcher;
    return watcher;
  }
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  bool add(int event, const std::string& path) {
    const std::scoped_lock lock(mutex_);
    const int watch = ::inotify_add_watch(inotify_.get(), path.c_str(), events);
    if (watch < 0) return false;
    listeners_[watch].insert(event);
    watches_[event].insert(watch);
    return true;
  }

  void remove(int event) {
    const std::scoped_lock lock(mutex_);
    for (const int watch : watches_[event]) {
      listeners_[watch].erase(event);
      if (!listeners_[watch].empty()) continue;
      listeners_.erase(watch);
      (void)::inotify_rm_watch(inotify_.get(), watch);  // gone already if its folder is
    }
    watches_.erase(event);
  }

 private:
  Watcher() : inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)), stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!inotify_ || !stop_) return;
    try {
      thread_ = std::thread([this] { run(); });
    } catch (const std::system_error& error) {
      log::warning("no thread to watch mailboxes with: {}", error.what());
    }
  }
  ~Watcher() {
    if (!thread_.joinable()) return;
    (void)::eventfd_write(stop_.get(), 1);
    thread_.join();
  }

  void run() {
    std::array<pollfd, 2> waited{{{inotify_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
    for (;;) {
      (void)::poll(waited.data(), waited.size(), -1);
      if (waited[1].revents != 0) return;
      read_events();
    }
  }

  void read_events() {
    alignas(inotify_event) std::array<char, 65536> buffer;
    const auto count = ::read(inotify_.get(), buffer.data(), buffer.size());
    const std::scoped_lock lock(mutex_);
    for (std::size_t at = 0; count > 0 && at < static_cast<std::size_t>(count);) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      at += sizeof event + event.len;
      if ((event.mask & IN_Q_OVERFLOW) != 0) wake_all();
      if (const auto known = listeners_.find(event.wd); known != listeners_.end()) wake(known->second);
    }
  }

  void wake_all() {
    for (const auto& [watch, waiting] : listeners_) wake(waiting);
  }

  static void wake(const std::set<int>& waiting) {
    for (const int listener : waiting) (void)::eventfd_write(listener, 1);  // a full counter is readable already
  }

  std::mutex mutex_;
  std::map<int, std::set<int>> listeners_;  ///< event descriptors by watch; a folder has one watch
  std::map<int, std::set<int>> watches_;    ///< watches by event descriptor
  Fd inotify_;
  Fd stop_;
  std::thread thread_;
};

}  // namespace

Watch::Watch(const std::vector<std::string>& paths) : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  for (const auto& path : paths) (void)add(path);
}

bool Watch::add(const std::string& path) {
  return event_ && Watcher::instance().add(event_.get(), path);
}

Watch::~Watch() {
  if (event_) Watcher::instance().remove(event_.get());
}

void Watch::drain() {
  eventfd_t value = 0;
  (void)::eventfd_read(event_.get(), &value);  // nothing there is no error
}

}  // namespace facteur::store
