// Settings as octets of a sealed memfd, in which master hands them to every process.
#pragma once

#include "common/base/fd.h"
#include "common/base/result.h"
#include "config/settings.h"

namespace facteur::config {

[[nodiscard]] Result<Fd> to_sealed(const Settings& settings);
/// Kind::corrupt if the file is not sealed or holds anything else.
[[nodiscard]] Result<Settings> from_sealed(int fd);

[[nodiscard]] std::string to_octets(const Settings& settings);
[[nodiscard]] Result<Settings> from_octets(std::string octets);

}  // namespace facteur::config
