#include "cli/sendmail/batch.h"

#include "common/smtp/dot_stuffing.h"

namespace facteur::cli::sendmail {

std::string ehlo_command(const Batch& batch) {
  return "EHLO " + batch.helo;
}

std::string mail_command(const Batch& batch) {
  return "MAIL FROM:<" + batch.reverse_path + ">" + (batch.body_8bit ? " BODY=8BITMIME" : "");
}

std::string rcpt_command(std::string_view recipient) {
  return "RCPT TO:<" + std::string(recipient) + ">";
}

std::string batch_smtp(const Batch& batch) {
  std::string out = ehlo_command(batch) + "\r\n" + mail_command(batch) + "\r\n";
  for (const auto& recipient : batch.recipients) out += rcpt_command(recipient) + "\r\n";
  out += "DATA\r\n";
  smtp::DotStuffer stuffer;
  stuffer.write(batch.content, out);
  stuffer.finish(out);
  return out += "QUIT\r\n";
}

}  // namespace facteur::cli::sendmail
