// The inotify instance of the process and its thread.
#include "common/store/watch.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <mutex>
#include <poll.h>
#include <set>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

#include "common/log/log.h"

namespace facteur::store {

/// Who wants to know of some folders. Under the Watcher's mutex.
struct WatchSink {
  explicit WatchSink(int woken) : event(woken) {}

  int event;                           ///< written to at every event; -1: nobody waits, the names are kept
  std::map<int, std::size_t> folders;  ///< by watch
  std::vector<NameChange> changes;
  bool lost = false;   ///< some changes are not in `changes`
  bool blind = false;  ///< a folder is not watched (any more)
};

namespace {

constexpr std::uint32_t name_events = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
constexpr std::uint32_t events = name_events | IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF;

class Watcher {
 public:
  static Watcher& instance() {
    static Watcher watcher;
    return watcher;
  }
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  bool add(WatchSink& sink, const std::string& path) {
    const std::scoped_lock lock(mutex_);
    const int watch = ::inotify_add_watch(inotify_.get(), path.c_str(), events);
    if (watch < 0) return false;
    sinks_[watch].insert(&sink);
    sink.folders.try_emplace(watch, sink.folders.size());
    return true;
  }

  void remove(WatchSink& sink) {
    const std::scoped_lock lock(mutex_);
    for (const auto& [watch, folder] : sink.folders) {
      sinks_[watch].erase(&sink);
      if (!sinks_[watch].empty()) continue;
      sinks_.erase(watch);
      (void)::inotify_rm_watch(inotify_.get(), watch);  // gone already if its folder is
    }
  }

  /// Reads what the kernel has for anybody, and gives what it had for this one.
  std::optional<std::vector<NameChange>> take(WatchSink& sink) {
    // The kernel keeps 16,384 events (fs.inotify.max_queued_events); a buffer holds 240 of the longest.
    constexpr int most_readings = 100;
    const std::scoped_lock lock(mutex_);
    int readings = 0;
    while (readings < most_readings && read_events()) ++readings;
    const bool all = !std::exchange(sink.lost, false) && !sink.blind && readings < most_readings;
    auto changes = std::exchange(sink.changes, {});
    if (!all) return std::nullopt;
    return changes;
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
      const std::scoped_lock lock(mutex_);
      (void)read_events();
    }
  }

  /// Under the mutex, so that what one thread reads is not overtaken by another. False if there was nothing.
  bool read_events() {
    alignas(inotify_event) std::array<char, 65536> buffer;
    // NOLINTNEXTLINE(clang-analyzer-unix.BlockInCriticalSection): the descriptor does not block.
    const auto count = ::read(inotify_.get(), buffer.data(), buffer.size());
    for (std::size_t at = 0; count > 0 && at < static_cast<std::size_t>(count);) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      tell(event, buffer.data() + at + sizeof event);
      at += sizeof event + event.len;
    }
    return count > 0;
  }

  void tell(const inotify_event& event, const char* name) {
    if ((event.mask & IN_Q_OVERFLOW) != 0) {
      for (const auto& [watch, waiting] : sinks_) {
        for (auto* sink : waiting) lose(*sink);
      }
      return;
    }
    const auto known = sinks_.find(event.wd);
    if (known == sinks_.end()) return;
    for (auto* sink : known->second) {
      if (sink->event >= 0) {
        wake(*sink);
      } else {
        keep(*sink, event, event.len > 0 ? name : "");
      }
    }
  }

  static void wake(const WatchSink& sink) {
    (void)::eventfd_write(sink.event, 1);  // a full counter is readable already
  }

  static void lose(WatchSink& sink) {
    sink.lost = true;
    sink.changes.clear();
    if (sink.event >= 0) wake(sink);
  }

  static void keep(WatchSink& sink, const inotify_event& event, const char* name) {
    if ((event.mask & (IN_IGNORED | IN_UNMOUNT | IN_DELETE_SELF | IN_MOVE_SELF)) != 0) sink.blind = true;
    if ((event.mask & name_events) == 0 || sink.lost) return;
    if (sink.changes.size() == NameWatch::most_changes) return lose(sink);
    sink.changes.push_back({sink.folders[event.wd], name, (event.mask & (IN_CREATE | IN_MOVED_TO)) != 0});
  }

  std::mutex mutex_;
  std::map<int, std::set<WatchSink*>> sinks_;  ///< by watch; a folder has one watch
  Fd inotify_;
  Fd stop_;
  std::thread thread_;
};

}  // namespace

Watch::Watch() = default;

Watch::Watch(const std::vector<std::string>& paths)
    : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), sink_(std::make_unique<WatchSink>(event_.get())) {
  for (const auto& path : paths) (void)add(path);
}

bool Watch::add(const std::string& path) {
  return event_ && Watcher::instance().add(*sink_, path);
}

Watch::~Watch() {
  if (event_) Watcher::instance().remove(*sink_);
}

void Watch::drain() {
  eventfd_t value = 0;
  (void)::eventfd_read(event_.get(), &value);  // nothing there is no error
}

NameWatch::NameWatch(const std::vector<std::string>& paths) : sink_(std::make_unique<WatchSink>(-1)) {
  sink_->blind =
      !std::ranges::all_of(paths, [this](const std::string& path) { return Watcher::instance().add(*sink_, path); });
}

NameWatch::~NameWatch() {
  Watcher::instance().remove(*sink_);
}

std::optional<std::vector<NameChange>> NameWatch::take() {
  return Watcher::instance().take(*sink_);
}

bool sees_every_change(int directory) {
  // linux/magic.h has not all of them: ext2 to ext4, XFS, btrfs, F2FS, ZFS, bcachefs, tmpfs.
  constexpr std::array<std::uint32_t, 7> local = {0xEF53,     0x58465342, 0x9123683E, 0xF2F52010,
                                                  0x2FC12FC1, 0xCA451A4E, 0x01021994};
  struct statfs about{};
  if (::fstatfs(directory, &about) != 0) return false;
  return std::ranges::find(local, static_cast<std::uint32_t>(about.f_type)) != local.end();
}

}  // namespace facteur::store
