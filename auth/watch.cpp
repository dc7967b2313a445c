#include "auth/watch.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <sys/inotify.h>
#include <unistd.h>

namespace facteur::auth {

namespace {

/// A file that is being written is looked at when its writer closes it.
constexpr std::uint32_t events = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | IN_ONLYDIR;

}  // namespace

Watch::Watch(loop::Loop& loop, std::function<void()> changed) : changed_(std::move(changed)), poll_(loop) {
}

std::vector<std::string> Watch::set(const std::vector<std::string>& files) {
  poll_.stop();
  inotify_.reset(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  names_.clear();
  if (!inotify_) return {"inotify: " + fail_errno("inotify_init1", errno).error().text};
  std::vector<std::string> problems;
  for (const auto& file : files) {
    const auto slash = file.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : file.substr(0, slash + 1);
    const int watch = inotify_add_watch(inotify_.get(), folder.c_str(), events);
    if (watch < 0) {
      problems.push_back(fail_errno("changes of " + file + " are not seen: watch " + folder, errno).error().text);
    } else {
      names_[watch].insert(file.substr(slash + 1));
    }
  }
  poll_.watch(inotify_.get(), true, false, [this](bool, bool) { look(); });
  return problems;
}

void Watch::look() {
  if (!inotify_) return;
  alignas(inotify_event) std::array<char, 16384> octets;
  bool ours = false;
  for (;;) {
    const auto size = read(inotify_.get(), octets.data(), octets.size());
    if (size <= 0) break;
    for (std::size_t at = 0; at + sizeof(inotify_event) <= static_cast<std::size_t>(size);) {
      inotify_event event{};
      std::memcpy(&event, octets.data() + at, sizeof event);
      const char* name = octets.data() + at + sizeof event;
      const auto names = names_.find(event.wd);
      const bool known = names != names_.end() && event.len > 0 && names->second.contains(name);
      ours = ours || known || (event.mask & IN_Q_OVERFLOW);
      at += sizeof event + event.len;
    }
  }
  if (ours) changed_();
}

}  // namespace facteur::auth
