// CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE, STATUS (RFC 3501 sections 6.3.3 to 6.3.7 and 6.3.10).
#include <algorithm>
#include <array>

#include "common/base/strings.h"
#include "imapd/session/commands/handlers.h"
#include "imapd/wire/format.h"

namespace facteur::imapd::commands {

namespace {

std::string one_mailbox(Parser& arguments) {
  arguments.space();
  auto name = arguments.mailbox();
  arguments.end();
  return name;
}

/// The name of a mailbox to be. A hierarchy separator at its end says that there will be mailboxes below; the name goes
/// without it (RFC 3501 section 6.3.3).
std::string new_mailbox(Parser& arguments) {
  auto name = one_mailbox(arguments);
  if (name.ends_with('/')) name.pop_back();
  return iequals(name, "INBOX") ? "INBOX" : name;
}

/// Why a name cannot be made: the one answer that lets a client go on (RFC 5530 section 3).
Reply refuse_new_name(Context& context, const std::string& name) {
  const auto all = context.account->list();
  const bool exists = all && std::any_of(all->begin(), all->end(), [&](const store::Listed& listed) {
                        return listed.selectable && listed.name == name;
                      });
  return exists ? no("Mailbox exists already", "ALREADYEXISTS") : no("No mailbox can have this name", "CANNOT");
}

/// Why a mailbox keeps its name: it has none, or cannot have the other.
Reply refuse_rename(Context& context, const std::string& from, const std::string& to) {
  const auto all = context.account->list();
  const bool exists =
      !all || std::any_of(all->begin(), all->end(), [&](const store::Listed& listed) { return listed.name == from; });
  return exists ? refuse_new_name(context, to) : no("No such mailbox", "NONEXISTENT");
}

Reply answer(const Context& context, const Result<>& result, std::string good, Reply refused) {
  return result ? ok(std::move(good)) : store_failed(context, result.error(), std::move(refused));
}

struct StatusItem {
  std::string_view name;
  std::uint32_t (*value)(const store::Status&);
};
constexpr std::array<StatusItem, 5> status_items{{
    {"MESSAGES", [](const store::Status& status) { return status.messages; }},
    {"RECENT", [](const store::Status& status) { return status.recent; }},
    {"UIDNEXT", [](const store::Status& status) { return status.uid_next; }},
    {"UIDVALIDITY", [](const store::Status& status) { return status.uid_validity; }},
    {"UNSEEN", [](const store::Status& status) { return status.unseen; }},
}};
using StatusItems = std::vector<const StatusItem*>;

StatusItems parse_status_items(Parser& arguments) {
  StatusItems items;
  arguments.list(false, [&] {
    const auto found = std::find_if(status_items.begin(), status_items.end(),
                                    [&](const StatusItem& item) { return arguments.take_word(item.name); });
    if (found == status_items.end()) return arguments.fail("Unknown STATUS item");
    // Asked again it would be told again: once is enough, and bounds the answer.
    if (std::find(items.begin(), items.end(), &*found) == items.end()) items.push_back(&*found);
  });
  return items;
}

Reply tell_status(Context& context, const std::string& name, const StatusItems& items) {
  const auto status = context.account->status(name);
  if (!status) return store_failed(context, status.error(), no("No such mailbox", "NONEXISTENT"));
  auto& out = context.out;
  out += "* STATUS ";
  append_mailbox(out, name);
  char before = '(';
  out += ' ';
  for (const auto* item : items) {
    out.append(1, std::exchange(before, ' '))
        .append(item->name)
        .append(" ")
        .append(std::to_string(item->value(*status)));
  }
  out += ")\r\n";
  return ok("Status told");
}

}  // namespace

Step create(Parser& arguments, const CommandInfo&, const Settings&) {
  return one_slice([name = new_mailbox(arguments)](Context& context) {
    if (name == "INBOX") return no("INBOX is always there", "ALREADYEXISTS");
    const auto result = context.account->create(name);
    return result ? ok("Created") : store_failed(context, result.error(), refuse_new_name(context, name));
  });
}

Step remove(Parser& arguments, const CommandInfo&, const Settings&) {
  return one_slice([name = one_mailbox(arguments)](Context& context) {
    if (name == "INBOX") return no("INBOX cannot be deleted", "CANNOT");
    const auto result = context.account->remove(name);
    // The session's own mailbox: nothing is selected any more, as behind CLOSE. Other sessions that have it hear BYE
    // with their next command (RFC 2180 section 3).
    if (result && context.selected && context.selected->name() == name) context.selected.reset();
    return answer(context, result, "Deleted", no("No such mailbox", "NONEXISTENT"));
  });
}

Step rename(Parser& arguments, const CommandInfo&, const Settings&) {
  arguments.space();
  auto from = arguments.mailbox();
  auto to = new_mailbox(arguments);
  return one_slice([from = std::move(from), to = std::move(to)](Context& context) {
    const auto result = context.account->rename(from, to);
    if (!result) return store_failed(context, result.error(), refuse_rename(context, from, to));
    if (context.selected) context.selected->follow(from, to);
    return ok("Renamed");
  });
}

Step subscribe(Parser& arguments, const CommandInfo&, const Settings&) {
  return one_slice([name = one_mailbox(arguments)](Context& context) {
    return answer(context, context.account->subscribe(name, true), "Subscribed",
                  no("No mailbox can have this name", "CANNOT"));
  });
}

Step unsubscribe(Parser& arguments, const CommandInfo&, const Settings&) {
  return one_slice([name = one_mailbox(arguments)](Context& context) {
    return answer(context, context.account->subscribe(name, false), "Unsubscribed",
                  no("No mailbox can have this name", "CANNOT"));
  });
}

Step status(Parser& arguments, const CommandInfo&, const Settings&) {
  arguments.space();
  auto name = arguments.mailbox();
  arguments.space();
  auto items = parse_status_items(arguments);
  arguments.end();
  return one_slice([name = std::move(name), items = std::move(items)](Context& context) {
    return tell_status(context, name, items);
  });
}

}  // namespace facteur::imapd::commands
