#include "common/log/log.h"

#include <cerrno>
#include <cstdint>
#include <mutex>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/strings.h"
#include "common/base/time.h"

namespace facteur::log {
namespace {

/// A record is at most PIPE_BUF octets long, so that a pipe takes it whole or not at all, and not mixed with others.
constexpr std::size_t max_line = 3840;
constexpr int facility_mail = 2 << 3;  // RFC 5424 section 6.2.1

struct Line {
  Level level;
  std::string time;  ///< with the space behind it, as the next
  std::string host;  ///< left out where the system's log adds it
  std::string text;
};

/// The one log of a process. Pool threads write too, hence the lock.
struct Log {
  std::mutex mutex;
  std::string host = "localhost";
  std::string program = "facteur";
  Fd descriptor;
  Framing framing = Framing::line;
  bool attached = false;
  bool broken = false;
  bool debug = false;
  std::function<void()> on_broken;
  std::deque<Line> ring;
  std::uint64_t lost = 0;

  bool put(const Line& line) {
    const int fd = attached ? descriptor.get() : STDERR_FILENO;
    if (framing == Framing::syslog) {
      const std::string record =
          fmt::format("<{}>{}{}", facility_mail | static_cast<int>(line.level), line.time, line.text);
      return ::send(fd, record.data(), record.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
    }
    // One write a line: so lines of several processes do not mix.
    const std::string record = line.time + line.host + line.text + "\n";
    for (;;) {
      const auto count = ::write(fd, record.data(), record.size());
      if (count == static_cast<ssize_t>(record.size())) return true;
      if (count >= 0 || errno != EINTR) return false;
    }
  }

  void keep(Line line) {
    if (ring.size() >= ring_lines) {
      ring.pop_front();
      ++lost;
    }
    ring.push_back(std::move(line));
  }

  [[nodiscard]] Line stamp(Level level, std::string_view text) const {
    const std::string_view shown = text.substr(0, max_line);
    return {level, syslog_time(wall_now()) + " ", host + " ",
            fmt::format("facteur/{}[{}]: {}", program, ::getpid(),
                        is_plain(shown) ? std::string(shown) : printable(shown, max_line))};
  }

  static bool is_plain(std::string_view text) {
    for (const char c : text) {
      if (is_control(c)) return false;
    }
    return is_utf8(text);
  }
};

Log& the_log() {
  static Log* log = new Log;  // never destroyed: lines are written until the last moment
  return *log;
}

}  // namespace

void identify(std::string host, std::string program) {
  Log& log = the_log();
  const std::lock_guard lock(log.mutex);
  log.host = host.substr(0, host.find('.'));
  log.program = std::move(program);
}

void attach(Fd descriptor, Framing framing) {
  Log& log = the_log();
  const std::lock_guard lock(log.mutex);
  log.descriptor = std::move(descriptor);
  log.framing = framing;
  log.attached = true;
  log.broken = false;
  if (log.lost > 0) {
    (void)log.put(log.stamp(Level::warning, fmt::format("warning: {} log lines were lost", log.lost)));
    log.lost = 0;
  }
  while (!log.ring.empty() && log.put(log.ring.front())) log.ring.pop_front();
}

void on_broken(std::function<void()> handler) {
  Log& log = the_log();
  const std::lock_guard lock(log.mutex);
  log.on_broken = std::move(handler);
}

void set_debug(bool on) {
  the_log().debug = on;
}

void write(Level level, std::string_view text) {
  Log& log = the_log();
  std::function<void()> tell;
  {
    const std::lock_guard lock(log.mutex);
    if (level == Level::debug && !log.debug) return;
    Line line = log.stamp(level, text);
    if (!log.broken && log.put(line)) return;
    log.keep(std::move(line));
    if (!log.broken) tell = log.on_broken;
    log.broken = true;
  }
  if (tell) tell();
}

}  // namespace facteur::log
