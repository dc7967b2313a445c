// YAML as a tree in which every node knows its place. The one wrapper of yaml-cpp: anchors, aliases and tags of types
// are refused, size and depth are bounded, so that a file cannot unfold into more than was written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"

namespace facteur::config {

/// Where something was written. Lines and columns count from 1; line 0: no place (a default).
struct Place {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  /// "file:line:column", or only the file where there is no line.
  [[nodiscard]] std::string text() const;
  friend bool operator==(const Place&, const Place&) = default;
};

struct NodeEntry;

/// One node of YAML.
struct Node {
  enum class Type : std::uint8_t { null, scalar, list, map };
  Type type = Type::null;
  bool quoted = false;             ///< a scalar in quotes: never a number or a word like `yes`
  std::string text;                ///< scalar
  std::vector<Node> items;         ///< list
  std::vector<NodeEntry> entries;  ///< map, in the order of the file; keys are scalars
  Place place;

  /// "a list", "a map", "nothing" or the scalar in quotes: for complaints.
  [[nodiscard]] std::string what() const;
};

/// One entry of a map.
struct NodeEntry {
  Node first;   ///< the key
  Node second;  ///< its value
};

constexpr std::size_t max_yaml_octets = 16 << 20;
constexpr std::size_t max_yaml_nodes = 1'000'000;
constexpr std::size_t max_yaml_depth = 8;

/// The one document of `text`; an empty one is Type::null. Kind::permanent with "file:line:column: why".
[[nodiscard]] Result<Node> parse_yaml(std::string_view text, const std::string& file);

/// A scalar as YAML text on one line, in quotes where it needs them.
[[nodiscard]] std::string yaml_scalar(std::string_view text);

}  // namespace facteur::config
