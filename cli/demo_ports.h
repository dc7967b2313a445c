// The ports of a demo.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "config/settings.h"

namespace facteur::cli {

struct DemoPort {
  std::string_view name;  ///< as in "ports.smtp" and FACTEUR_SMTP
  std::uint16_t standard = 0;
  std::uint16_t config::Settings::* member = nullptr;
};
constexpr std::array<DemoPort, 7> demo_ports{{
    {"smtp", 25, &config::Settings::ports_smtp},
    {"submission", 587, &config::Settings::ports_submission},
    {"smtps", 465, &config::Settings::ports_smtps},
    {"pop3", 110, &config::Settings::ports_pop3},
    {"pop3s", 995, &config::Settings::ports_pop3s},
    {"imap", 143, &config::Settings::ports_imap},
    {"imaps", 993, &config::Settings::ports_imaps},
}};

/// A port for each: base + standard, or one that is free on 127.0.0.1 and ::1 now. Until facteurd has opened it
/// somebody else may take it.
[[nodiscard]] Result<std::map<std::string_view, std::uint16_t>> choose_ports(std::optional<unsigned> base);
/// True if somebody listens on one of these ports of loopback.
[[nodiscard]] bool is_one_taken(const std::set<std::uint16_t>& ports);

}  // namespace facteur::cli
