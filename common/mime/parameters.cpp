#include "common/mime/parameters.h"

#include <algorithm>
#include <utility>

#include "common/address/tokens.h"
#include "common/base/strings.h"

namespace facteur::mime {
namespace {

/// Skips white space and comments, of which MIME makes nothing.
void skip(std::string_view& text) {
  std::string ignored;
  address::skip_space_and_comments(text, ignored);
}

/// Takes what stands before the first of `ends`, of white space and of a comment.
std::string take_until(std::string_view& text, std::string_view ends) {
  const auto end = std::ranges::find_if(
      text, [=](char c) { return ends.contains(c) || c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '('; });
  std::string out(text.begin(), end);
  text.remove_prefix(out.size());
  return out;
}

/// Takes up to and including the next semicolon.
void skip_to_next(std::string_view& text) {
  while (!text.empty() && text[0] != ';') {
    if (text[0] == '"') {
      std::ignore = address::take_quoted_text(text);
    } else if (text[0] == '(') {
      skip(text);
    } else {
      text.remove_prefix(1);
    }
  }
  if (!text.empty()) text.remove_prefix(1);
}

std::optional<Parameter> take_parameter(std::string_view& text) {
  skip(text);
  Parameter out;
  out.name = take_until(text, "=;\"");
  skip(text);
  if (out.name.empty() || !text.starts_with('=')) return std::nullopt;
  text.remove_prefix(1);
  skip(text);
  out.value = text.starts_with('"') ? address::take_quoted_text(text) : take_until(text, ";");
  return out;
}

}  // namespace

const std::string* find_parameter(const Parameters& parameters, std::string_view name) {
  const auto found = std::ranges::find_if(parameters, [=](const auto& other) { return iequals(other.name, name); });
  return found == parameters.end() ? nullptr : &found->value;
}

ParameterizedValue parse_parameterized(std::string_view body) {
  ParameterizedValue out;
  skip(body);
  out.value = take_until(body, ";\"");
  skip_to_next(body);
  while (!body.empty() && out.parameters.size() < max_parameters) {
    if (auto parameter = take_parameter(body)) out.parameters.push_back(std::move(*parameter));
    skip_to_next(body);
  }
  return out;
}

std::optional<ContentType> parse_content_type(std::string_view body) {
  ContentType out;
  skip(body);
  out.type = take_until(body, "/;\"");
  skip(body);
  if (out.type.empty() || !body.starts_with('/')) return std::nullopt;
  body.remove_prefix(1);
  auto rest = parse_parameterized(body);
  if (rest.value.empty()) return std::nullopt;
  out.subtype = std::move(rest.value);
  out.parameters = std::move(rest.parameters);
  return out;
}

}  // namespace facteur::mime
