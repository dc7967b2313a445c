// COPY (RFC 3501 section 6.4.7) and MOVE (RFC 6851), with the UIDs of the copies (RFC 4315 section 3).
#include <fmt/format.h>

#include "imapd/session/commands/handlers.h"
#include "imapd/session/mailbox/message_set.h"

namespace facteur::imapd::commands {

namespace {

struct Order {
  SequenceSet set;
  std::string to;
  bool by_uid = false;
  bool moves = false;
};

std::string copyuid(const store::Appended& copies, const std::vector<store::Uid>& uids) {
  return fmt::format("COPYUID {} {} {}", copies.uid_validity, to_text(uids), to_text(copies.uids));
}

/// MOVE tells the new UIDs before the old messages go (RFC 6851 section 4.3).
Reply remove_moved(Context& context, const std::vector<store::Uid>& uids, const std::string& code) {
  context.out += response("*", ok("Copied", code));
  const auto gone = context.selected->mailbox().expunge(uids);
  if (gone) return ok("Moved");
  return store_failed(gone.error(), no("Copied, but the old messages cannot be removed"));
}

Reply carry_out(Context& context, const Order& order) {
  const auto numbers = sequence_numbers(order.set, *context.selected->view(), order.by_uid);
  if (!numbers) return numbers.error();
  const auto uids = uids_of(*numbers, *context.selected->view());
  const auto to = context.account->open(order.to, false);
  if (!to) return store_failed(to.error(), no("No such mailbox", "TRYCREATE"));
  if (uids.empty()) return ok("No messages");
  const auto copies = context.selected->mailbox().copy(uids, **to);
  if (!copies) return store_failed(copies.error(), no("Some of the messages are gone", "EXPUNGEISSUED"));
  const auto code = copyuid(*copies, uids);
  return order.moves ? remove_moved(context, uids, code) : ok("Copied", code);
}

Step order(Parser& arguments, const CommandInfo& info, bool moves) {
  Order order{{}, {}, info.has(by_uid), moves};
  arguments.space();
  order.set = arguments.sequence_set();
  arguments.space();
  order.to = arguments.mailbox();
  arguments.end();
  return one_slice([order = std::move(order)](Context& context) { return carry_out(context, order); });
}

}  // namespace

Step copy(Parser& arguments, const CommandInfo& info, const Settings&) {
  return order(arguments, info, false);
}

Step move(Parser& arguments, const CommandInfo& info, const Settings&) {
  return order(arguments, info, true);
}

}  // namespace facteur::imapd::commands
