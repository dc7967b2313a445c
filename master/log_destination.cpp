#include "master/log_destination.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/fs/files.h"

namespace facteur::master {
namespace {

constexpr std::size_t piece = 64 << 10;
constexpr int pieces_at_once = 16;         // then others have their turn on the loop
constexpr int pipe_octets = 1 << 20;       // what may wait while master does something else
constexpr Milliseconds retry_pause{1000};  // when it cannot be written: the disk is full
constexpr Seconds look_interval{1};        // whether the file was rotated

Result<Fd> connect_datagram(const std::string& path) {
  Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), std::min(path.size() + 1, sizeof address.sun_path));
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) {
    return fail_errno("connect to the log at " + path, errno);
  }
  return socket;
}

Result<Fd> open_stderr() {
  // An opening of its own, which does not wait for whoever reads a terminal or a pipe.
  Fd copy(::open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  if (!copy) copy.reset(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));  // a socket, or a terminal of another user
  if (!copy) return fail_errno("use stderr as the log", errno);
  return copy;
}

bool is_socket(const std::string& setting) {
  return setting == "syslog" || setting == "journal";
}

Result<Fd> open_setting(const std::string& setting) {
  if (setting == "syslog") return connect_datagram("/dev/log");
  if (setting == "journal") return connect_datagram("/run/systemd/journal/dev-log");
  if (setting == "stderr") return open_stderr();
  return fs::system_files().open(AT_FDCWD, setting, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0640);
}

}  // namespace

Result<> LogDestination::open(const std::string& setting) {
  auto opened = open_setting(setting);
  if (!opened) return fail(opened);
  if (!is_socket(setting) && !read_end_) {
    if (auto made = open_pipe(); !made) return made;
  }
  destination_ = *std::move(opened);
  framing_ = is_socket(setting) ? log::Framing::syslog : log::Framing::line;
  setting_ = setting;
  return {};
}

Result<> LogDestination::open_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) < 0) return fail_errno("pipe", errno);
  read_end_.reset(ends[0]);
  write_end_.reset(ends[1]);
  (void)::fcntl(ends[1], F_SETPIPE_SZ, pipe_octets);  // without the right to so much it stays smaller
  poll_.watch(ends[0], true, false, [this](bool, bool) {
    for (int i = 0; i < pieces_at_once && waiting_.empty() && read_some(); ++i) write_out();
  });
  return {};
}

void LogDestination::attach() {
  log::attach(destination_.duplicate(), framing_);
}

LogDestination::End LogDestination::make_end() const {
  if (framing_ == log::Framing::syslog) {
    // Connected by itself: who shuts it down shuts down his own.
    auto socket = open_setting(setting_);
    return {socket ? *std::move(socket) : Fd(), framing_};
  }
  // Opened anew, so that its flags are not those of the others' ends.
  const auto path = "/proc/self/fd/" + std::to_string(write_end_.get());
  return {Fd(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)), framing_};
}

bool LogDestination::read_some() {
  waiting_.resize(piece);
  const auto count = ::read(read_end_.get(), waiting_.data(), waiting_.size());
  waiting_.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return count > 0;
}

/// What cannot be written waits, and what comes behind it waits in the pipe, and then with the processes.
void LogDestination::write_out() {
  follow_rotation();
  while (!waiting_.empty()) {
    const auto count = ::write(destination_.get(), waiting_.data(), waiting_.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) break;
    waiting_.erase(0, static_cast<std::size_t>(count));
  }
  if (waiting_.empty()) return;
  poll_.change(false, false);
  retry_.start(retry_pause, [this] {
    write_out();
    if (!waiting_.empty()) return;
    poll_.change(true, false);
    attach();  // master's own lines may wait as well
  });
}

/// A file that has another name now, or none, is opened again by its name.
void LogDestination::follow_rotation() {
  const auto now = monotonic_now();
  if (framing_ != log::Framing::line || setting_ == "stderr" || now - last_look_ < look_interval) return;
  last_look_ = now;
  struct stat named{};
  struct stat open{};
  const bool there = ::stat(setting_.c_str(), &named) == 0;
  if (there && ::fstat(destination_.get(), &open) == 0 && named.st_ino == open.st_ino && named.st_dev == open.st_dev) {
    return;
  }
  if (this->open(setting_)) attach();
}

void LogDestination::drain() {
  write_out();
  while (waiting_.empty() && read_end_ && read_some()) write_out();
}

}  // namespace facteur::master
