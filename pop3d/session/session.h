// POP3 behind login: the TRANSACTION and UPDATE states of RFC 1939 sections 5 and 6, without I/O of its own. Calls of
// the store go to an Executor; octets come in by feed() and go out by take_output().
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/executor.h"
#include "common/base/result.h"
#include "common/base/ticket.h"
#include "common/base/time.h"
#include "common/login/session_engine.h"
#include "common/store/mailbox.h"
#include "pop3d/session/download.h"
#include "pop3d/session/maildrop.h"
#include "pop3d/session/uidl.h"
#include "pop3d/wire/command.h"

namespace facteur::pop3d {

/// Time without a command after which a session ends without UPDATE (RFC 1939 section 3: at least ten minutes).
constexpr Seconds autologout{600};

/// The inbox with the lock that keeps a second POP3 session out.
struct OpenMaildrop {
  std::shared_ptr<void> lock;
  std::shared_ptr<store::Mailbox> mailbox;
  std::shared_ptr<const store::Snapshot> snapshot;
};
/// Why it cannot be had.
struct OpenFailure {
  bool in_use = false;  ///< another session has it: [IN-USE]
  Error error;
};
/// Opens the maildrop. Blocks; runs on the Executor.
using Opener = std::function<std::expected<OpenMaildrop, OpenFailure>()>;

/// Runs the handler after this time, never before the call returns, unless the Ticket is dropped.
using Delay = std::function<Ticket(Milliseconds, std::function<void()> handler)>;
/// How often a maildrop is tried that another session has, and how long is waited in between. Two programs of one user
/// often look for mail at the same moment; who keeps a session open keeps the others out (RFC 2449 section 8.1.1).
constexpr unsigned open_attempts = 20;
constexpr Milliseconds open_interval{50};

struct SessionOptions {
  UidlFormat uidl;
  bool no_flag_updates = false;  ///< do not set \Seen on what was retrieved (Dovecot's pop3_no_flag_updates)
  unsigned bad_commands = 20;    ///< in a row; then the session is closed
  Delay delay;                   ///< nothing: a maildrop that another session has is tried once
  std::vector<std::string> mechanisms{"PLAIN", "LOGIN"};  ///< of AUTH, as CAPA told before login
};

/// What a session did, for the log.
struct SessionTotals {
  std::uint32_t messages = 0;   ///< at login
  std::uint32_t retrieved = 0;  ///< RETR
  std::uint32_t topped = 0;     ///< TOP
  std::uint32_t deleted = 0;    ///< by UPDATE
  std::uint64_t octets = 0;     ///< sent
  std::string problem;          ///< what went wrong on our side; empty if nothing
};

/// One client's dialogue behind login. Destroyed at any moment without QUIT, it has deleted nothing.
class Session final : public login::SessionEngine {
 public:
  Session(Executor& executor, Opener open, SessionOptions options);
  ~Session() override;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Opens the maildrop and gives the reply to the login: first call of all.
  void start();
  void feed(std::string_view octets) override;
  [[nodiscard]] std::string take_output() override;
  [[nodiscard]] bool wants_input() const override;
  [[nodiscard]] bool idle() const override { return !job_ && !listing_ && !download_ && out_.empty(); }
  [[nodiscard]] bool closed() const override { return phase_ == Phase::closed && out_.empty(); }
  /// The client was silent for `autologout`: closed without a word and without UPDATE (RFC 1939 section 3).
  void time_out() override;
  /// Without UPDATE too.
  void shut_down() override;
  void on_change(std::function<void()> handler) override { changed_ = std::move(handler); }
  [[nodiscard]] const SessionTotals& totals() const { return totals_; }

 private:
  enum class Phase : std::uint8_t { opening, transaction, update, closed };
  using Arguments = std::span<const std::string_view>;
  struct Command {
    std::string_view verb;
    std::size_t fewest, most;  ///< arguments
    void (Session::*handle)(Arguments arguments);
  };
  /// LIST or UIDL of all messages, told as there is room.
  struct Listing {
    bool unique_ids = false;
    std::uint32_t next = 1;
  };
  static const std::array<Command, 11> commands;

  void open_maildrop();
  void opened(std::expected<OpenMaildrop, OpenFailure> result);
  void run();
  void dispatch(std::string_view line);
  void list_more();
  void list_one(std::uint32_t number, bool unique_id);
  void download_more();
  void sliced(Result<Download::Slice> slice);

  void capa(Arguments arguments);
  void stat(Arguments arguments);
  void list(Arguments arguments);
  void uidl(Arguments arguments);
  void retr(Arguments arguments);
  void top(Arguments arguments);
  void dele(Arguments arguments);
  void last(Arguments arguments);
  void rset(Arguments arguments);
  void noop(Arguments arguments);
  void quit(Arguments arguments);

  void start_listing(Arguments arguments, bool unique_ids);
  void begin_download(std::uint32_t number, std::optional<std::uint64_t> body_lines);
  [[nodiscard]] std::optional<std::uint32_t> message(std::string_view text);
  void reply(std::string_view text);
  void refuse(std::string_view text);
  void close();
  void release();
  [[nodiscard]] bool has_room() const { return out_.size() < most_output; }

  static constexpr std::size_t most_output = 65536;  ///< beyond, no further reply is begun
  static constexpr std::size_t most_input = 8192;    ///< beyond, no more is read

  Executor& executor_;
  Opener open_;
  unsigned attempts_ = 0;
  SessionOptions options_;
  LineReader in_;
  std::string out_;
  std::shared_ptr<OpenMaildrop> files_;
  std::optional<Maildrop> maildrop_;
  std::optional<Listing> listing_;
  std::optional<Download> download_;
  bool download_told_ = false;  ///< a part of it is out: what fails now cannot be told any more
  SessionTotals totals_;
  std::function<void()> changed_;
  unsigned bad_commands_ = 0;
  Phase phase_ = Phase::opening;
  Ticket job_;  ///< the one job under way; last member: no callback reaches a session half gone
};

}  // namespace facteur::pop3d
