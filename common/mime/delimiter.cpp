#include "common/mime/delimiter.h"

namespace facteur::mime {

std::string boundary_of(const Parameters& parameters) {
  const auto* value = find_parameter(parameters, "boundary");
  if (value == nullptr || value->size() > max_boundary) return {};
  return value->substr(0, value->find_last_not_of(" \t") + 1);
}

Delimiter match_delimiter(std::string_view line, std::string_view boundary) {
  line.remove_prefix(2);
  if (boundary.empty() || !line.starts_with(boundary)) return Delimiter::none;
  line.remove_prefix(boundary.size());
  if (line.empty()) return Delimiter::next;
  return line == "--" ? Delimiter::close : Delimiter::none;
}

}  // namespace facteur::mime
