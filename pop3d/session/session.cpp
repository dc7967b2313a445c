// The course of a session: opening, lines in, replies out, closing. The commands are in commands.cpp.
#include "pop3d/session/session.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "common/base/strings.h"

namespace facteur::pop3d {

namespace {
/// A job whose result nobody waits for; the work is done all the same.
void run_detached(Executor& executor, std::function<void()> work) {
  const auto dropped = executor.run(std::move(work), [] {});
}
}  // namespace

Session::Session(Executor& executor, Opener open, SessionOptions options)
    : executor_(executor), open_(std::move(open)), options_(std::move(options)) {
}

Session::~Session() {
  job_.reset();
  release();
}

void Session::start() {
  open_maildrop();
}

void Session::open_maildrop() {
  // The job owns what it opens: should the session be gone meanwhile, the lock goes with the job.
  auto result = std::make_shared<std::expected<OpenMaildrop, OpenFailure>>();
  job_ = executor_.run([open = open_, result] { *result = open(); },
                       [this, result] {
                         job_.reset();
                         const bool in_use = !*result && result->error().in_use;
                         if (in_use && options_.delay && ++attempts_ < open_attempts) {
                           job_ = options_.delay(open_interval, [this] { open_maildrop(); });
                           return;
                         }
                         opened(std::move(*result));
                         run();
                         if (changed_) changed_();
                       });
}

void Session::opened(std::expected<OpenMaildrop, OpenFailure> result) {
  if (!result) {
    const auto& failure = result.error();
    totals_.problem = failure.error.text;
    if (failure.in_use) {
      reply("-ERR [IN-USE] Another POP3 session has this mailbox open");
    } else if (failure.error.kind == Kind::permanent) {
      reply("-ERR [SYS/PERM] The mailbox cannot be opened");
    } else {
      reply("-ERR [SYS/TEMP] The mailbox cannot be opened now, try again later");
    }
    return close();
  }
  files_ = std::make_shared<OpenMaildrop>(std::move(*result));
  maildrop_.emplace(std::move(files_->snapshot));
  totals_.messages = maildrop_->count();
  phase_ = Phase::transaction;
  reply(fmt::format("+OK Mailbox open, {} messages", maildrop_->count()));
}

void Session::feed(std::string_view octets) {
  if (phase_ == Phase::closed || phase_ == Phase::update) return;
  in_.append(octets);
  run();
}

std::string Session::take_output() {
  auto out = std::exchange(out_, {});
  totals_.octets += out.size();
  run();
  return out;
}

bool Session::wants_input() const {
  return (phase_ == Phase::opening || phase_ == Phase::transaction) && in_.rest().size() < most_input;
}

/// Goes on with what was begun, then with buffered lines, until a job or the client's reading has to be waited for. A
/// loop, never recursion: a client may pipeline thousands of commands (RFC 2449 section 6.6).
void Session::run() {
  while (phase_ == Phase::transaction && !job_ && has_room()) {
    if (listing_) {
      list_more();
    } else if (download_) {
      download_more();
    } else {
      std::string_view line;
      const auto state = in_.next(max_command_line, line);
      if (state == LineReader::State::incomplete) return;
      if (state == LineReader::State::too_long) {
        reply("-ERR Line too long");
        return close();
      }
      dispatch(line);
    }
  }
}

void Session::dispatch(std::string_view line) {
  const auto command = parse_command(line);
  if (!command) return refuse("-ERR Malformed command");
  const auto known = std::ranges::find_if(commands, [&](const auto& c) { return iequals(c.verb, command->verb); });
  if (known == commands.end()) return refuse("-ERR Unknown command");
  const auto arguments = words(command->arguments);
  if (arguments.size() < known->fewest) return refuse("-ERR Argument missing");
  if (arguments.size() > known->most) return refuse("-ERR Too many arguments");
  const auto bad_before = bad_commands_;
  (this->*known->handle)(arguments);
  if (bad_commands_ == bad_before) bad_commands_ = 0;
}

void Session::list_more() {
  while (listing_->next <= maildrop_->count() && has_room()) {
    const auto number = listing_->next++;
    if (!maildrop_->is_deleted(number)) list_one(number, listing_->unique_ids);
  }
  if (listing_->next <= maildrop_->count()) return;
  listing_.reset();
  reply(".");
}

void Session::list_one(std::uint32_t number, bool unique_id) {
  const auto& record = maildrop_->record(number);
  fmt::format_to(std::back_inserter(out_), "{} ", number);
  if (unique_id) {
    options_.uidl.append(out_, maildrop_->uid_validity(), record.uid);
  } else {
    fmt::format_to(std::back_inserter(out_), "{}", maildrop_->octets(number));
  }
  out_ += "\r\n";
}

void Session::download_more() {
  job_ = download_->next(executor_, [this](Result<Download::Slice> slice) {
    job_.reset();
    sliced(std::move(slice));
    run();
    if (changed_) changed_();
  });
}

void Session::sliced(Result<Download::Slice> slice) {
  if (slice) {
    download_told_ = true;
    out_ += slice->wire;
    if (slice->last) download_.reset();
    return;
  }
  totals_.problem = slice.error().text;
  download_.reset();
  if (download_told_) return close();
  reply(slice.error().kind == Kind::permanent ? "-ERR The message is gone"
                                              : "-ERR [SYS/TEMP] The message cannot be read now");
}

void Session::time_out() {
  if (phase_ == Phase::update) return;  // QUIT is being carried out: it ends by itself
  out_.clear();
  close();
}

void Session::shut_down() {
  const bool between_replies = phase_ == Phase::opening || (phase_ == Phase::transaction && !listing_ && !download_);
  if (phase_ == Phase::update) return;  // QUIT is being carried out: it ends by itself
  if (between_replies) reply("-ERR [SYS/TEMP] Server shutting down");
  close();
}

void Session::reply(std::string_view text) {
  out_.append(text).append("\r\n");
}

void Session::refuse(std::string_view text) {
  if (++bad_commands_ < options_.bad_commands) return reply(text);
  reply("-ERR Too many bad commands");
  close();
}

void Session::close() {
  phase_ = Phase::closed;
  job_.reset();
  listing_.reset();
  download_.reset();
  in_.release();
  release();
}

/// Closes the files off the loop, and only then gives up the lock.
void Session::release() {
  if (!files_) return;
  run_detached(executor_, [files = std::move(files_)] { files->mailbox.reset(); });
  files_.reset();
}

}  // namespace facteur::pop3d
