// COPY (RFC 3501 section 6.4.7) and MOVE (RFC 6851), with the UIDs of the copies (RFC 4315 section 3).
#include <algorithm>
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

std::string copyuid(const store::Appended& copies) {
  return fmt::format("COPYUID {} {} {}", copies.uid_validity, to_text(copies.sources), to_text(copies.uids));
}

/// MOVE tells the new UIDs before the old messages go (RFC 6851 section 4.3). What was not copied stays: a message that
/// the copy did not find may be found by the removal.
Reply remove_moved(Context& context, const store::Appended& copies) {
  context.out += response("*", ok("Copied", copyuid(copies)));
  const auto gone = context.selected->mailbox().expunge(copies.sources);
  if (gone) return ok("Moved");
  return store_failed(context, gone.error(), no("Copied, but the old messages cannot be removed"));
}

/// All or none: nothing is copied when a message of the set is gone (RFC 2180 section 4.4.1).
std::optional<Reply> refuse_gone(const Context& context, const std::vector<store::Uid>& uids) {
  const auto now = context.selected->mailbox().snapshot();
  if (!now) return store_failed(context, now.error(), no("The mailbox is gone"));
  const auto& records = (*now)->records;
  const bool all = std::all_of(uids.begin(), uids.end(), [&](store::Uid uid) {
    const auto at = std::lower_bound(records.begin(), records.end(), uid,
                                     [](const store::Record& record, store::Uid value) { return record.uid < value; });
    return at != records.end() && at->uid == uid;
  });
  if (all) return std::nullopt;
  return no("Some of the messages are gone", "EXPUNGEISSUED");
}

Reply carry_out(Context& context, const Order& order) {
  auto& selected = *context.selected;
  const auto numbers = sequence_numbers(order.set, *selected.view(), order.by_uid);
  if (!numbers) return numbers.error();
  const auto uids = uids_of(*numbers, *selected.view());
  const auto to = context.account->open(order.to, false);
  if (!to) return store_failed(context, to.error(), no("No such mailbox", "TRYCREATE"));
  if (uids.empty()) return ok("No messages");
  if (auto refused = refuse_gone(context, uids)) return *refused;
  const auto copies = selected.mailbox().copy(uids, **to);
  if (!copies) return store_failed(context, copies.error(), no("Some of the messages are gone", "EXPUNGEISSUED"));
  // All went at this very moment: no COPYUID (RFC 4315 section 3).
  if (copies->uids.empty()) return no("The messages are gone", "EXPUNGEISSUED");
  return order.moves ? remove_moved(context, *copies) : ok("Copied", copyuid(*copies));
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
