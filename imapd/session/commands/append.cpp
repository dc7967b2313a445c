// APPEND (RFC 3501 section 6.3.11), with the UID of the message (RFC 4315 section 3).
#include <array>
#include <fmt/format.h>

#include "imapd/session/commands/append_arguments.h"
#include "imapd/session/commands/dates.h"
#include "imapd/session/commands/handlers.h"

namespace facteur::imapd::commands {

namespace {

struct Order {
  AppendArguments arguments;
  std::string message;
};

Reply carry_out(Context& context, const Order& order) {
  const auto& [mailbox, flags, date] = order.arguments;
  const auto to = context.account->open(mailbox, false);
  if (!to) return store_failed(context, to.error(), no("No such mailbox", "TRYCREATE"));
  const std::array<store::NewMessage, 1> messages{{{order.message, flags.system, flags.keywords, date}}};
  const auto appended = (*to)->append(messages);
  if (!appended) return store_failed(context, appended.error(), no("The message cannot be kept", "CANNOT"));
  return ok("Appended", fmt::format("APPENDUID {} {}", appended->uid_validity, appended->uids.front()));
}

}  // namespace

AppendArguments parse_append(Parser& parser) {
  AppendArguments arguments;
  parser.space();
  arguments.mailbox = parser.mailbox();
  parser.space();
  if (parser.peek() == '(') {
    arguments.flags = parse_flag_list(parser);
    parser.space();
  }
  if (parser.peek() == '"') {
    // 0 stands for now: the first second of 1970 is given up for it.
    const auto date = take_date_time(parser);
    arguments.internal_date = date == 0 ? 1 : date;
    parser.space();
  }
  return arguments;
}

bool announces_message(Parser& parser) {
  (void)parse_append(parser);
  return parser && parser.peek() == '{';
}

Step append(Parser& arguments, const CommandInfo&, const Settings&) {
  Order order{parse_append(arguments), {}};
  order.message = arguments.message_literal();
  arguments.end();
  if (arguments && order.message.empty()) return done(no("An empty message cannot be kept"));
  auto shared = std::make_shared<const Order>(std::move(order));
  return one_slice([shared](Context& context) { return carry_out(context, *shared); });
}

}  // namespace facteur::imapd::commands
