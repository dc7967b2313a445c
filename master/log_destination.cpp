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
constexpr int pieces_at_once = 16;        // then others have their turn on the loop
constexpr int pipe_octets = 1 << 20;      // what may wait while master does something else
constexpr Milliseconds full_pause{1000};  // when it cannot be written: the disk is full
constexpr Milliseconds behind_pause{20};  // or whoever reads it is behind
constexpr Milliseconds own_pause{1000};   // when a line of ours could not be written
constexpr Seconds look_interval{1};       // whether the file was rotated

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

bool is_socket(const std::string& setting) {
  return setting == "syslog" || setting == "journal";
}

Result<Fd> open_socket(const std::string& setting) {
  return connect_datagram(setting == "syslog" ? "/dev/log" : "/run/systemd/journal/dev-log");
}

mode_t type_of(int descriptor) {
  struct stat status{};
  return ::fstat(descriptor, &status) == 0 ? status.st_mode & S_IFMT : 0;
}

}  // namespace

LogDestination::LogDestination(loop::Loop& loop) : poll_(loop), retry_(loop), own_retry_(loop) {
  // Told on this thread: master has no other.
  log::on_broken([this] { own_retry_.start(own_pause, [this] { attach(); }); });
}

LogDestination::~LogDestination() {
  log::on_broken({});
}

/// An opening of its own that does not wait: neither for whoever reads a terminal or a pipe, nor for a FIFO's reader.
Result<LogDestination::Lines> LogDestination::open_lines(const std::string& setting) {
  constexpr int flags = O_WRONLY | O_APPEND | O_NOCTTY | O_NONBLOCK;
  if (setting == "stderr") {
    Fd copy(::open("/proc/self/fd/2", flags | O_CLOEXEC));
    if (!copy) copy.reset(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));  // a socket, or a terminal of another user
    if (!copy) return fail_errno("use stderr as the log", errno);
    const bool is_a_socket = type_of(copy.get()) == S_IFSOCK;
    return Lines{"", std::move(copy), is_a_socket};
  }
  auto file = fs::system_files().open(AT_FDCWD, setting, flags | O_CREAT | O_NOFOLLOW, 0640);
  if (!file) return fail(file);
  const auto type = type_of(file->get());
  if (type != S_IFREG && type != S_IFCHR) return fail(Kind::permanent, "log: " + setting + " is no file");
  return Lines{setting, *std::move(file), false};
}

Result<> LogDestination::open(const std::string& setting) {
  if (is_socket(setting)) {
    auto socket = open_socket(setting);
    if (!socket) return fail(socket);
    socket_ = *std::move(socket);
  } else {
    auto lines = open_lines(setting);
    if (!lines) return fail(lines);
    if (!read_end_) {
      if (auto made = open_pipe(); !made) return made;
    }
    drain();  // what was said before goes where it was said to
    lines_ = *std::move(lines);
  }
  setting_ = setting;
  return {};
}

Result<> LogDestination::open_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) < 0) return fail_errno("pipe", errno);
  read_end_.reset(ends[0]);
  write_end_.reset(ends[1]);
  (void)::fcntl(ends[1], F_SETPIPE_SZ, pipe_octets);  // without the right to so much it stays smaller
  poll_.watch(ends[0], true, false, [this](bool, bool) { move(); });
  return {};
}

void LogDestination::attach() {
  if (setting_.empty()) return;
  if (is_socket(setting_)) {
    // Connected anew: whoever reads it may have been started again.
    if (auto socket = open_socket(setting_)) socket_ = *std::move(socket);
    return log::attach(socket_.duplicate(), log::Framing::syslog);
  }
  // A socket would have to be waited for.
  log::attach(lines_.is_socket ? make_end().descriptor : lines_.descriptor.duplicate(), log::Framing::line);
}

LogDestination::End LogDestination::make_end() const {
  if (is_socket(setting_)) {
    // Connected by itself: who shuts it down shuts down his own.
    auto socket = open_socket(setting_);
    return {socket ? *std::move(socket) : Fd(), log::Framing::syslog};
  }
  // Opened anew, so that its flags are not those of the others' ends.
  const auto path = "/proc/self/fd/" + std::to_string(write_end_.get());
  return {Fd(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)), log::Framing::line};
}

bool LogDestination::read_some() {
  const auto before = waiting_.size();
  waiting_.resize(before + piece);
  const auto count = ::read(read_end_.get(), waiting_.data() + before, piece);
  waiting_.resize(before + (count > 0 ? static_cast<std::size_t>(count) : 0));
  return count > 0;
}

void LogDestination::move() {
  for (int i = 0; i < pieces_at_once && !held_up_ && read_some(); ++i) write_out();
}

/// Writes whole lines, so that ours do not come between the halves of one. What cannot be written waits, and what comes
/// behind it waits in the pipe, and then with the processes.
void LogDestination::write_out() {
  follow_rotation();
  held_up_ = false;
  for (;;) {
    const auto lines = waiting_.size() < piece ? waiting_.rfind('\n') + 1 : waiting_.size();
    if (lines == 0) return;
    const auto count = lines_.is_socket
                           ? ::send(lines_.descriptor.get(), waiting_.data(), lines, MSG_DONTWAIT | MSG_NOSIGNAL)
                           : ::write(lines_.descriptor.get(), waiting_.data(), lines);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) break;
    waiting_.erase(0, static_cast<std::size_t>(count));
  }
  held_up_ = true;
  poll_.change(false, false);
  retry_.start(errno == EAGAIN ? behind_pause : full_pause, [this] { try_again(); });
}

void LogDestination::try_again() {
  write_out();
  if (held_up_) return;
  poll_.change(true, false);
}

/// A file that has another name now, or none, is opened again by its name.
void LogDestination::follow_rotation() {
  const auto now = monotonic_now();
  if (lines_.path.empty() || now - last_look_ < look_interval) return;
  last_look_ = now;
  struct stat named{};
  struct stat open{};
  const bool there = ::stat(lines_.path.c_str(), &named) == 0;
  if (there && ::fstat(lines_.descriptor.get(), &open) == 0 && named.st_ino == open.st_ino &&
      named.st_dev == open.st_dev) {
    return;
  }
  auto again = open_lines(lines_.path);
  if (!again) return;
  lines_ = *std::move(again);
  if (!is_socket(setting_)) attach();
}

void LogDestination::drain() {
  if (!read_end_ || !lines_.descriptor) return;
  write_out();
  while (!held_up_ && read_some()) write_out();
}

}  // namespace facteur::master
