#include "queue/daemon/mx_rules.h"

#include <algorithm>
#include <array>

namespace facteur::queue {
namespace {

constexpr std::array<const char*, 9> unreachable_blocks{
    "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4",
    "::/128",    "::1/128",     "fe80::/10",      "ff00::/8",
};

}  // namespace

MxRules mx_rules(const config::Settings& settings, std::vector<net::Ip> own) {
  std::vector<net::Cidr> blocks;
  for (const auto* text : unreachable_blocks) {
    const auto block = net::Cidr::parse(text);
    check(block.has_value(), "a block of unreachable addresses is malformed");
    blocks.push_back(*block);
  }
  MxRules rules;
  rules.hostname = settings.hostname;
  rules.is_own = [own = std::move(own)](std::string_view text) {
    const auto ip = net::Ip::parse(text);
    return ip && std::ranges::find(own, *ip) != own.end();
  };
  rules.is_unreachable = [blocks = std::move(blocks)](std::string_view text) {
    const auto ip = net::Ip::parse(text);
    return !ip || std::ranges::any_of(blocks, [&](const net::Cidr& block) { return block.contains(*ip); });
  };
  return rules;
}

}  // namespace facteur::queue
