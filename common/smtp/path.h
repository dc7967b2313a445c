// The arguments of MAIL and RCPT: a path, and the parameters of extensions behind it (RFC 5321 section 4.1.2).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/address/address.h"
#include "common/base/result.h"

namespace facteur::smtp {

/// RFC 5321 section 4.5.3.1.3, with the angle brackets.
constexpr std::size_t max_path = 256;
/// Parameters of one command; the extensions that exist define eleven.
constexpr std::size_t max_parameters = 32;

/// A reverse-path or forward-path. A source route is read and forgotten (RFC 5321 appendix C).
struct Path {
  address::Address address;
  /// The null reverse-path "<>".
  [[nodiscard]] bool null() const { return address.empty(); }
  /// Holds octets that only SMTPUTF8 allows (RFC 6531); they are well-formed UTF-8.
  [[nodiscard]] bool needs_smtputf8() const;
  /// What stands between the angle brackets: "user@domain", empty for the null path.
  [[nodiscard]] std::string to_string() const { return address.to_string(); }
  friend bool operator==(const Path&, const Path&) = default;
};

/// A parameter of MAIL or RCPT.
struct Parameter {
  std::string keyword;               ///< in upper case
  std::optional<std::string> value;  ///< as written: xtext is still encoded
  friend bool operator==(const Parameter&, const Parameter&) = default;
};

struct PathAndParameters {
  Path path;
  std::vector<Parameter> parameters;  ///< no keyword twice
};

/// The arguments of MAIL: "FROM:<path> [parameters]". Spaces behind the colon and a missing pair of angle brackets are
/// taken, as every server does. Kind::permanent with the reason if it is none: answer 501. A path with a local part
/// but no domain is taken; who serves the command decides.
[[nodiscard]] Result<PathAndParameters> parse_mail(std::string_view arguments);
/// The arguments of RCPT: "TO:<path> [parameters]". The path is not null; `postmaster` needs no domain
/// (RFC 5321 section 4.1.1.3), other names without one are Kind::permanent.
[[nodiscard]] Result<PathAndParameters> parse_rcpt(std::string_view arguments);
/// A path alone, angle brackets wanted: "<user@domain>", "<@a,@b:user@domain>", "<>".
[[nodiscard]] Result<Path> parse_path(std::string_view text);
/// Parameters alone, spaces between them.
[[nodiscard]] Result<std::vector<Parameter>> parse_parameters(std::string_view text);

/// Text hidden in a parameter's value (RFC 3461 section 4). Decoding gives nothing for a malformed value and for one
/// that hides anything but printable ASCII: no line break or NUL comes in this way.
[[nodiscard]] std::optional<std::string> xtext_decode(std::string_view value);
[[nodiscard]] std::string xtext_encode(std::string_view text);

}  // namespace facteur::smtp
