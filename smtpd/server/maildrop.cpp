#include "smtpd/server/maildrop.h"

#include <utility>

#include "common/base/line_buffer.h"
#include "common/base/strings.h"
#include "common/fs/files.h"
#include "common/log/log.h"
#include "master/doors.h"
#include "queue/format/envelope.h"

namespace facteur::smtpd {

/// One file and the session that reads it.
struct Maildrop::Batch {
  explicit Batch(AuthDoor& authd) : login(authd, "127.0.0.1") {}
  std::string name;
  std::uint32_t uid = 0;
  std::shared_ptr<Fd> file;
  std::uint64_t offset = 0;
  AuthdLogin login;
  std::unique_ptr<Session> session;
  LineBuffer replies;
  Ticket reading;
  bool at_end = false;
  std::string refusal = "there is no message in it";  ///< or the last 5xx
  bool queued = false;                                ///< the message was promised to be kept
  bool later = false;                                 ///< a 4xx was among the replies, or the file could not be read
  bool going_on = false;                              ///< go_on() is running
};

Maildrop::Maildrop(const Surroundings& surroundings, Limits limits, ipc::Door& master)
    : around_(surroundings), limits_(std::move(limits)), master_(master), judge_(around_.recipients) {
  limits_.recipient_limit = queue::max_recipients;  // nobody is there to send the rest in another transaction
  limits_.hard_error_limit = limits_.soft_error_limit = limits_.junk_command_limit = 1'000'000;
  master_.on<master::MaildropFile>([this](master::MaildropFile file) { take(std::move(file)); });
}

Maildrop::~Maildrop() = default;

void Maildrop::take(master::MaildropFile file) {
  const auto batch = batches_.insert(batches_.end(), std::make_unique<Batch>(around_.authd));
  auto& made = **batch;
  made.name = std::move(file.name);
  made.uid = file.uid;
  made.file = std::make_shared<Fd>(std::move(file.file));
  ClientFacts facts;
  facts.role = Role::local;
  facts.uid = file.uid;
  facts.login = "uid" + std::to_string(file.uid);
  facts.name = "localhost";
  facts.ip = facts.local_ip = *net::Ip::parse("127.0.0.1");
  made.session = std::make_unique<Session>(
      limits_, std::move(facts),
      Services{judge_, made.login, around_.queue, [](std::string_view line) { log::write(log::Level::info, line); }});
  made.session->on_change([this, batch] { go_on(batch); });
  made.session->greet();
  around_.loop.post([this, batch] { go_on(batch); });
}

void Maildrop::read(Batches::iterator batch) {
  auto& made = **batch;
  auto octets = std::make_shared<Result<std::string>>();
  made.reading = around_.loop.work([file = made.file, offset = made.offset,
                                    octets] { *octets = fs::system_files().read_at(file->get(), offset, read_size); },
                                   [this, batch, octets] {
                                     auto& back = **batch;
                                     back.reading.reset();
                                     if (!*octets) {
                                       back.later = true;
                                       return end(batch);
                                     }
                                     back.offset += (*octets)->size();
                                     back.at_end = (*octets)->empty();
                                     if (back.at_end) {
                                       back.session->end_of_input();
                                     } else {
                                       back.session->feed(**octets);
                                     }
                                     go_on(batch);
                                   });
}

void Maildrop::go_on(Batches::iterator batch) {
  auto& made = **batch;
  if (std::exchange(made.going_on, true)) return;
  made.replies.append(made.session->take_output());
  while (const auto line = made.replies.next_line()) {
    made.later = made.later || line->starts_with('4');
    made.queued = made.queued || line->starts_with("250 2.0.0 Ok: queued as ");
    if (line->starts_with('5')) made.refusal = trim(*line);
    if (line->starts_with('4') || line->starts_with('5')) {
      log::warning("maildrop: {} of uid {}: {}", printable(made.name), made.uid, printable(trim(*line)));
    }
  }
  if (made.session->next() == Next::close) {
    // Not from within the session's own call.
    around_.loop.post([this, batch] { end(batch); });
    return;
  }
  if (!made.reading && !made.at_end && made.session->wants_input()) read(batch);
  made.going_on = false;
}

void Maildrop::end(Batches::iterator batch) {
  const auto& made = **batch;
  const auto taken = made.queued ? master::Taken::queued : made.later ? master::Taken::later : master::Taken::refused;
  master_.send_or_close(master::MaildropTaken{made.name, taken, made.refusal});
  batches_.erase(batch);
}

}  // namespace facteur::smtpd
