// Values of settings between YAML and the struct.
#pragma once

#include <string>

#include "common/base/result.h"
#include "config/setting.h"
#include "config/yaml.h"

namespace facteur::config {

/// Checks a value and puts it into its member. Kind::permanent with "file:line:column: name: what is wrong"; a list
/// with several bad items names the first.
[[nodiscard]] Result<> set_value(Settings& settings, const Setting& setting, const Node& value);

/// The value as YAML, on one line ("[a, b]", "{a: b}"), such that set_value() gives it back.
[[nodiscard]] std::string show_value(const Settings& settings, const Setting& setting);

/// What kind of value it wants, with its limits: "a duration from 1s to 1d".
[[nodiscard]] std::string describe_type(const Setting& setting);

/// The values of one entry of a table: a text, or a list of texts. The complaint names no place.
[[nodiscard]] Result<> table_values(const Node& node, std::vector<std::string>& out);
constexpr std::size_t max_table_values = 1000;
/// What numbers are bounded by, whatever a row says: arithmetic with them does not overflow.
constexpr std::uint64_t any_number = 1ULL << 53;

}  // namespace facteur::config
