// Messages that `sendmail` left in maildrop/ while the submit socket did not answer.
#pragma once

#include <list>
#include <memory>
#include <string>

#include "common/ipc/door.h"
#include "master/doors.h"
#include "smtpd/server/client.h"
#include "smtpd/server/judge.h"
#include "smtpd/session/session.h"

namespace facteur::smtpd {

/// Such a file holds what `sendmail` would have said on the socket: the client's side of one SMTP session with one
/// message, from EHLO to QUIT (batch SMTP, as in RFC 2442). A session of the local role reads it. Master hears whether
/// the message is in the queue, is to be tried again, or is refused for good, and why.
class Maildrop {
 public:
  Maildrop(const Surroundings& surroundings, Limits limits, ipc::Door& master);
  ~Maildrop();
  [[nodiscard]] bool idle() const { return batches_.empty(); }

  static constexpr std::size_t read_size = 64 * 1024;

 private:
  struct Batch;
  using Batches = std::list<std::unique_ptr<Batch>>;
  void take(master::MaildropFile file);
  void read(Batches::iterator batch);
  void go_on(Batches::iterator batch);
  void end(Batches::iterator batch);

  const Surroundings& around_;
  Limits limits_;
  ipc::Door& master_;
  LenientJudge judge_;
  Batches batches_;
};

}  // namespace facteur::smtpd
