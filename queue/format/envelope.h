// What the records of a queue file say: the envelope of a message and what became of its recipients (FORMAT.md).
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

namespace facteur::queue {

/// RET of RFC 3461 section 4.3.
enum class Return : std::uint8_t { unsaid = 0, full = 1, headers = 2 };

/// NOTIFY of RFC 3461 section 4.1, as bits; 0 means that the client did not say.
namespace notify {
constexpr std::uint8_t never = 1;
constexpr std::uint8_t success = 2;
constexpr std::uint8_t failure = 4;
constexpr std::uint8_t delay = 8;
}  // namespace notify

/// The envelope but for its recipients, and the facts of its arrival.
struct Envelope {
  std::int64_t arrival = 0;    ///< microseconds since 1970
  std::string reverse_path;    ///< without angle brackets; empty is the null reverse-path
  std::string login;           ///< who authenticated; empty if nobody did
  std::string client_name;     ///< verified host name, or "unknown"
  std::string client_address;  ///< without brackets
  std::string helo;
  std::string protocol;  ///< with-protocol-type of RFC 3848: "ESMTPSA"
  std::string envid;     ///< ENVID of RFC 3461 section 4.4, decoded
  Return ret = Return::unsaid;
  bool body_8bit = false;  ///< BODY=8BITMIME (RFC 6152)
  bool smtputf8 = false;   ///< RFC 6531
  auto fields() {
    return std::tie(arrival, reverse_path, login, client_name, client_address, helo, protocol, envid, ret, body_8bit,
                    smtputf8);
  }
  friend bool operator==(const Envelope&, const Envelope&) = default;
};

/// One recipient of the envelope, or one that replaces another.
struct Recipient {
  std::uint32_t number = 0;  ///< 1 and up
  std::string address;
  std::string original_address;  ///< what the client gave; handed down
  std::uint8_t notify = 0;       ///< bits of notify::
  std::string orcpt;             ///< "type;address", decoded; empty if the client did not say
  std::uint32_t parent = 0;      ///< number of the recipient that this one replaces; 0 if none
  bool has_owner = false;        ///< `owner` stands for the envelope's reverse-path (lists)
  std::string owner;
  auto fields() { return std::tie(number, address, original_address, notify, orcpt, parent, has_owner, owner); }
  friend bool operator==(const Recipient&, const Recipient&) = default;
};

/// The kinds of records.
enum class RecordKind : std::uint16_t {
  envelope = 1,
  recipient = 2,
  end = 3,
  delivered = 16,
  deferred = 17,
  failed = 18,
  expanded = 19,
};

/// What one delivery attempt came to for one recipient.
struct Outcome {
  std::uint32_t number = 0;  ///< of the recipient
  std::string status;        ///< enhanced status code of RFC 3463; may be empty
  std::string reason;        ///< printable, at most max_reason octets
  auto fields() { return std::tie(number, status, reason); }
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// An event of the log; its kind is that of its record.
struct Event {
  std::int64_t time = 0;          ///< microseconds since 1970
  std::int64_t next_attempt = 0;  ///< deferred: not before this
  std::string bounce_id;          ///< failed: the bounce that reports it; empty if none was due
  std::vector<Outcome> outcomes;
  auto fields() { return std::tie(time, next_attempt, bounce_id, outcomes); }
  friend bool operator==(const Event&, const Event&) = default;
};

/// END: facts of the content, known when it has been seen whole.
struct End {
  std::uint32_t hops = 0;  ///< Received fields in its header
  bool eight_bit = false;  ///< an octet above 127 in content or headers on top
  std::uint32_t checksum = 0;
  auto fields() { return std::tie(hops, eight_bit, checksum); }
  friend bool operator==(const End&, const End&) = default;
};

/// Bounds of one file. A message has at most `max_recipients` in its envelope, and as many that replace others.
constexpr std::size_t max_payload = 65536;
constexpr std::size_t max_recipients = 20000;
constexpr std::size_t max_reason = 1024;
constexpr std::size_t max_address = 1024;
constexpr std::size_t max_envelope_octets = 32U << 20;
constexpr std::size_t max_log_octets = 64U << 20;

}  // namespace facteur::queue
