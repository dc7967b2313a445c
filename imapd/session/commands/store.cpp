// STORE and UID STORE (RFC 3501 section 6.4.6).
#include <algorithm>
#include <fmt/format.h>

#include "imapd/session/commands/handlers.h"
#include "imapd/session/mailbox/flags.h"
#include "imapd/session/mailbox/message_set.h"

namespace facteur::imapd::commands {

namespace {

using store::FlagChange;
using store::Snapshot;

struct Order {
  SequenceSet set;
  bool by_uid = false;
  FlagChange change = FlagChange::replace;
  bool silent = false;
  FlagNames flags;
};

/// Changes the flags, then tells the client what they are now, message by message.
class StoreTask : public Task {
 public:
  explicit StoreTask(Order order) : order_(std::move(order)) {}

  std::optional<Reply> run(Context& context) override {
    if (!now_) {
      if (auto refused = change(context)) return refused;
    }
    const auto& view = *context.selected->view();
    for (; next_ < numbers_.size() && !context.full(); ++next_) tell(context, view, numbers_[next_]);
    if (next_ < numbers_.size()) return std::nullopt;
    return gone_ ? no("Some of the messages are gone", "EXPUNGEISSUED") : ok("Stored");
  }

 private:
  std::optional<Reply> change(Context& context) {
    auto& selected = *context.selected;
    const auto ranges = sequence_numbers(order_.set, *selected.view(), order_.by_uid);
    if (!ranges) return ranges.error();
    for (const auto& [first, last] : *ranges) {
      for (auto number = first; number <= last; ++number) numbers_.push_back(number);
    }
    const auto uids = uids_of(*ranges, *selected.view());
    const auto changed =
        selected.mailbox().change_flags(uids, order_.change, order_.flags.system, order_.flags.keywords);
    if (!changed) return store_failed(context, changed.error(), no("No room for more keywords", "LIMIT"));
    auto now = selected.mailbox().snapshot();
    if (!now) return store_failed(context, now.error(), no("The mailbox is gone"));
    now_ = std::move(*now);
    return std::nullopt;
  }

  /// Flags as they are, which may be more than this command changed. With .SILENT they are not told if they are what
  /// the client can work out by itself.
  void tell(Context& context, const Snapshot& view, std::uint32_t number) {
    auto& selected = *context.selected;
    const auto& old = view.records[number - 1];
    const auto at = std::lower_bound(now_->records.begin(), now_->records.end(), old.uid,
                                     [](const store::Record& record, store::Uid uid) { return record.uid < uid; });
    if (at == now_->records.end() || at->uid != old.uid) {
      gone_ = true;
      return;
    }
    if (order_.silent) {
      if (at->flags == expected(old.flags)) selected.told(old.uid, at->flags);
      return;
    }
    if (now_->keywords.size() > view.keywords.size() && !std::exchange(keywords_told_, true)) {
      selected.append_flags_responses(context.out, now_->keywords);
    }
    const auto uid = order_.by_uid ? fmt::format("UID {} ", old.uid) : "";
    context.out += fmt::format("* {} FETCH ({}FLAGS ({}))\r\n", number, uid,
                               show_flags(at->flags, now_->keywords, selected.is_recent(old.uid)));
    selected.told(old.uid, at->flags);
  }

  [[nodiscard]] store::Flags expected(store::Flags flags) const {
    store::Flags by{order_.flags.system, 0};
    for (const auto& name : order_.flags.keywords) by.keywords |= keyword_bit(now_->keywords, name);
    if (order_.change == FlagChange::replace) return by;
    if (order_.change == FlagChange::add) {
      return {static_cast<std::uint8_t>(flags.system | by.system), flags.keywords | by.keywords};
    }
    return {static_cast<std::uint8_t>(flags.system & ~by.system), flags.keywords & ~by.keywords};
  }

  Order order_;
  std::vector<std::uint32_t> numbers_;
  std::size_t next_ = 0;
  std::shared_ptr<const Snapshot> now_;
  bool gone_ = false;
  bool keywords_told_ = false;
};

}  // namespace

Step store_flags(Parser& arguments, const CommandInfo& info, const Settings&) {
  Order order;
  order.by_uid = info.has(by_uid);
  arguments.space();
  order.set = arguments.sequence_set();
  arguments.space();
  if (arguments.take('+')) {
    order.change = FlagChange::add;
  } else if (arguments.take('-')) {
    order.change = FlagChange::remove;
  }
  if (!arguments.take_word("FLAGS")) arguments.fail("Missing FLAGS");
  if (arguments.take('.')) {
    if (!arguments.take_word("SILENT")) arguments.fail("Missing SILENT");
    order.silent = true;
  }
  arguments.space();
  order.flags = parse_store_flags(arguments);
  arguments.end();
  return std::make_unique<StoreTask>(std::move(order));
}

}  // namespace facteur::imapd::commands
