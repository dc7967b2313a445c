// Messages between our processes: plain structs, each with a number and a list of its fields. One codec reads and
// writes them all; integers are little-endian, texts and lists carry their length, descriptors travel beside the
// octets.
//
//   struct Commit {
//     static constexpr std::uint16_t type = 3;
//     std::uint64_t slot = 0;
//     std::string queue_id;
//     Fd content;                                   // sent with SCM_RIGHTS
//     auto fields() { return std::tie(slot, queue_id, content); }
//   };
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/base/fd.h"
#include "common/base/result.h"

namespace facteur::ipc {

/// A message as it crosses a door: at most `max_octets` octets, the first two its type, and at most `max_descriptors`.
struct Packet {
  std::string octets;
  std::vector<Fd> descriptors;
};
constexpr std::size_t max_octets = 65536;
constexpr std::size_t max_descriptors = 64;
/// Recipients in one message (DESIGN: lists of recipients go in batches).
constexpr std::size_t max_recipients = 100;

template <class M>
concept Message = requires(M& m) {
  { M::type } -> std::convertible_to<std::uint16_t>;
  m.fields();
};
/// A struct inside a message: fields without a type of its own.
template <class M>
concept Fields = requires(M& m) { m.fields(); };

/// Writes fields into a packet. Descriptors are moved out of the message.
class Writer {
 public:
  Packet packet;

  template <class T>
    requires(std::is_integral_v<T> || std::is_enum_v<T>)
  void put(T& value) {
    std::uint64_t bits = static_cast<std::uint64_t>(value);
    char octets[sizeof(T)];
    for (auto& octet : octets) {
      octet = static_cast<char>(bits & 0xff);
      bits >>= 8;
    }
    packet.octets.append(octets, sizeof octets);
  }
  void put(std::string_view value) {
    put_size(value.size());
    packet.octets += value;
  }
  void put(Fd& value) {
    bool present = static_cast<bool>(value);
    put(present);
    if (present) packet.descriptors.push_back(std::move(value));
  }
  template <class T>
  void put(std::vector<T>& list) {
    put_size(list.size());
    for (auto& item : list) put(item);
  }
  template <class K, class V>
  void put(std::map<K, V>& map) {
    put_size(map.size());
    for (auto& [key, value] : map) {
      K copy = key;
      put(copy);
      put(value);
    }
  }
  template <class T>
  void put(std::optional<T>& value) {
    bool present = value.has_value();
    put(present);
    if (present) put(*value);
  }
  template <Fields M>
  void put(M& message) {
    std::apply([this](auto&... field) { (put(field), ...); }, message.fields());
  }

 private:
  void put_size(std::size_t size) {
    auto count = static_cast<std::uint32_t>(size);
    put(count);
  }
};

/// Reads fields from a packet. After the first fault every read fails and `good` is false.
class Reader {
 public:
  explicit Reader(Packet& packet) : packet_(packet), rest_(packet.octets) {}
  bool good = true;

  /// True when everything was read and nothing is left over.
  [[nodiscard]] bool done() const { return good && rest_.empty() && used_ == packet_.descriptors.size(); }
  [[nodiscard]] std::size_t left() const { return rest_.size(); }

  template <class T>
    requires(std::is_integral_v<T> || std::is_enum_v<T>)
  void get(T& value) {
    value = T{};
    const auto octets = take(sizeof(T));
    if (octets.empty()) return;
    std::uint64_t bits = 0;
    for (std::size_t i = sizeof(T); i > 0; --i) bits = bits << 8 | static_cast<std::uint8_t>(octets[i - 1]);
    if constexpr (std::is_same_v<T, bool>) {
      if (bits > 1) good = false;
      value = bits == 1;
    } else {
      value = static_cast<T>(bits);
    }
  }
  void get(std::string& value) { value.assign(take(get_size())); }
  /// Octets of the packet itself, which must live as long as they are used.
  void get(std::string_view& value) { value = take(get_size()); }
  void get(Fd& value) {
    bool present = false;
    get(present);
    if (!present) return;
    if (used_ >= packet_.descriptors.size()) {
      good = false;
      return;
    }
    value = std::move(packet_.descriptors[used_++]);
  }
  template <class T>
  void get(std::vector<T>& list) {
    list.clear();
    for (auto count = get_size(); good && count > 0; --count) {
      // Every item is at least one octet: a count beyond what is left is a lie, found before memory is spent.
      if (count > rest_.size()) good = false;
      if (good) get(list.emplace_back());
    }
  }
  template <class K, class V>
  void get(std::map<K, V>& map) {
    map.clear();
    for (auto count = get_size(); good && count > 0; --count) {
      K key{};
      get(key);
      get(map[std::move(key)]);
    }
  }
  template <class T>
  void get(std::optional<T>& value) {
    bool present = false;
    get(present);
    value.reset();
    if (good && present) get(value.emplace());
  }
  template <Fields M>
  void get(M& message) {
    std::apply([this](auto&... field) { (get(field), ...); }, message.fields());
  }

 private:
  std::uint32_t get_size() {
    std::uint32_t size = 0;
    get(size);
    return size;
  }
  std::string_view take(std::size_t count) {
    if (!good || count > rest_.size()) {
      good = false;
      return {};
    }
    const auto octets = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return octets;
  }

  Packet& packet_;
  std::string_view rest_;
  std::size_t used_ = 0;
};

/// The packet of a message; its descriptors are moved out.
template <Message M>
[[nodiscard]] Packet encode(M message) {
  Writer writer;
  std::uint16_t type = M::type;
  writer.put(type);
  writer.put(message);
  return std::move(writer.packet);
}

/// The type of a packet; nothing if it is shorter than that.
[[nodiscard]] inline std::optional<std::uint16_t> type_of(const Packet& packet) {
  if (packet.octets.size() < 2) return std::nullopt;
  return static_cast<std::uint16_t>(static_cast<std::uint8_t>(packet.octets[0]) |
                                    static_cast<std::uint8_t>(packet.octets[1]) << 8);
}

/// The message in a packet. Kind::protocol if it is of another type, cut short, or has octets or descriptors left over.
template <Message M>
[[nodiscard]] Result<M> decode(Packet packet) {
  Reader reader(packet);
  std::uint16_t type = 0;
  M message;
  reader.get(type);
  if (reader.good && type == M::type) reader.get(message);
  if (type != M::type || !reader.done())
    return fail(Kind::protocol, "malformed message of type " + std::to_string(type));
  return message;
}

/// A struct as octets, for a sealed memfd that a process hands to others (settings, tables). It holds no descriptor.
template <Fields M>
[[nodiscard]] std::string to_octets(M fields) {
  Writer writer;
  writer.put(fields);
  check(writer.packet.descriptors.empty(), "a descriptor cannot be written into octets");
  return std::move(writer.packet.octets);
}
template <Fields M>
[[nodiscard]] Result<M> from_octets(std::string octets) {
  Packet packet{std::move(octets), {}};
  Reader reader(packet);
  M fields;
  reader.get(fields);
  if (!reader.done()) return fail(Kind::corrupt, "malformed octets of a table");
  return fields;
}

}  // namespace facteur::ipc
