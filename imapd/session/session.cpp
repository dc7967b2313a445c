#include "imapd/session/session.h"

#include <utility>

#include "common/base/strings.h"
#include "imapd/session/commands/append_arguments.h"
#include "imapd/wire/capabilities.h"

namespace facteur::imapd {

namespace {

/// DONE is all that a client may say while it idles.
constexpr std::size_t max_idle_line = 256;

std::unexpected<Reply> refuse(Reply reply) {
  return std::unexpected(std::move(reply));
}

/// What the client may be told behind a command.
Tell what_to_tell(const CommandInfo& info) {
  if (info.has(selects)) return Tell::nothing;
  if (info.has(uses_sequence_numbers)) return Tell::no_expunge;
  return info.has(by_uid) ? Tell::all_with_uids : Tell::all;
}

/// The command that may follow in this state.
std::expected<const CommandInfo*, Reply> legal_command(std::string_view name, std::uint8_t state) {
  const auto* info = find_command(name);
  if (info == nullptr) return refuse(bad("Unknown command " + std::string(name.substr(0, 40))));
  if ((info->allowed & state) != 0) return info;
  if (info->allowed == 0) return refuse(bad("Already logged in"));
  return refuse(bad("No mailbox is selected"));
}

}  // namespace

Session::Session(Executor& executor, Opener open, Settings settings)
    : executor_(executor),
      open_(std::move(open)),
      settings_(std::move(settings)),
      reader_(settings_.limits, [this](std::string_view text) { return plan_literal(text); }) {
  shared_->context.user = settings_.user;
}

void Session::start(std::string tag) {
  tag_ = std::move(tag);
  auto task = [open = std::move(open_)](Context& context) {
    auto account = open();
    if (!account) {
      context.bye = "Try again later";
      warn(context, account.error());
      return no("The mail cannot be opened now", "UNAVAILABLE");
    }
    context.account = std::move(*account);
    return ok("Logged in", "CAPABILITY " + std::string(capabilities_after_login));
  };
  start_job(std::get<std::unique_ptr<Task>>(one_slice(std::move(task))), Tell::nothing, false, false);
}

void Session::feed(std::string_view octets) {
  if (closed_) return;
  reader_.append(octets);
  run();
}

std::string Session::take_output() {
  auto out = std::exchange(out_, {});
  run();
  return out;
}

/// While nothing is at work, what waits is the beginning of a command, and CommandReader bounds that.
bool Session::wants_input() const {
  if (closed_ || full()) return false;
  const bool busy = ticket_ || shared_->job;
  return !busy || reader_.waiting().size() < input_waiting;
}

std::uint8_t Session::state() const {
  return shared_->context.selected ? State::selected : State::authenticated;
}

/// Handles what waits until a job is at work, output is full, or octets are missing. A loop: a client may pipeline any
/// number of commands (RFC 3501 section 5.5).
void Session::run() {
  while (!closed_ && !ticket_ && !full()) {
    if (!bye_.empty()) {
      end_now();
    } else if (shared_->job) {
      next_slice();
    } else if (idling_ && std::exchange(changed_, false)) {
      start_job(nullptr, Tell::all, false, true);
    } else if (!(idling_ ? idle_line() : next_command())) {
      return;
    }
  }
}

/// False when octets are missing.
bool Session::next_command() {
  auto event = reader_.next();
  if (std::holds_alternative<CommandReader::More>(event)) return false;
  if (std::holds_alternative<CommandReader::Continue>(event)) out_ += "+ OK\r\n";
  if (const auto* command = std::get_if<Command>(&event)) dispatch(*command);
  if (const auto* refusal = std::get_if<CommandReader::Refused>(&event)) refused(refusal->text, refusal->reply);
  if (const auto* overflow = std::get_if<CommandReader::Overflow>(&event)) fatal(overflow->reply);
  return true;
}

void Session::dispatch(const Command& command) {
  tag_ = tag_of(command.text);
  command_ = nullptr;
  if (command.text.empty()) return answer(bad("Empty command"));
  if (command.has_nul()) return answer(bad("NUL in a command"));
  if (command.bare_lf) return answer(bad("Lines end with CR LF"));
  Parser parser(command.text, command.message);
  (void)parser.tag();
  parser.space();
  const auto name = take_command_name(parser);
  if (!parser) return answer(parser.fault());
  const auto info = legal_command(name, state());
  if (!info) return answer(info.error());
  handle(parser, **info);
}

void Session::handle(Parser& parser, const CommandInfo& info) {
  command_ = &info;
  const auto& selected = shared_->context.selected;
  if (selected && !info.has(reads_contents)) selected->forget_content();
  auto step = info.handle(parser, info, settings_);
  if (!parser) return answer(parser.fault());
  if (info.has(changes_messages) && selected->read_only()) {
    return answer(no("The mailbox is open for reading only", "READ-ONLY"));
  }
  if (auto* finished = std::get_if<Done>(&step)) {
    out_ += finished->untagged;
    if (info.has(idles)) {
      idling_ = changed_ = true;
      return;
    }
    answer(finished->reply);
    if (info.has(ends_session)) closed_ = true;
    return;
  }
  const bool of_messages = info.allowed == State::selected && !info.has(selects);
  start_job(std::move(std::get<std::unique_ptr<Task>>(step)), what_to_tell(info), of_messages, false);
}

/// A client that idles has one thing to say (RFC 2177). False when octets are missing.
bool Session::idle_line() {
  auto line = reader_.next_line(max_idle_line);
  if (std::holds_alternative<CommandReader::More>(line)) return false;
  if (const auto* overflow = std::get_if<CommandReader::Overflow>(&line)) {
    fatal(overflow->reply);
    return true;
  }
  idling_ = false;
  answer(iequals(std::get<std::string>(line), "DONE") ? ok("Idle ended") : bad("Expected DONE"));
  return true;
}

void Session::start_job(std::unique_ptr<Task> task, Tell tell, bool needs_view, bool drain_watch) {
  shared_->job = std::make_unique<Job>(std::move(task), tell, needs_view, drain_watch);
  next_slice();
}

void Session::next_slice() {
  auto work = [shared = shared_] { shared->done = shared->job->run(shared->context); };
  ticket_ = executor_.run(std::move(work), [this] { slice_done(); });
}

void Session::slice_done() {
  ticket_.reset();
  out_ += std::exchange(shared_->context.out, {});
  if (shared_->done) job_done();
  run();
  if (on_change_) on_change_();
}

void Session::job_done() {
  const auto job = std::exchange(shared_->job, nullptr);
  if (shared_->context.cut) closed_ = true;
  if (closed_) return;
  if (!idling_ && job->reply()) answer(*job->reply());
  if (!shared_->context.bye.empty()) say_bye(shared_->context.bye);
}

void Session::answer(const Reply& reply) {
  out_ += response(tag_, reply);
  bad_commands_ = reply.status == Status::bad ? bad_commands_ + 1 : 0;
  if (bad_commands_ >= max_bad_commands) say_bye("Too many bad commands");
}

void Session::refused(std::string_view text, const Reply& reply) {
  tag_ = tag_of(text);
  answer(reply);
}

void Session::fatal(const Reply& reply) {
  out_ += response("*", reply);
  say_bye("Protocol error");
}

void Session::say_bye(std::string_view why) {
  out_.append("* BYE ").append(why).append("\r\n");
  closed_ = true;
}

void Session::end(std::string why) {
  if (closed_) return;
  bye_ = std::move(why);
  // Not by run(): a client that reads nothing must not hold up its end.
  if (!ticket_) end_now();
}

/// A command that is cut short may be inside a literal, where a BYE would be taken for a part of it.
void Session::end_now() {
  if (std::exchange(shared_->job, nullptr) == nullptr) say_bye(bye_);
  closed_ = true;
}

bool Session::watching() const {
  return idling_ && !closed_ && !ticket_ && !shared_->job && !changed_ && watch_descriptor() >= 0;
}

int Session::watch_descriptor() const {
  return shared_->context.selected ? shared_->context.selected->mailbox().watch_descriptor() : -1;
}

void Session::keep_alive() {
  if (!watching() || !out_.empty()) return;
  out_ += "* OK Still here\r\n";
  mailbox_changed();
}

void Session::mailbox_changed() {
  changed_ = true;
  run();
}

/// Whether a literal is worth waiting for: its command must be known and legal, and only the last one of APPEND is a
/// message.
LiteralPlan Session::plan_literal(std::string_view text) const {
  Parser parser(text);
  (void)parser.tag();
  parser.space();
  const auto name = take_command_name(parser);
  if (!parser) return {0, false, parser.fault()};
  const auto info = legal_command(name, state());
  if (!info) return {0, false, info.error()};
  const bool is_message = iequals(name, "APPEND") && commands::announces_message(parser);
  if (!parser && parser.fault().status == Status::no) return {0, false, parser.fault()};
  return {is_message ? settings_.message_size_limit : settings_.limits.literal, is_message, {}};
}

}  // namespace facteur::imapd
