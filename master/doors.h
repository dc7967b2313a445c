// The doors of facteurd: what every process hears from master and may ask of it, for life.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "auth/doors.h"
#include "common/base/fd.h"

namespace facteur::master {

// To every process ----------------------------------------------------------------------------------------------------

enum class Tls : std::uint8_t { none, starttls, implicit };
/// A socket to accept from. `role` is smtp, submission, smtps, pop3, pop3s, imap, imaps or submit (the local socket).
struct Listener {
  std::string role;
  std::string address;  ///< "127.0.0.1:2525", for the log
  Tls tls = Tls::none;
  Fd socket;
  auto fields() { return std::tie(role, address, tls, socket); }
};
/// The first message: who you are. `instance` is unique while master lives.
struct Start {
  static constexpr std::uint16_t type = 1;
  std::uint32_t instance = 0;
  std::uint32_t generation = 0;
  bool real_root = false;  ///< master may become other uids; else everything runs under one
  std::uint32_t uid = 0;   ///< what to become, when real_root
  std::uint32_t gid = 0;
  std::string user;  ///< the name whose groups to take; empty for none
  Fd settings;       ///< config::Settings in sealed memory
  Fd log;
  std::uint8_t log_framing = 0;  ///< log::Framing
  std::vector<Listener> listeners;
  std::vector<auth::Account> accounts;  ///< a worker's first account: what its jail is built around
  Fd notes;                             ///< for what it has in hand (InHand)
  auto fields() {
    return std::tie(instance, generation, real_root, uid, gid, user, settings, log, log_framing, listeners, accounts,
                    notes);
  }
};
/// A door to a peer: replaces an earlier one to the same program and instance.
struct NewPeer {
  static constexpr std::uint16_t type = 2;
  std::string program;
  std::uint32_t instance = 0;
  Fd socket;
  auto fields() { return std::tie(program, instance, socket); }
};
struct NewLog {
  static constexpr std::uint16_t type = 3;
  Fd log;
  std::uint8_t log_framing = 0;
  auto fields() { return std::tie(log, log_framing); }
};
/// To queued, authd and the workers: the settings have changed.
struct NewSettings {
  static constexpr std::uint16_t type = 4;
  Fd settings;
  auto fields() { return std::tie(settings); }
};
/// A newer generation serves: accept no more, finish what you have, end.
struct Retire {
  static constexpr std::uint16_t type = 5;
  std::uint8_t unused = 0;
  auto fields() { return std::tie(unused); }
};

// From every process --------------------------------------------------------------------------------------------------

/// I serve now: jailed, listening.
struct Ready {
  static constexpr std::uint16_t type = 10;
  std::uint8_t unused = 0;
  auto fields() { return std::tie(unused); }
};
struct NeedLog {
  static constexpr std::uint16_t type = 11;
  std::uint8_t unused = 0;
  auto fields() { return std::tie(unused); }
};

/// My door to this peer broke, perhaps while we both live: master makes a new one then.
struct LostPeer {
  static constexpr std::uint16_t type = 12;
  std::uint32_t instance = 0;
  auto fields() { return std::tie(instance); }
};

// With the login processes and the workers of sessions ----------------------------------------------------------------

/// login: this client has earned this ticket; give the connection to a worker. `client` is the client's own descriptor,
/// or one end of a pair whose other end the login process goes on serving with TLS.
struct Handover {
  static constexpr std::uint16_t type = 20;
  std::uint64_t id = 0;
  std::string ticket;
  auth::Service service = auth::Service::imap;
  std::string client_ip;
  bool tls = false;
  std::string tag;     ///< IMAP: of the command to be answered by the worker
  std::string octets;  ///< read from the client already, behind the command that logged in
  Fd client;
  auto fields() { return std::tie(id, ticket, service, client_ip, tls, tag, octets, client); }
};
enum class Admission : std::uint8_t {
  served,       ///< a worker has the client
  unavailable,  ///< the client is to hear [UNAVAILABLE], never "wrong password"
  crowded,      ///< its user has too many sessions: it is to hear `text`
};
struct HandoverReply {
  static constexpr std::uint16_t type = 21;
  std::uint64_t id = 0;
  Admission admission = Admission::unavailable;
  std::string text;
  auto fields() { return std::tie(id, admission, text); }
};
/// To imapd and pop3d: serve this client; answered by SessionTaken before the client hears anything.
struct Session {
  static constexpr std::uint16_t type = 22;
  std::uint64_t id = 0;
  auth::Account account;
  std::string client_ip;
  bool tls = false;
  bool suspect = false;  ///< workers aborted over this account
  std::string tag;
  std::string octets;
  Fd client;
  Fd place;  ///< authd's (auth/session_places.h): closed when the session ends; may be empty
  auto fields() { return std::tie(id, account, client_ip, tls, suspect, tag, octets, client, place); }
};
/// From imapd and pop3d: I have that client now; or with `taken` false, I cannot have it.
struct SessionTaken {
  static constexpr std::uint16_t type = 26;
  std::uint64_t id = 0;
  bool taken = false;
  auto fields() { return std::tie(id, taken); }
};
/// From imapd and pop3d: I have been idle; may I end?
struct WantEnd {
  static constexpr std::uint16_t type = 23;
  std::uint64_t sessions_seen = 0;  ///< how many Session messages have come: one under way withdraws the question
  auto fields() { return std::tie(sessions_seen); }
};
struct MayEnd {
  static constexpr std::uint16_t type = 24;
  std::uint8_t unused = 0;
  auto fields() { return std::tie(unused); }
};

/// From a worker that may make no lock file beside the mbox of its account: a process that can, please. It comes as
/// NewPeer of "local-run"; one at a time, and only for a system user. No answer: there is none now.
struct NeedLocalRun {
  static constexpr std::uint16_t type = 27;
  std::uint8_t unused = 0;
  auto fields() { return std::tie(unused); }
};

/// From a login process that serves `sessions_per_login_process` sessions, and from whoever has a listener and was told
/// to end: it accepts no more and ends with the last of its clients; master starts a fresh one.
struct Full {
  static constexpr std::uint16_t type = 25;
  std::uint8_t unused = 0;
  auto fields() { return std::tie(unused); }
};

// With queued and the workers of deliveries ---------------------------------------------------------------------------

/// queued: which worker delivers for this account? A new worker's door comes as NewPeer before the answer.
struct WorkerQuery {
  static constexpr std::uint16_t type = 30;
  std::uint64_t id = 0;
  std::string account;
  auto fields() { return std::tie(id, account); }
};
struct WorkerAnswer {
  static constexpr std::uint16_t type = 31;
  std::uint64_t id = 0;
  auth::Existence existence = auth::Existence::temporary;
  std::uint32_t instance = 0;
  std::uint32_t uid = 0;  ///< recipients of other uids get the content alone
  bool system_user = false;
  std::string text;
  auto fields() { return std::tie(id, existence, instance, uid, system_user, text); }
};
/// To local: you deliver for this account as well; answered by Serving before queued hears of it.
struct Serve {
  static constexpr std::uint16_t type = 32;
  auth::Account account;
  auto fields() { return std::tie(account); }
};
struct Serving {
  static constexpr std::uint16_t type = 33;
  std::string account;
  auto fields() { return std::tie(account); }
};

/// To queued: processes aborted twice over this message; it goes to corrupt/.
struct Suspect {
  static constexpr std::uint16_t type = 34;
  std::string queue_id;
  auto fields() { return std::tie(queue_id); }
};

// With queued: the command line and the maildrop ----------------------------------------------------------------------

/// What `facteur` asks through the control socket (a message of one packet), and how it is answered: any number of
/// ControlText and ControlFile, then ControlDone.
struct ControlRequest {
  static constexpr std::uint16_t type = 40;
  std::string verb;  ///< "status", "reload", "queue list", …
  std::vector<std::string> arguments;
  auto fields() { return std::tie(verb, arguments); }
};
struct ControlText {
  static constexpr std::uint16_t type = 41;
  std::string text;
  auto fields() { return std::tie(text); }
};
struct ControlFile {
  static constexpr std::uint16_t type = 42;
  Fd file;
  auto fields() { return std::tie(file); }
};
struct ControlDone {
  static constexpr std::uint16_t type = 43;
  std::int32_t exit_code = 0;  ///< of sysexits.h
  std::string text;            ///< why, when it is not 0
  auto fields() { return std::tie(exit_code, text); }
};
/// To queued: answer this caller. `privileged` is root or the admin group.
struct ControlCaller {
  static constexpr std::uint16_t type = 44;
  std::string verb;
  std::vector<std::string> arguments;
  std::uint32_t uid = 0;
  bool privileged = false;
  Fd client;
  auto fields() { return std::tie(verb, arguments, uid, privileged, client); }
};
/// To smtpd: a message that `sendmail` left in maildrop/ while nobody answered; copied in, then answered.
struct MaildropFile {
  static constexpr std::uint16_t type = 45;
  std::string name;
  std::uint32_t uid = 0;
  Fd file;
  auto fields() { return std::tie(name, uid, file); }
};
enum class Taken : std::uint8_t {
  queued,   ///< it is in the queue
  later,    ///< stays for another try
  refused,  ///< for good: kept in corrupt/ for an administrator to look at
};
struct MaildropTaken {
  static constexpr std::uint16_t type = 46;
  std::string name;
  Taken taken = Taken::later;
  std::string why;  ///< the reply that refused it
  auto fields() { return std::tie(name, taken, why); }
};

}  // namespace facteur::master
