// The commands of the TRANSACTION state, and the UPDATE state that QUIT enters.
#include <fmt/format.h>
#include <utility>

#include "common/base/number.h"
#include "pop3d/session/session.h"
#include "pop3d/wire/capabilities.h"

namespace facteur::pop3d {

const std::array<Session::Command, 11> Session::commands{{
    // verb, arguments at least and at most, handler
    {"CAPA", 0, 0, &Session::capa},  // RFC 2449 section 5
    {"STAT", 0, 0, &Session::stat},  // RFC 1939 section 5
    {"LIST", 0, 1, &Session::list},  // RFC 1939 section 5
    {"UIDL", 0, 1, &Session::uidl},  // RFC 1939 section 7
    {"RETR", 1, 1, &Session::retr},  // RFC 1939 section 5
    {"TOP", 2, 2, &Session::top},    // RFC 1939 section 7
    {"DELE", 1, 1, &Session::dele},  // RFC 1939 section 5
    {"LAST", 0, 0, &Session::last},  // RFC 1460
    {"RSET", 0, 0, &Session::rset},  // RFC 1939 section 5
    {"NOOP", 0, 0, &Session::noop},  // RFC 1939 section 5
    {"QUIT", 0, 0, &Session::quit},  // RFC 1939 section 6
}};

/// What was told before login is told behind it too (RFC 2449 section 5), but for STLS, which RFC 2595 section 4 lets
/// stand only where it is permitted.
void Session::capa(Arguments) {
  reply("+OK Capability list follows");
  for (const auto capability : common_capabilities) reply(capability);
  tell_login_capabilities(options_.mechanisms, [this](std::string_view line) { reply(line); });
  reply(".");
}

void Session::stat(Arguments) {
  reply(fmt::format("+OK {} {}", maildrop_->kept(), maildrop_->octets()));
}

void Session::list(Arguments arguments) {
  start_listing(arguments, false);
}

void Session::uidl(Arguments arguments) {
  start_listing(arguments, true);
}

void Session::start_listing(Arguments arguments, bool unique_ids) {
  if (arguments.empty()) {
    reply(unique_ids ? "+OK Unique ids follow"
                     : fmt::format("+OK {} messages ({} octets)", maildrop_->kept(), maildrop_->octets()));
    listing_ = Listing{unique_ids};
  } else if (const auto number = message(arguments[0])) {
    out_ += "+OK ";
    list_one(*number, unique_ids);
  }
}

/// RETR. The count in the reply is that of the content's octets; where the last line has no line end, the CRLF before
/// the final dot is not part of the message.
void Session::retr(Arguments arguments) {
  const auto number = message(arguments[0]);
  if (!number) return;
  maildrop_->mark_retrieved(*number);
  ++totals_.retrieved;
  begin_download(*number, std::nullopt);
}

void Session::top(Arguments arguments) {
  const auto number = message(arguments[0]);
  if (!number) return;
  const auto lines = parse_number<std::uint64_t>(arguments[1]);
  if (!lines) return refuse("-ERR TOP wants a number of lines");
  ++totals_.topped;
  begin_download(*number, lines);
}

void Session::begin_download(std::uint32_t number, std::optional<std::uint64_t> body_lines) {
  download_.emplace(files_->mailbox, maildrop_->record(number), body_lines);
  download_told_ = false;
}

void Session::dele(Arguments arguments) {
  const auto number = message(arguments[0]);
  if (!number) return;
  maildrop_->mark_deleted(*number);
  reply(fmt::format("+OK Message {} deleted", *number));
}

void Session::last(Arguments) {
  reply(fmt::format("+OK {}", maildrop_->last()));
}

void Session::rset(Arguments) {
  maildrop_->reset();
  reply(fmt::format("+OK {} messages ({} octets)", maildrop_->kept(), maildrop_->octets()));
}

void Session::noop(Arguments) {
  reply("+OK");
}

namespace {
/// What QUIT does to the files, and what came of it.
struct Update {
  std::shared_ptr<OpenMaildrop> files;
  std::vector<store::Uid> seen;
  std::vector<store::Uid> deleted;
  Result<> flagged;
  Result<std::vector<store::Uid>> removed;
};

/// Removes, then gives up the lock, so that the client may come back as soon as it has its reply.
void update(Update& work) {
  auto& mailbox = *work.files->mailbox;
  if (!work.seen.empty()) work.flagged = mailbox.change_flags(work.seen, store::FlagChange::add, store::seen, {});
  if (!work.deleted.empty()) work.removed = mailbox.expunge(work.deleted);
  work.files->mailbox.reset();
  work.files->lock.reset();
}
}  // namespace

/// QUIT enters the UPDATE state; +OK only when all that was marked is gone for good (RFC 1939 section 6).
void Session::quit(Arguments) {
  phase_ = Phase::update;
  auto work = std::make_shared<Update>();
  work->files = std::exchange(files_, nullptr);
  work->deleted = maildrop_->deleted_uids();
  if (!options_.no_flag_updates && !work->files->mailbox->read_only()) work->seen = maildrop_->newly_seen_uids();
  job_ = executor_.run([work] { update(*work); },
                       [this, work] {
                         job_.reset();
                         if (!work->flagged) totals_.problem = work->flagged.error().text;
                         if (!work->removed) totals_.problem = work->removed.error().text;
                         if (work->removed) totals_.deleted = static_cast<std::uint32_t>(work->removed->size());
                         reply(work->removed ? "+OK Bye" : "-ERR [SYS/TEMP] Some deleted messages were not removed");
                         close();
                         if (changed_) changed_();
                       });
}

/// The number of a message that is there. Otherwise says so, which is an answer and no bad command.
std::optional<std::uint32_t> Session::message(std::string_view text) {
  auto number = maildrop_->find(text);
  if (!number) reply("-ERR No such message");
  return number;
}

}  // namespace facteur::pop3d
