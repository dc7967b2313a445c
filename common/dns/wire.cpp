// A cursor over the octets reads the records of the answer section into a list; the chain of aliases is then followed
// in that list, so that their order does not matter.

#include "common/dns/wire.h"

#include <algorithm>
#include <optional>

#include "common/base/strings.h"
#include "common/dns/name.h"

namespace facteur::dns {

namespace {

constexpr std::size_t max_wire_name = 255;  // RFC 1035 section 2.3.4
constexpr int max_jumps = 32;               // compression pointers in one name
constexpr std::uint8_t no_error = 0;        // response codes: RFC 1035 section 4.1.1
constexpr std::uint8_t name_error = 3;

/// Reads integers and names; after the first fault `good` is false and all it gives is zero and empty.
class Cursor {
 public:
  explicit Cursor(std::string_view octets) : octets_(octets) {}
  bool good = true;

  [[nodiscard]] std::size_t at() const { return at_; }
  void go(std::size_t at) {
    if (at > octets_.size()) good = false;
    if (good) at_ = at;
  }
  void skip(std::size_t count) { go(at_ + count); }
  std::uint32_t number(int octets) {
    std::uint32_t value = 0;
    for (; octets > 0; --octets) value = value << 8 | next();
    return good ? value : 0;
  }
  std::string_view take(std::size_t count) {
    const auto begin = at_;
    skip(count);
    return good ? octets_.substr(begin, count) : std::string_view();
  }
  /// A name with its compression undone (RFC 1035 section 4.1.4). Pointers must point backwards, so that no loop can
  /// be; a dot or backslash inside a label is escaped, and therefore no usable name.
  std::string name();

 private:
  std::uint8_t next() {
    if (at_ >= octets_.size()) good = false;
    return good ? static_cast<std::uint8_t>(octets_[at_++]) : std::uint8_t{0};
  }
  void label(std::size_t length, std::string& text);

  std::string_view octets_;
  std::size_t at_ = 0;
};

void Cursor::label(std::size_t length, std::string& text) {
  if (!text.empty()) text += '.';
  for (const char c : take(length)) {
    if (c == '.' || c == '\\') text += '\\';
    text += c;
  }
}

std::string Cursor::name() {
  std::string text;
  std::optional<std::size_t> behind;  // where reading goes on once a pointer was followed
  std::size_t lowest = at_;
  std::size_t length = 0;
  for (int jumps = 0; good;) {
    const auto first = next();
    if (first == 0) break;
    if ((first & 0xc0) == 0xc0) {
      const std::size_t target = static_cast<std::size_t>(first & 0x3f) << 8 | next();
      if (!behind) behind = at_;
      good = good && target < lowest && ++jumps <= max_jumps;
      lowest = target;
      go(target);
    } else {
      length += 1U + first;
      good = good && first <= 63 && length < max_wire_name;
      if (good) label(first, text);
    }
  }
  if (behind) go(*behind);
  return good ? text : std::string();
}

/// A record as it stands in the packet.
struct Raw {
  std::string owner;
  std::uint16_t type = 0;
  std::uint32_t ttl = 0;
  std::uint16_t preference = 0;
  std::string data;           ///< the name or the address
  std::uint32_t minimum = 0;  ///< of SOA: the lifetime of an absence
};

void read_data(Cursor& in, std::size_t length, Raw& record) {
  const auto end = in.at() + length;
  switch (static_cast<Type>(record.type)) {
    case Type::a:
    case Type::aaaa:
      if (length == (record.type == static_cast<std::uint16_t>(Type::a) ? 4U : 16U)) record.data = in.take(length);
      break;
    case Type::mx: record.preference = static_cast<std::uint16_t>(in.number(2)); [[fallthrough]];
    case Type::cname:
    case Type::ptr: record.data = in.name(); break;
    case Type::soa:
      (void)in.name();
      (void)in.name();
      in.skip(16);
      record.minimum = in.number(4);
      break;
    default: break;
  }
  // A name that runs past the end of its record shows that the length lies.
  if (in.at() > end) in.good = false;
  in.go(end);
}

Raw read_record(Cursor& in) {
  Raw record;
  record.owner = in.name();
  record.type = static_cast<std::uint16_t>(in.number(2));
  const auto record_class = in.number(2);
  record.ttl = in.number(4);
  if (record.ttl > 0x7fffffff) record.ttl = 0;  // RFC 2181 section 8
  const auto length = in.number(2);
  if (record_class == 1) {
    read_data(in, length, record);
  } else {
    record.type = 0;
    in.skip(length);
  }
  return record;
}

struct Packet {
  std::uint8_t code = 0;
  std::vector<Raw> answers;
  std::optional<Seconds> absence;  ///< what the SOA in the authority section says
};

/// Reads header, question and the sections that matter. The question must be ours.
std::optional<Packet> read_packet(std::string_view octets, std::string_view name, Type type) {
  Cursor in(octets);
  Packet packet;
  (void)in.number(2);
  const auto flags = in.number(2);
  const auto questions = in.number(2);
  const auto answers = in.number(2);
  const auto authorities = in.number(2);
  (void)in.number(2);
  if (!in.good || (flags & 0x8000) == 0 || questions != 1) return std::nullopt;
  packet.code = flags & 15;
  const bool ours = iequals(in.name(), name) && in.number(2) == static_cast<std::uint32_t>(type) && in.number(2) == 1;
  if (!in.good || !ours) return std::nullopt;
  for (std::uint32_t i = 0; i < answers && i < max_records && in.good; ++i) packet.answers.push_back(read_record(in));
  if (!in.good) return std::nullopt;
  if (answers > max_records) return packet;
  for (std::uint32_t i = 0; i < authorities && i < max_records && in.good; ++i) {
    const Raw record = read_record(in);
    if (in.good && record.type == static_cast<std::uint16_t>(Type::soa)) {
      packet.absence = Seconds{std::min(record.ttl, record.minimum)};
    }
  }
  return packet;
}

/// Where the aliases of the answer lead from `name`; `lifetime` falls to their least TTL. Nothing in a loop of them.
std::optional<std::string> follow_aliases(const Packet& packet, std::string name, Seconds& lifetime) {
  for (int i = 0; i <= max_aliases; ++i) {
    const auto alias = std::ranges::find_if(packet.answers, [&](const Raw& record) {
      return record.type == static_cast<std::uint16_t>(Type::cname) && iequals(record.owner, name);
    });
    if (alias == packet.answers.end()) return name;
    lifetime = std::min(lifetime, Seconds{alias->ttl});
    name = alias->data;
  }
  return std::nullopt;
}

bool usable(const Raw& record, Type type) {
  if (type == Type::a || type == Type::aaaa) return !record.data.empty();
  return is_domain_name(record.data) || (type == Type::mx && record.data.empty());  // "." is a null MX: RFC 7505
}

}  // namespace

Result<Reply> parse_reply(std::string_view octets, std::string_view name, Type type) {
  const auto packet = read_packet(octets, name, type);
  if (!packet) return fail(Kind::protocol, "malformed answer of a name server");
  if (packet->code != no_error && packet->code != name_error) return Reply{Outcome::temporary, temporary_lifetime, {}};

  Reply reply{Outcome::found, max_lifetime, {}};
  const auto owner = follow_aliases(*packet, std::string(name), reply.lifetime);
  if (!owner) return Reply{Outcome::temporary, temporary_lifetime, {}};
  bool refused = false;
  for (const Raw& record : packet->answers) {
    if (record.type != static_cast<std::uint16_t>(type) || !iequals(record.owner, *owner)) continue;
    reply.lifetime = std::min(reply.lifetime, Seconds{record.ttl});
    if (usable(record, type)) {
      reply.records.push_back({record.preference, record.data});
    } else {
      refused = true;
    }
  }
  if (!reply.records.empty()) return reply;
  if (refused) return Reply{Outcome::temporary, temporary_lifetime, {}};
  reply.outcome = packet->code == name_error ? Outcome::no_domain : Outcome::no_data;
  reply.lifetime = std::min(reply.lifetime, packet->absence.value_or(temporary_lifetime));
  return reply;
}

}  // namespace facteur::dns
