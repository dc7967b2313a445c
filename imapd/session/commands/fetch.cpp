// FETCH and UID FETCH (RFC 3501 section 6.4.5): message by message, item by item, long literals piece by piece.
#include <algorithm>
#include <fmt/format.h>

#include "common/mime/date.h"
#include "common/mime/header.h"
#include "common/mime/imap_text.h"
#include "imapd/session/commands/fetch_items.h"
#include "imapd/session/commands/handlers.h"
#include "imapd/session/commands/section.h"
#include "imapd/session/mailbox/flags.h"
#include "imapd/session/mailbox/message_set.h"
#include "imapd/wire/format.h"

namespace facteur::imapd::commands {

namespace {

struct Order {
  SequenceSet set;
  bool by_uid = false;
  std::vector<FetchItem> items;
};

bool needs_parts(const FetchItem& item) {
  switch (item.kind) {
    case ItemKind::body: return true;
    case ItemKind::section: return !item.section.path.empty() || item.section.text != SectionText::all;
    default: return false;
  }
}

bool needs_texts(const FetchItem& item) {
  return item.kind == ItemKind::envelope || item.kind == ItemKind::body_structure;
}

bool needs_content(const FetchItem& item) {
  return item.kind == ItemKind::section;
}

Extent clip(Extent extent, const std::optional<Partial>& partial) {
  if (!partial) return extent;
  const auto begin = std::min(extent.begin + partial->first, extent.end);
  return {begin, std::min(begin + partial->count, extent.end)};
}

class FetchTask : public Task {
 public:
  explicit FetchTask(Order order) : order_(std::move(order)) {
    wanted_.envelope = false;
    wanted_.texts = std::any_of(order_.items.begin(), order_.items.end(), needs_texts);
    wanted_.parts = std::any_of(order_.items.begin(), order_.items.end(), needs_parts);
    content_wanted_ = std::any_of(order_.items.begin(), order_.items.end(), needs_content);
    sets_seen_ = std::any_of(order_.items.begin(), order_.items.end(), [](const auto& item) { return item.sets_seen; });
    tells_flags_ = std::any_of(order_.items.begin(), order_.items.end(),
                               [](const auto& item) { return item.kind == ItemKind::flags; });
  }

  std::optional<Reply> run(Context& context) override {
    if (!resolved_) {
      const auto numbers = sequence_numbers(order_.set, *context.selected->view(), order_.by_uid);
      if (!numbers) return numbers.error();
      numbers_ = *numbers;
      number_ = numbers_.empty() ? 0 : numbers_.front().first;
      resolved_ = true;
    }
    auto failed = fill(context);
    mark_seen(context, *context.selected);
    if (failed) return failed;
    if (range_ < numbers_.size()) return std::nullopt;
    return gone_ ? no("Some of the messages are gone", "EXPUNGEISSUED") : ok("Fetched");
  }

 private:
  /// Works until the slice is full, all is done, or the store fails.
  std::optional<Reply> fill(Context& context) {
    while (range_ < numbers_.size() && !context.full() && !context.cut) {
      if (left_.end > left_.begin) {
        stream(context);
      } else if (!open_) {
        if (auto failed = open_message(context)) return failed;
      } else if (item_ < order_.items.size()) {
        if (item_ > 0) context.out += ' ';
        write_item(context, order_.items[item_++]);
      } else {
        close_message(context);
      }
    }
    return std::nullopt;
  }

  [[nodiscard]] const store::Record& record(const Context& context) const {
    return context.selected->view()->records[number_ - 1];
  }

  /// A message that is gone meanwhile is passed over (RFC 2180 section 4.1.2).
  std::optional<Reply> open_message(Context& context) {
    auto& mailbox = context.selected->mailbox();
    const auto uid = record(context).uid;
    Result<> opened;
    if (content_wanted_) content_ = context.selected->take_content(uid);
    if (content_wanted_ && !content_) {
      auto content = mailbox.open(uid);
      if (content) content_ = std::move(*content);
      if (!content) opened = fail(content);
    }
    if (opened && (wanted_.texts || wanted_.parts)) {
      auto summary = mailbox.summary(uid, wanted_);
      if (summary) summary_ = std::move(*summary);
      if (!summary) opened = fail(summary);
    }
    if (!opened && opened.error().kind != Kind::permanent) return store_failed(context, opened.error(), no(""));
    if (!opened) {
      gone_ = true;
      next_message();
      return std::nullopt;
    }
    open_ = true;
    flags_ = record(context).flags;
    newly_seen_ = sets_seen_ && (flags_.system & store::seen) == 0 && !context.selected->read_only();
    if (newly_seen_) flags_.system |= store::seen;
    context.out += fmt::format("* {} FETCH (", number_);
    return std::nullopt;
  }

  /// \Seen that the fetching sets is told with the message.
  void close_message(Context& context) {
    if (newly_seen_) {
      if (!tells_flags_) {
        context.out += ' ';
        write_flags(context);
      }
      context.selected->told(record(context).uid, flags_);
      to_mark_.push_back(record(context).uid);
    }
    context.out += ")\r\n";
    if (content_ && more_behind_) context.selected->keep_content(record(context).uid, std::move(content_));
    next_message();
  }

  void next_message() {
    open_ = false;
    item_ = 0;
    more_behind_ = false;
    content_.reset();
    summary_.reset();
    if (number_++ < numbers_[range_].last) return;
    if (++range_ < numbers_.size()) number_ = numbers_[range_].first;
  }

  void write_flags(Context& context) {
    const auto& selected = *context.selected;
    const auto uid = record(context).uid;
    context.out += "FLAGS (" + show_flags(flags_, selected.view()->keywords, selected.is_recent(uid)) + ")";
  }

  void write_item(Context& context, const FetchItem& item) {
    auto& out = context.out;
    if (item.kind == ItemKind::flags) return write_flags(context);
    out.append(item.label).append(" ");
    switch (item.kind) {
      case ItemKind::internal_date:
        out += '"' + mime::format_imap_date_time({record(context).internal_date, 0}) + '"';
        break;
      case ItemKind::size: out += std::to_string(record(context).size); break;
      case ItemKind::uid: out += std::to_string(record(context).uid); break;
      case ItemKind::envelope: out += summary_->envelope_text; break;
      case ItemKind::body: mime::append_structure(out, summary_->parts, false); break;
      case ItemKind::body_structure: out += summary_->structure_text; break;
      default: write_section(context, item); break;
    }
  }

  void write_section(Context& context, const FetchItem& item) {
    const bool whole = item.section.path.empty() && item.section.text == SectionText::all;
    const auto found = whole ? Extent{0, content_->size()} : find_section(*summary_, item.section);
    if (!found) {
      context.out += "NIL";
      return;
    }
    const bool chooses = item.section.text == SectionText::fields || item.section.text == SectionText::fields_not;
    if (chooses) return write_fields(context, item, *found);
    left_ = clip(*found, item.partial);
    more_behind_ = more_behind_ || (item.partial && left_.end < found->end);
    context.out += fmt::format("{{{}}}\r\n", left_.end - left_.begin);
  }

  void write_fields(Context& context, const FetchItem& item, Extent extent) {
    const auto header = content_->read(extent.begin, static_cast<std::size_t>(extent.end - extent.begin));
    if (!header) return cut(context, header.error());
    const auto fields = mime::select_fields(*header, item.section.fields, item.section.text == SectionText::fields);
    const auto part = clip({0, fields.size()}, item.partial);
    const auto octets = std::string_view(fields).substr(part.begin, part.end - part.begin);
    context.out += fmt::format("{{{}}}\r\n", octets.size());
    context.out += octets;
  }

  /// The next octets of the literal that was announced.
  void stream(Context& context) {
    const auto most = std::min<std::uint64_t>(left_.end - left_.begin, output_slice);
    const auto octets = content_->read(left_.begin, static_cast<std::size_t>(most));
    if (!octets || octets->empty()) {
      return cut(context, octets ? Error{Kind::corrupt, "a message is shorter than it was"} : octets.error());
    }
    context.out += *octets;
    left_.begin += octets->size();
  }

  /// The answer cannot be finished, and the client waits for the rest of it: only the end of the connection tells it.
  static void cut(Context& context, const Error& error) {
    warn(context, error);
    context.cut = true;
  }

  void mark_seen(const Context& context, Selected& selected) {
    if (to_mark_.empty()) return;
    const auto marked = selected.mailbox().change_flags(to_mark_, store::FlagChange::add, store::seen, {});
    if (!marked) warn(context, marked.error());
    to_mark_.clear();
  }

  Order order_;
  mime::Aspects wanted_;
  bool content_wanted_ = false;
  bool sets_seen_ = false;
  bool tells_flags_ = false;

  Ranges numbers_;
  bool resolved_ = false;
  std::size_t range_ = 0;     ///< of numbers_
  std::uint32_t number_ = 0;  ///< the message at work
  std::size_t item_ = 0;      ///< the next item of it
  bool open_ = false;         ///< its answer has begun
  bool newly_seen_ = false;
  store::Flags flags_;
  std::unique_ptr<store::Content> content_;
  bool more_behind_ = false;  ///< a part of it was asked for, and there is more
  std::shared_ptr<const mime::Summary> summary_;
  Extent left_;  ///< of the literal at work
  std::vector<store::Uid> to_mark_;
  bool gone_ = false;
};

}  // namespace

Step fetch(Parser& arguments, const CommandInfo& info, const Settings&) {
  Order order;
  order.by_uid = info.has(by_uid);
  arguments.space();
  order.set = arguments.sequence_set();
  arguments.space();
  order.items = parse_fetch_items(arguments);
  arguments.end();
  const bool has_uid = std::any_of(order.items.begin(), order.items.end(),
                                   [](const FetchItem& item) { return item.kind == ItemKind::uid; });
  // UID FETCH tells the UID, asked or not (RFC 3501 section 6.4.8).
  if (order.by_uid && !has_uid) order.items.insert(order.items.begin(), {.kind = ItemKind::uid, .label = "UID"});
  return std::make_unique<FetchTask>(std::move(order));
}

}  // namespace facteur::imapd::commands
