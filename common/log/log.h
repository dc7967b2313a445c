// The log: one line of printable octets an event, "Mon dd hh:mm:ss host facteur/smtpd[pid]: text" on every destination.
#pragma once

#include <deque>
#include <fmt/format.h>
#include <functional>
#include <string>
#include <string_view>

#include "common/base/fd.h"

namespace facteur::log {

enum class Level : unsigned char { error = 3, warning = 4, info = 6, debug = 7 };  // the severities of RFC 5424

/// How a line is framed for its destination: a file or stderr takes it with LF, the syslog and journal sockets
/// as "<PRI>" datagrams.
enum class Framing : unsigned char { line, syslog };

/// Who speaks: set once, at the start of a program. `host` is the setting `hostname` up to its first dot.
void identify(std::string host, std::string program);
/// Lines go to this descriptor from now on. Until the first call they go to stderr. What was kept in the ring while the
/// old descriptor was broken is written first.
void attach(Fd descriptor, Framing framing);
/// Tries once more to write what waits in the ring: before a process ends.
void flush();
/// Called at the first line that cannot be written, so that the program asks master for a new descriptor; and again
/// when that does not take all that waited. May be called on any thread.
void on_broken(std::function<void()> handler);
void set_debug(bool on);

/// Writes one line; octets that are not printable ASCII or well-formed UTF-8 are escaped, and it is cut at 1 KiB of any
/// one value by whoever formats it (printable()). Never blocks for long and never fails: lines that cannot be written
/// wait in a ring of `ring_lines`, the oldest lost first and counted.
void write(Level level, std::string_view text);
constexpr std::size_t ring_lines = 1024;

template <class... A>
void info(fmt::format_string<A...> format, A&&... arguments) {
  write(Level::info, fmt::format(format, std::forward<A>(arguments)...));
}
template <class... A>
void warning(fmt::format_string<A...> format, A&&... arguments) {
  write(Level::warning, "warning: " + fmt::format(format, std::forward<A>(arguments)...));
}
template <class... A>
void error(fmt::format_string<A...> format, A&&... arguments) {
  write(Level::error, "error: " + fmt::format(format, std::forward<A>(arguments)...));
}
template <class... A>
void debug(fmt::format_string<A...> format, A&&... arguments) {
  write(Level::debug, fmt::format(format, std::forward<A>(arguments)...));
}

}  // namespace facteur::log
