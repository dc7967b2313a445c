#include "cli/sendmail/sendmail.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string>
#include <sysexits.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/sendmail/caller.h"
#include "cli/sendmail/header.h"
#include "cli/sendmail/input.h"
#include "cli/sendmail/maildrop.h"
#include "cli/sendmail/options.h"
#include "cli/sendmail/recipients.h"
#include "cli/sendmail/serve.h"
#include "cli/sendmail/submit.h"
#include "common/address/grammar.h"
#include "config/load.h"

namespace facteur::cli::sendmail {
namespace {

int report(int code, const std::string& why) {
  std::fprintf(stderr, "sendmail: %s\n", why.c_str());
  return code;
}

/// What names without a domain belong to, as smtpd has it.
std::string origin_of(const config::Settings& settings) {
  return settings.domains.empty() ? settings.hostname : settings.domains.front();
}

/// Reads stdin to the end of the message. False if that fails.
bool read_message(Input& input) {
  constexpr std::size_t piece = 64 * 1024;
  std::array<char, piece> octets;
  for (;;) {
    const auto count = ::read(STDIN_FILENO, octets.data(), octets.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    if (count == 0) break;
    if (!input.feed({octets.data(), static_cast<std::size_t>(count)})) return true;
  }
  input.finish();
  return true;
}

/// Hands one batch in; what nobody answers for now is left in the maildrop.
int deliver(const config::Settings& settings, Batch batch, bool verbose) {
  auto outcome = submit(settings, batch, verbose);
  for (const auto& line : outcome.refusals) report(0, line);
  const bool refused = !outcome.refusals.empty();
  if (refused && outcome.sent > 0) report(0, "the message was sent to the other recipients");
  if (outcome.postponed.empty()) return outcome.exit_code;
  batch.recipients = std::move(outcome.postponed);
  if (auto left = leave_in_maildrop(settings, batch); !left) {
    return report(EX_TEMPFAIL, "the message was not sent (" + outcome.why_postponed + ") and cannot wait either (" +
                                   left.error().text + "): keep it and try again when facteurd runs");
  }
  if (refused)
    report(0, "the message waits in the maildrop for " +
                  std::string(outcome.sent > 0 ? "some of them" : "the other recipients"));
  if (verbose) std::printf("not now (%s): the message waits in the maildrop\n", outcome.why_postponed.c_str());
  return outcome.exit_code;
}

/// A transaction has at most smtpd_recipient_limit recipients; there are as many as it takes.
int deliver_all(const config::Settings& settings, Batch batch, const std::vector<std::string>& recipients,
                bool verbose) {
  int code = EX_OK;
  const auto most = std::max<std::size_t>(settings.smtpd_recipient_limit, 1);
  for (std::size_t at = 0; at < recipients.size(); at += most) {
    const auto begin = recipients.begin() + static_cast<std::ptrdiff_t>(at);
    batch.recipients.assign(begin, begin + static_cast<std::ptrdiff_t>(std::min(most, recipients.size() - at)));
    const int done = deliver(settings, batch, verbose);
    if (code == EX_OK) code = done;
  }
  return code;
}

int send(const config::Settings& settings, const Options& options) {
  const auto origin = origin_of(settings);
  const auto caller = find_caller();
  const auto reverse_path = qualify(options.sender.value_or(caller.login), origin);
  if (!reverse_path) return report(EX_USAGE, "-f " + reverse_path.error().text);
  Recipients recipients(origin);
  for (const auto& one : options.recipients) {
    if (auto added = recipients.add(one); !added) return report(EX_USAGE, added.error().text);
  }
  Input input(options.dot_ends, settings.message_size_limit);
  if (!read_message(input)) return report(EX_NOINPUT, "stdin cannot be read: nothing was sent");
  if (input.too_large()) {
    return report(EX_DATAERR, "the message is larger than message_size_limit (" +
                                  std::to_string(settings.message_size_limit) + " octets): nothing was sent");
  }
  // smtpd refuses it too (RFC 5322 section 4), but in the maildrop that would be too late for who calls.
  if (input.content().contains('\0')) {
    return report(EX_DATAERR, "the message has a NUL octet, which no mail may have: nothing was sent");
  }
  const auto message = close_header(input.content());
  if (options.from_header) {
    auto added = recipients.add_from_header(message);
    if (!added) return report(EX_DATAERR, "the header names " + added.error().text + ": nothing was sent");
  }
  if (recipients.all().empty()) {
    return report(EX_USAGE,
                  "no recipients: nothing was sent; name them behind the options, or in To, Cc or Bcc with -t");
  }
  const auto& name = options.full_name.empty() ? caller.full_name : options.full_name;
  const auto author =
      reverse_path->empty() ? qualify(caller.login, origin).value_or("postmaster@" + origin) : *reverse_path;
  const auto content = rewrite_header(message, from_field(name, author));
  const bool body_8bit = options.body_8bit || !address::is_ascii(content);
  return deliver_all(settings, Batch{settings.hostname, *reverse_path, {}, body_8bit, content}, recipients.all(),
                     options.verbose);
}

int flush(const Options& options) {
  std::vector<std::string> ids;
  if (!options.queue_id.empty()) ids.push_back(options.queue_id);
  return queue_request(options.config_file, "queue flush", ids);
}

}  // namespace

int run(std::string_view program, std::span<const std::string_view> arguments) {
  const auto options = parse_options(program, arguments);
  if (!options) return report(EX_USAGE, options.error().text);
  if (options->mode == Mode::list) return queue_list(options->config_file);
  if (options->mode == Mode::aliases) return new_aliases(options->config_file);
  if (options->mode == Mode::flush) return flush(*options);
  // A reader that is gone shows as a failed write.
  std::signal(SIGPIPE, SIG_IGN);
  const auto settings = config::load(config::settings_path(options->config_file));
  if (!settings) return report(EX_CONFIG, settings.error().text);
  return options->mode == Mode::serve ? serve(*settings) : send(*settings, *options);
}

}  // namespace facteur::cli::sendmail
