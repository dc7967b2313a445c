#include "common/base/result.h"

#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace facteur {

std::unexpected<Error> fail(Kind kind, std::string text) {
  return std::unexpected(Error{kind, std::move(text), 0});
}

std::unexpected<Error> fail_errno(std::string_view what, int errno_value) {
  std::string text(what);
  text += ": ";
  text += std::generic_category().message(errno_value);
  return std::unexpected(Error{Kind::temporary, std::move(text), errno_value});
}

void abort_broken(std::string_view what, const char* file, int line) {
  std::fprintf(stderr, "facteur: broken invariant: %.*s (%s:%d)\n", static_cast<int>(what.size()), what.data(), file,
               line);
  std::abort();
}

}  // namespace facteur
