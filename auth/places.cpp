#include "auth/places.h"

namespace facteur::auth {

std::optional<Places::Place> Places::take(const std::string& key, std::uint64_t limit) {
  const auto found = counts_.find(key);
  if (found != counts_.end() && found->second >= limit) return std::nullopt;
  if (taken_ >= most_) return Place{};
  auto& entry = found != counts_.end() ? *found : *counts_.emplace(key, 0).first;
  ++entry.second;
  ++taken_;
  return Place(*this, entry);
}

Places::Place::~Place() {
  if (places_ == nullptr) return;
  --places_->taken_;
  if (--entry_->second == 0) places_->counts_.erase(places_->counts_.find(entry_->first));
}

}  // namespace facteur::auth
