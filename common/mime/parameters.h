// Values with parameters: Content-Type and Content-Disposition (RFC 2045 section 5.1, RFC 2183 section 2).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace facteur::mime {

/// Parameters that are kept of one field.
constexpr std::size_t max_parameters = 32;

struct Parameter {
  std::string name, value;  ///< as written; quotes and backslashes of the value removed
  auto fields() { return std::tie(name, value); }
  friend bool operator==(const Parameter&, const Parameter&) = default;
};
using Parameters = std::vector<Parameter>;

/// The value of the first parameter of that name, in any case; nullptr if there is none.
[[nodiscard]] const std::string* find_parameter(const Parameters& parameters, std::string_view name);

/// "value; name=value; …". What cannot be read is passed over up to the next semicolon.
struct ParameterizedValue {
  std::string value;  ///< a token, as written; empty if there is none
  Parameters parameters;
};
[[nodiscard]] ParameterizedValue parse_parameterized(std::string_view body);

/// A media type. Nothing if the body does not begin with "type/subtype": it then counts as absent, which is text/plain
/// (RFC 2045 section 5.2).
struct ContentType {
  std::string type, subtype;
  Parameters parameters;
};
[[nodiscard]] std::optional<ContentType> parse_content_type(std::string_view body);

}  // namespace facteur::mime
