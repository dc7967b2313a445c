// SEARCH and UID SEARCH (RFC 3501 section 6.4.4). Each message is judged first by what is known without opening it,
// then by its envelope, its header, its text: only as far as the answer needs.
#include <algorithm>
#include <array>

#include "common/base/time.h"
#include "common/mime/date.h"
#include "imapd/session/commands/handlers.h"
#include "imapd/session/commands/search_keys.h"
#include "imapd/session/commands/searched_message.h"
#include "imapd/session/mailbox/flags.h"
#include "imapd/session/mailbox/message_set.h"

namespace facteur::imapd::commands {

namespace {

/// A key or a join of keys about one message: what is not known yet is neither true nor false (Kleene's logic).
enum class Truth : std::uint8_t { no, unknown, yes };

Truth truth(bool value) {
  return value ? Truth::yes : Truth::no;
}

/// How far a message is opened.
enum class Depth : std::uint8_t { record, envelope, header, text };
constexpr std::array<Depth, 4> depths{Depth::record, Depth::envelope, Depth::header, Depth::text};

Depth depth_of(KeyKind kind) {
  if (kind < KeyKind::sent_before) return Depth::record;
  if (kind < KeyKind::header) return Depth::envelope;
  return kind == KeyKind::header ? Depth::header : Depth::text;
}

/// After so long a slice ends, so that one long search does not keep a thread of the pool from all others.
constexpr Milliseconds slice_time{20};

struct Order {
  SearchProgram program;
  bool by_uid = false;
};

class SearchTask : public Task {
 public:
  explicit SearchTask(Order order) : order_(std::move(order)) {}

  std::optional<Reply> run(Context& context) override {
    auto& selected = *context.selected;
    if (next_ == 0) prepare(*selected.view());
    const auto& records = selected.view()->records;
    const auto end = monotonic_now() + slice_time;
    for (; next_ < records.size() && monotonic_now() < end; ++next_) {
      if (!matches(selected, records[next_])) continue;
      found_.push_back(order_.by_uid ? records[next_].uid : static_cast<std::uint32_t>(next_ + 1));
    }
    if (next_ < records.size()) return std::nullopt;
    return tell(context);
  }

 private:
  /// Sets and keywords as numbers of this mailbox.
  void prepare(const store::Snapshot& view) {
    const auto count = static_cast<std::uint32_t>(view.records.size());
    const auto last_uid = view.records.empty() ? 0 : view.records.back().uid;
    for (auto& key : order_.program.keys) {
      const bool by_number = key.kind == KeyKind::sequence;
      sets_.push_back(by_number || key.kind == KeyKind::uid ? key.set.resolve(by_number ? count : last_uid) : Ranges{});
      const bool keyword = key.kind == KeyKind::keyword || key.kind == KeyKind::no_keyword;
      keywords_.push_back(keyword ? keyword_bit(view.keywords, key.value) : 0);
    }
  }

  bool matches(Selected& selected, const store::Record& record) {
    SearchedMessage message(selected.mailbox(), record.uid);
    auto result = Truth::unknown;
    for (const auto depth : depths) {
      result = evaluate(selected, record, message, depth);
      if (result != Truth::unknown) break;
    }
    return result == Truth::yes;
  }

  Truth evaluate(Selected& selected, const store::Record& record, SearchedMessage& message, Depth depth) {
    stack_.clear();
    for (const auto& [join, operand] : order_.program.steps) {
      if (join == Join::key) {
        stack_.push_back(look(selected, record, message, operand, depth));
        continue;
      }
      const auto first = stack_.end() - operand;
      // By the order of Truth, AND is the least and OR the greatest of its values.
      auto value =
          join == Join::or_of_two ? *std::max_element(first, stack_.end()) : *std::min_element(first, stack_.end());
      if (join == Join::not_of_one && value != Truth::unknown) value = truth(value == Truth::no);
      stack_.erase(first, stack_.end());
      stack_.push_back(value);
    }
    return stack_.back();
  }

  Truth look(Selected& selected, const store::Record& record, SearchedMessage& message, std::size_t index,
             Depth depth) const {
    const auto& key = order_.program.keys[index];
    const auto needed = depth_of(key.kind);
    if (needed > depth) return Truth::unknown;
    if (needed != Depth::record) return truth(message.matches(key));
    const auto number = static_cast<std::uint32_t>(next_ + 1);
    return truth(record_matches(key, index, record, number, selected.is_recent(record.uid)));
  }

  [[nodiscard]] bool record_matches(const SearchKey& key, std::size_t index, const store::Record& record,
                                    std::uint32_t number, bool recent) const {
    const auto size = static_cast<std::int64_t>(record.size);
    const auto day = mime::Date{record.internal_date, 0}.day();
    const bool flagged = (record.flags.system & key.number) != 0;
    const bool has_keyword = (record.flags.keywords & keywords_[index]) != 0;
    switch (key.kind) {
      case KeyKind::sequence: return contains(sets_[index], number);
      case KeyKind::uid: return contains(sets_[index], record.uid);
      case KeyKind::flag: return flagged;
      case KeyKind::no_flag: return !flagged;
      case KeyKind::keyword: return has_keyword;
      case KeyKind::no_keyword: return !has_keyword;
      case KeyKind::recent: return recent;
      case KeyKind::old: return !recent;
      case KeyKind::fresh: return recent && (record.flags.system & store::seen) == 0;
      case KeyKind::larger: return size > key.number;
      case KeyKind::smaller: return size < key.number;
      case KeyKind::before: return day < key.number;
      case KeyKind::on: return day == key.number;
      case KeyKind::since: return day >= key.number;
      default: return true;
    }
  }

  std::optional<Reply> tell(Context& context) {
    if (!begun_) context.out += "* SEARCH";
    begun_ = true;
    for (; told_ < found_.size() && !context.full(); ++told_) context.out += ' ' + std::to_string(found_[told_]);
    if (told_ < found_.size()) return std::nullopt;
    context.out += "\r\n";
    return ok("Searched");
  }

  Order order_;
  std::vector<Ranges> sets_;             ///< by key
  std::vector<std::uint64_t> keywords_;  ///< bits, by key
  std::vector<Truth> stack_;
  std::size_t next_ = 0;  ///< record to look at
  std::vector<std::uint32_t> found_;
  std::size_t told_ = 0;
  bool begun_ = false;
};

}  // namespace

Step search(Parser& arguments, const CommandInfo& info, const Settings&) {
  arguments.space();
  Order order{parse_search(arguments), info.has(by_uid)};
  return std::make_unique<SearchTask>(std::move(order));
}

}  // namespace facteur::imapd::commands
