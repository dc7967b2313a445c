// The table of settings for people: the commented sample, one setting in full, and the settings in force.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "config/load.h"

namespace facteur::config {

/// The sample settings file: every setting with its meaning, commented out at its default.
[[nodiscard]] std::string sample();

/// All about one setting, several lines; the name may be a synonym. Kind::permanent, with the nearest name, if there is
/// none.
[[nodiscard]] Result<std::string> describe(std::string_view name);

/// Which settings show() lists.
enum class Which : unsigned char { all, written };
/// "name: value" a line, which is YAML again; those that were written have their place as a comment.
[[nodiscard]] std::string show(const Loaded& loaded, Which which);

}  // namespace facteur::config
