// Limits on how many there may be at once of something: connections of one address, sessions of one user. Each that is
// let in holds a place, and gives it back by being destroyed, so that nothing is counted for whoever is gone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace facteur::auth {

/// Counts places by key. It must outlive them.
class Places {
 public:
  static constexpr std::size_t max_places = 200'000;
  static constexpr std::uint64_t no_limit = ~std::uint64_t{0};

  /// Counts at most so many at once: what is let in beyond that is not counted.
  explicit Places(std::size_t most = max_places) : most_(most) {}
  Places(const Places&) = delete;
  Places& operator=(const Places&) = delete;

 private:
  using Counts = std::unordered_map<std::string, std::uint64_t>;

 public:
  /// Gives itself back when destroyed. One that is not counted is empty.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept : places_(std::exchange(other.places_, nullptr)), entry_(other.entry_) {}
    Place& operator=(Place&& other) noexcept {
      std::swap(places_, other.places_);
      std::swap(entry_, other.entry_);
      return *this;
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place();

    [[nodiscard]] bool counted() const { return places_ != nullptr; }

   private:
    friend class Places;
    Place(Places& places, Counts::value_type& entry) : places_(&places), entry_(&entry) {}
    Places* places_ = nullptr;
    Counts::value_type* entry_ = nullptr;  ///< lives while it counts anything
  };

  /// A place for this key; nothing when it has `limit` already.
  [[nodiscard]] std::optional<Place> take(const std::string& key, std::uint64_t limit);
  [[nodiscard]] std::size_t taken() const { return taken_; }
  /// Keys that have any.
  [[nodiscard]] std::size_t keys() const { return counts_.size(); }

 private:
  std::size_t most_;
  std::size_t taken_ = 0;
  Counts counts_;
};

}  // namespace facteur::auth
