// The doors of queued: slots and commits with smtpd, attempts with remote, deliveries with the local workers, and the
// requests of the command line that master hands on.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "common/base/fd.h"

namespace facteur::queue {

// With smtpd ----------------------------------------------------------------------------------------------------------

/// smtpd: so many slots more, please (at most 32 come in one message).
struct WantSlots {
  static constexpr std::uint16_t type = 1;
  std::uint32_t count = 0;
  auto fields() { return std::tie(count); }
};
/// A place for one message: an empty file in its final place, open for writing; its name is durable already.
struct Slot {
  std::string queue_id;
  Fd file;
  auto fields() { return std::tie(queue_id, file); }
};
/// The answer to one WantSlots of at most 32: `asked` is its count. No slots: there is no room for messages now
/// (452). Unasked (`asked` is 0) without slots: there is no room any more, the unused ones are to be discarded.
struct Slots {
  static constexpr std::uint16_t type = 2;
  std::uint32_t asked = 0;
  std::vector<Slot> slots;
  auto fields() { return std::tie(asked, slots); }
};
/// smtpd: the message is written, synced, and my descriptor is closed.
struct Commit {
  static constexpr std::uint16_t type = 3;
  std::string queue_id;
  auto fields() { return std::tie(queue_id); }
};
/// queued: it is ours now (250), or it is not (451, `text` for the log).
struct Committed {
  static constexpr std::uint16_t type = 4;
  std::string queue_id;
  bool accepted = false;
  std::string text;
  auto fields() { return std::tie(queue_id, accepted, text); }
};
/// smtpd: these transactions ended otherwise; their files are truncated and closed.
struct Discard {
  static constexpr std::uint16_t type = 5;
  std::vector<std::string> queue_ids;
  auto fields() { return std::tie(queue_ids); }
};

// With remote ---------------------------------------------------------------------------------------------------------

/// queued: the hosts that take mail for a domain? With `use_mx` false only its addresses (relayhost in brackets).
struct Resolve {
  static constexpr std::uint16_t type = 10;
  std::uint64_t id = 0;
  std::string domain;
  bool use_mx = true;
  auto fields() { return std::tie(id, domain, use_mx); }
};
enum class DnsOutcome : std::uint8_t { found, no_such_domain, no_data, temporary };
struct MxHost {
  std::string name;
  std::uint16_t preference = 0;
  std::vector<std::string> ips;  ///< empty: it has none, or they could not be had now
  bool temporary = false;        ///< its addresses could not be had now
  auto fields() { return std::tie(name, preference, ips, temporary); }
};
/// remote: what DNS says. MX hosts as they stand in the answer (a null MX is one host named ""); a domain without MX
/// but with addresses is one host of preference 0 with `implicit` set. Lifetime in seconds.
struct Resolved {
  static constexpr std::uint16_t type = 11;
  std::uint64_t id = 0;
  DnsOutcome outcome = DnsOutcome::temporary;
  bool implicit = false;
  std::vector<MxHost> hosts;
  std::uint32_t lifetime = 0;
  std::string text;
  auto fields() { return std::tie(id, outcome, implicit, hosts, lifetime, text); }
};

/// One place to connect to.
struct Target {
  std::string host;  ///< name for the log and for TLS; an address literal for none
  std::string ip;
  std::uint16_t port = 25;
  auto fields() { return std::tie(host, ip, port); }
};
/// A recipient of an attempt; `number` is that of its record in the queue file.
struct AttemptRecipient {
  std::uint32_t number = 0;
  std::string address;
  auto fields() { return std::tie(number, address); }
};
/// queued: send this message to these recipients through the first target that answers.
struct Attempt {
  static constexpr std::uint16_t type = 12;
  std::uint64_t id = 0;
  std::string queue_id;
  Fd message;  ///< the queue file, for reading
  std::string reverse_path;
  bool smtputf8 = false;
  std::vector<Target> targets;
  std::vector<AttemptRecipient> recipients;  ///< at most ipc::max_recipients
  bool lmtp = false;
  auto fields() { return std::tie(id, queue_id, message, reverse_path, smtputf8, targets, recipients, lmtp); }
};
enum class Fate : std::uint8_t { delivered, deferred, failed };
/// What became of one recipient. `text` is what the log and a bounce show: the remote reply, escaped and bounded.
struct RecipientResult {
  std::uint32_t number = 0;
  Fate fate = Fate::deferred;
  std::string status;         ///< enhanced status code: "2.0.0" (RFC 3463)
  std::string text;           ///< "250 2.0.0 Ok: queued as …", "connect to …: Connection refused"
  std::string relay;          ///< "mx.example.org[192.0.2.1]:25", "none"
  bool remote_reply = false;  ///< text is a reply of the remote host: Diagnostic-Code smtp; else x-facteur
  auto fields() { return std::tie(number, fate, status, text, relay, remote_reply); }
};
struct Attempted {
  static constexpr std::uint16_t type = 13;
  std::uint64_t id = 0;
  std::vector<RecipientResult> results;
  bool site_dead = false;         ///< no target could be talked to at all
  std::uint32_t setup_ms = 0;     ///< connection, EHLO, TLS: c of delays=a/b/c/d
  std::uint32_t transfer_ms = 0;  ///< d of delays=a/b/c/d
  auto fields() { return std::tie(id, results, site_dead, setup_ms, transfer_ms); }
};

// With a local worker -------------------------------------------------------------------------------------------------

struct LocalRecipient {
  std::uint32_t number = 0;
  std::string account;   ///< "alice@example.test": which mailbox
  std::string address;   ///< the recipient as it was finally addressed (Delivered-To)
  std::string original;  ///< as the sender gave it (X-Original-To)
  auto fields() { return std::tie(number, account, address, original); }
};
/// queued: put this message into these mailboxes.
struct Deliver {
  static constexpr std::uint16_t type = 20;
  std::uint64_t id = 0;
  std::string queue_id;
  Fd message;                 ///< the queue file, or sealed memory with the content alone
  bool content_only = false;  ///< which of the two
  std::string reverse_path;
  std::int64_t arrival = 0;    ///< of the message, seconds since 1970: the same in every attempt
  bool first_attempt = false;  ///< these recipients cannot have been delivered to before, also not before a crash
  std::vector<LocalRecipient> recipients;  ///< at most ipc::max_recipients
  auto fields() {
    return std::tie(id, queue_id, message, content_only, reverse_path, arrival, first_attempt, recipients);
  }
};
struct Delivered {
  static constexpr std::uint16_t type = 21;
  std::uint64_t id = 0;
  std::vector<RecipientResult> results;
  std::uint32_t transfer_ms = 0;
  auto fields() { return std::tie(id, results, transfer_ms); }
};
/// local: I have been idle; may I end? Answered by MayEnd unless a delivery is under way, which withdraws the question.
struct WantEnd {
  static constexpr std::uint16_t type = 22;
  std::uint8_t unused = 0;
  auto fields() { return std::tie(unused); }
};
/// queued: nothing more will come through this door.
struct MayEnd {
  static constexpr std::uint16_t type = 23;
  std::uint8_t unused = 0;
  auto fields() { return std::tie(unused); }
};

}  // namespace facteur::queue
