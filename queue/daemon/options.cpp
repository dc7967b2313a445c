#include "queue/daemon/options.h"

#include "queue/format/envelope.h"

namespace facteur::queue {
namespace {

constexpr std::size_t remote_attempts = 100;  // default_process_limit of Postfix
constexpr std::size_t local_attempts = 512;
constexpr std::size_t attempts_per_worker = 64;  // a worker has 32 threads that sync
// A message between processes is at most 64 KiB: so many addresses of the longest kind fit.
constexpr std::size_t most_remote_recipients = 50;
constexpr std::size_t most_local_recipients = 20;
static_assert(most_remote_recipients * (max_address + 8) < 60000);
static_assert(most_local_recipients * (3 * max_address - 512 + 16) < 60000);

}  // namespace

Options options_from(const config::Settings& settings) {
  Options out;
  out.hostname = settings.hostname;
  out.relayhost = settings.relayhost;
  out.smtp_port = settings.smtp_tcp_port;
  out.no_dns = settings.disable_dns_lookups;
  out.times = {settings.minimal_backoff_time, settings.maximal_backoff_time, settings.maximal_queue_lifetime};
  out.bounce_lifetime = settings.bounce_queue_lifetime;
  out.hopcount_limit = settings.hopcount_limit;
  out.most_recipients = settings.qmgr_message_recipient_limit;
  out.most_messages = settings.qmgr_message_active_limit;
  out.bounce_size_limit = settings.bounce_size_limit;
  out.minfree = settings.queue_minfree;
  out.remote.attempts = remote_attempts;
  out.remote.initial_window = settings.initial_destination_concurrency;
  out.remote.most_window = settings.smtp_destination_concurrency_limit;
  out.remote.recipients_per_attempt =
      std::min<std::size_t>(settings.default_destination_recipient_limit, most_remote_recipients);
  out.local = {local_attempts, attempts_per_worker, attempts_per_worker, most_local_recipients,
               out.local.new_mail_per_big_list};
  return out;
}

}  // namespace facteur::queue
