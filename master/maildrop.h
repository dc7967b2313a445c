// Messages that `sendmail` left while the submit socket did not answer: taken in as soon as it does.
#pragma once

#include <set>
#include <string>

#include "common/base/fd.h"
#include "common/loop/loop.h"
#include "master/doors.h"
#include "master/supervisor.h"

namespace facteur::master {

/// Looks into maildrop/ now and then and passes each message, as a descriptor, to smtpd, which copies it into the
/// queue. A file is trusted for nothing but its owner: opened without following links, it must be regular, with one
/// link, and of bounded size. It is removed when smtpd has it; a crash between the two repeats the message. One
/// that smtpd refuses for good is moved to corrupt/, as maildrop-NAME, for an administrator to look at.
class Maildrop {
 public:
  Maildrop(loop::Loop& loop, Supervisor& supervisor);
  void open();
  void attach(Child& child);
  void child_died(const Child& child);

 private:
  void look();
  void pass(Child& smtpd, const std::string& name);
  void ignore(const std::string& name, const std::string& why);
  void taken(const MaildropTaken& answer);
  void set_aside(const std::string& name, const std::string& why);

  loop::Loop& loop_;
  Supervisor& supervisor_;
  loop::Timer timer_;
  Fd folder_;
  Fd corrupt_;                     ///< of the queue
  std::set<std::string> passed_;   ///< smtpd has them
  std::set<std::string> ignored_;  ///< no messages: told once
  std::string last_;               ///< passed last: the next look begins behind it, so that none is starved
};

}  // namespace facteur::master
