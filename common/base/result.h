// How a function says that it failed: Result<T>, with an Error whose kind answers the caller's only question.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace facteur {

/// What the caller can do about an error.
enum class Kind : std::uint8_t {
  temporary,  ///< try again later (4xx)
  permanent,  ///< trying again will not help (5xx)
  protocol,   ///< the other side broke the rules of the protocol
  closed,     ///< the other side is gone
  timeout,    ///< the other side did not answer in time
  corrupt,    ///< what was read cannot have been written by us
};

/// Why something failed. `text` names the place and the object, as a log line wants it.
struct Error {
  Kind kind = Kind::temporary;
  std::string text;
  int errno_value = 0;  ///< errno of the system call that failed; 0 if none did
};

template <class T = void>
using Result = std::expected<T, Error>;

/// An Error ready to be returned from a function with a Result of any type.
[[nodiscard]] std::unexpected<Error> fail(Kind kind, std::string text);

/// The error of a system call: `what` (say "open /x"), the words of errno, its kind temporary.
[[nodiscard]] std::unexpected<Error> fail_errno(std::string_view what, int errno_value);

/// Hands on the error of a failed result of another type.
template <class T>
[[nodiscard]] std::unexpected<Error> fail(const Result<T>& failed) {
  return std::unexpected(failed.error());
}

[[noreturn]] void abort_broken(std::string_view what, const char* file, int line);

/// Aborts when an invariant of ours is broken: a process that is wrong about itself is restarted by master.
/// Prints `what` and the place to stderr first.
inline void check(bool holds, std::string_view what, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (!holds) [[unlikely]]
    abort_broken(what, file, line);
}

}  // namespace facteur
