// SELECT, EXAMINE, CLOSE, UNSELECT (RFC 3501 sections 6.3.1, 6.3.2, 6.4.2; RFC 3691).
#include <algorithm>
#include <fmt/format.h>

#include "imapd/session/commands/handlers.h"
#include "imapd/session/mailbox/message_set.h"

namespace facteur::imapd::commands {

namespace {

/// SELECT reads the messages of mailboxes up to this size; of larger ones only the counters, so that it costs the same
/// for a million messages. The first command that needs the messages reads them.
constexpr std::uint32_t max_read_at_select = 10000;

/// The sequence number of the first message without \Seen; 0 if there is none.
std::size_t first_unseen(const Selected& selected) {
  const auto& view = selected.view();
  if (!view) return selected.status().first_unseen_number;
  const auto& records = view->records;
  const auto at =
      std::find_if(records.begin(), records.end(), [](const auto& r) { return (r.flags.system & store::seen) == 0; });
  return at == records.end() ? 0 : static_cast<std::size_t>(at - records.begin()) + 1;
}

void describe(Selected& selected, std::string& out) {
  selected.append_flags_responses(out, selected.view() ? selected.view()->keywords : std::vector<std::string>{});
  out += fmt::format("* {} EXISTS\r\n* {} RECENT\r\n", selected.messages(), selected.recent());
  if (const auto number = first_unseen(selected)) {
    out += fmt::format("* OK [UNSEEN {}] First unseen message\r\n", number);
  }
  out += fmt::format("* OK [UIDVALIDITY {}] UIDs are valid\r\n* OK [UIDNEXT {}] Next UID\r\n",
                     selected.status().uid_validity, selected.status().uid_next);
}

/// A failed SELECT leaves nothing selected.
Reply open_mailbox(Context& context, const std::string& name, bool read_only) {
  context.selected.reset();
  auto selected = Selected::open(*context.account, name, read_only);
  if (!selected) return store_failed(context, selected.error(), no("No such mailbox", "NONEXISTENT"));
  if ((*selected)->messages() <= max_read_at_select) {
    std::string unused;
    const auto loaded = (*selected)->load(unused);
    if (!loaded) return store_failed(context, loaded.error(), no("No such mailbox", "NONEXISTENT"));
  }
  describe(**selected, context.out);
  context.selected = std::move(*selected);
  return ok("Selected", context.selected->read_only() ? "READ-ONLY" : "READ-WRITE");
}

Step open_command(Parser& arguments, bool read_only) {
  arguments.space();
  auto name = arguments.mailbox();
  arguments.end();
  return one_slice(
      [name = std::move(name), read_only](Context& context) { return open_mailbox(context, name, read_only); });
}

}  // namespace

Step select(Parser& arguments, const CommandInfo&, const Settings&) {
  return open_command(arguments, false);
}

Step examine(Parser& arguments, const CommandInfo&, const Settings&) {
  return open_command(arguments, true);
}

/// Removes what is \Deleted without a word, unless the mailbox is open for reading only. Nothing is selected afterwards
/// whatever comes of that, so the answer is OK: a tagged NO would say that the state is what it was.
Step close(Parser& arguments, const CommandInfo&, const Settings&) {
  arguments.end();
  return one_slice([](Context& context) {
    const auto selected = std::move(context.selected);
    if (selected->read_only()) return ok("Closed");
    const auto gone = expunge_deleted(*selected, nullptr);
    if (!gone) context.out += response("*", store_failed(context, gone.error(), no("Nothing was expunged")));
    return ok("Closed");
  });
}

Step unselect(Parser& arguments, const CommandInfo&, const Settings&) {
  arguments.end();
  return one_slice([](Context& context) {
    context.selected.reset();
    return ok("Unselected");
  });
}

}  // namespace facteur::imapd::commands
