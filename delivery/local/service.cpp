// A delivery is one job on the pool for each recipient; the answer goes out with the last of them.

#include "delivery/local/service.h"

#include <algorithm>
#include <utility>

#include "common/base/in_hand.h"
#include "common/base/strings.h"
#include "common/log/log.h"
#include "common/process/mail_tree.h"
#include "delivery/local/letter.h"

namespace facteur::local {

Service::Service(loop::Loop& loop, const config::Settings& settings) : loop_(loop), settings_(settings), clock_(loop) {
}

// Accounts ------------------------------------------------------------------------------------------------------------

void Service::add(const auth::Account& account) {
  auto place = process::mail_place(account);
  if (!place) {
    // Mail for it waits until somebody has mended the settings.
    log::error("{}", place.error().text);
    accounts_.erase(account.name);
    places_.erase(account.name);
    return;
  }
  const auto key = account.mail + "\n" + account.home;
  if (const auto known = places_.find(account.name); known != places_.end() && known->second == key) return;
  store::OpenOptions options;
  options.host = settings_.hostname;
  options.mbox_lock = store::mbox_lock_options(settings_.mbox_write_locks, settings_.mbox_lock_timeout,
                                               settings_.mbox_dotlock_change_timeout);
  options.mbox_lock.keeper = keeper_;
  using Format = store::Location::Format;
  const auto format = place->kind == process::MailPlace::Kind::mbox ? Format::mbox : Format::maildir;
  auto location = store::location_of(format, std::move(place->path), account.home);
  accounts_[account.name] = std::make_shared<Inbox>(std::move(location), std::move(options));
  places_[account.name] = key;
}

void Service::add_and_make(auth::Account account, std::function<void()> done) {
  const auto made = std::make_shared<Result<>>();
  // What make_mail() reads of the settings never changes under a running worker; a copy keeps threads apart.
  const auto settings = std::make_shared<const config::Settings>(settings_);
  const auto make = [account, settings, made] {
    const InHand noted(account.name);
    *made = process::make_mail(account, *settings, false);
  };
  loop_.work_detached(make, [this, account, made, done = std::move(done)] {
    if (!*made) log::warning("mail of {}: {}", printable(account.name), made->error().text);
    add(account);
    done();
  });
}

// Deliveries ----------------------------------------------------------------------------------------------------------

void Service::serve(std::unique_ptr<ipc::Door> door) {
  door_ = std::move(door);
  ++door_number_;
  door_->on<queue::Deliver>([this](queue::Deliver request) { deliver(std::move(request)); });
  door_->on<queue::MayEnd>([this](const queue::MayEnd&) { may_end(); });
  door_->on_close([](const std::string& why) { log::info("the door to queued closed: {}", why); });
  door_->open();
}

void Service::deliver(queue::Deliver request) {
  clock_.stop();
  if (request.recipients.empty()) return door_->close("a delivery to nobody");
  const auto key = ++last_key_;
  auto& delivery = deliveries_[key];
  delivery.door = door_number_;
  delivery.answer.id = request.id;
  delivery.open = request.recipients.size();
  delivery.began = monotonic_now();
  const auto message = std::make_shared<const Message>(
      Message{std::move(request.queue_id), std::move(request.reverse_path), request.arrival, request.first_attempt,
              request.content_only, std::make_shared<const Fd>(std::move(request.message))});
  for (auto& recipient : request.recipients) start_job(key, message, std::move(recipient));
}

void Service::start_job(std::uint64_t key, const std::shared_ptr<const Message>& message,
                        queue::LocalRecipient recipient) {
  const auto account = accounts_.find(recipient.account);
  const auto inbox = account == accounts_.end() ? nullptr : account->second;
  const auto result = std::make_shared<queue::RecipientResult>(unknown_account(recipient.number));
  const auto who = std::make_shared<const queue::LocalRecipient>(std::move(recipient));
  loop_.work_detached(
      [inbox, message, who, result] {
        const InHand noted(who->account);
        if (inbox) *result = put(*inbox, *message, *who);
      },
      [this, key, result] { finished(key, std::move(*result)); });
}

/// On the pool.
queue::RecipientResult Service::put(Inbox& inbox, const Message& message, const queue::LocalRecipient& recipient) {
  auto content = MessageContent::open(message.file, message.content_only);
  if (!content) return not_delivered(recipient.number, content.error());
  const auto header = content->header();
  if (!header) return not_delivered(recipient.number, header.error());
  if (loops(recipient, *header)) return loop_found(recipient);
  const auto fields = top_fields(message.reverse_path, recipient, *header);
  auto delivered = inbox.deliver({.headers = fields,
                                  .message = &*content,
                                  .reverse_path = message.reverse_path,
                                  .queue_id = message.queue_id,
                                  .recipient = recipient.number,
                                  .arrival = message.arrival,
                                  .first_attempt = message.first_attempt});
  if (!delivered) return not_delivered(recipient.number, delivered.error());
  return delivered_to(recipient.number, std::move(*delivered));
}

void Service::finished(std::uint64_t key, queue::RecipientResult result) {
  auto& delivery = deliveries_.at(key);
  if (result.fate == queue::Fate::deferred) idle_time_ = std::min(idle_time_, idle_time_after_error);
  delivery.answer.results.push_back(std::move(result));
  if (--delivery.open > 0) return;
  const auto spent = std::chrono::duration_cast<Milliseconds>(monotonic_now() - delivery.began);
  delivery.answer.transfer_ms = static_cast<std::uint32_t>(spent.count());
  // The answer to a door that is gone is nobody's business behind another one.
  if (door_ && delivery.door == door_number_) door_->send_or_close(std::move(delivery.answer));
  deliveries_.erase(key);
  if (!deliveries_.empty()) return;
  restart_clock();
  if (when_idle_) when_idle_();
}

// The end -------------------------------------------------------------------------------------------------------------

void Service::when_idle(std::function<void()> handler) {
  when_idle_ = std::move(handler);
  if (idle()) when_idle_();
}

void Service::end_when_idle(Seconds after, std::function<void()> end) {
  idle_time_ = std::chrono::duration_cast<Milliseconds>(after);
  end_ = std::move(end);
  restart_clock();
}

void Service::restart_clock() {
  if (!end_) return;
  clock_.repeat(idle_time_, [this] {
    if (idle() && door_) door_->send(queue::WantEnd{});
  });
}

/// queued sends nothing more through this door; but what came before that, and is under way, is finished first.
void Service::may_end() {
  if (!end_) return;
  when_idle(end_);
}

}  // namespace facteur::local
