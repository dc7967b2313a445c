// LIST and LSUB (RFC 3501 sections 6.3.8 and 6.3.9), with \HasChildren and \HasNoChildren (RFC 3348).
#include <set>

#include "common/base/modified_utf7.h"
#include "common/base/strings.h"
#include "imapd/session/commands/handlers.h"
#include "imapd/wire/format.h"
#include "imapd/wire/list_pattern.h"

namespace facteur::imapd::commands {

namespace {

constexpr char separator = '/';

/// A pattern, and the same in capitals for INBOX, which has no case.
class Names {
 public:
  static std::optional<Names> compile(const std::string& pattern) {
    const bool below_inbox = istarts_with(pattern, "INBOX/");
    auto exact = ListPattern::compile(below_inbox ? "INBOX" + pattern.substr(5) : pattern, separator);
    auto capitals = ListPattern::compile(to_upper(pattern), separator);
    if (!exact || !capitals) return std::nullopt;
    return Names(std::move(*exact), std::move(*capitals));
  }
  [[nodiscard]] bool match(const std::string& name) const {
    return name == "INBOX" ? capitals_.matches(name) : exact_.matches(to_modified_utf7(name));
  }

 private:
  Names(ListPattern exact, ListPattern capitals) : exact_(std::move(exact)), capitals_(std::move(capitals)) {}
  ListPattern exact_;
  ListPattern capitals_;
};

void append_line(std::string& out, std::string_view command, std::string_view attributes, std::string_view name) {
  out.append("* ").append(command).append(" (").append(attributes).append(") \"/\" ");
  append_mailbox(out, name);
  out += "\r\n";
}

std::string attributes(const store::Listed& listed) {
  std::string out = listed.has_children ? "\\HasChildren" : "\\HasNoChildren";
  if (!listed.selectable) return "\\Noselect " + out;
  // \UnMarked would promise that nothing has come; a store that has not looked cannot (RFC 3501 section 7.2.2).
  return listed.recent ? out + " \\Marked" : out;
}

class ListTask : public Task {
 public:
  explicit ListTask(Names names) : names_(std::move(names)) {}

  std::optional<Reply> run(Context& context) override {
    if (!read_) {
      auto all = context.account->list();
      if (!all) return store_failed(context, all.error(), no("No mailboxes"));
      all_ = std::move(*all);
      read_ = true;
    }
    for (; next_ < all_.size() && !context.full(); ++next_) {
      if (names_.match(all_[next_].name)) append_line(context.out, "LIST", attributes(all_[next_]), all_[next_].name);
    }
    return next_ == all_.size() ? std::optional(ok("Listed")) : std::nullopt;
  }

 private:
  Names names_;
  std::vector<store::Listed> all_;
  std::size_t next_ = 0;
  bool read_ = false;
};

/// Subscribed names that match, and parents that match of those that do not: "%" is to show that there is something
/// below (RFC 3501 section 6.3.9).
class LsubTask : public Task {
 public:
  explicit LsubTask(Names names) : names_(std::move(names)) {}

  std::optional<Reply> run(Context& context) override {
    if (!read_) {
      const auto all = context.account->subscriptions();
      if (!all) return store_failed(context, all.error(), no("No subscriptions"));
      const std::set<std::string> subscribed(all->begin(), all->end());
      for (const auto& name : subscribed) add(name, subscribed);
      next_ = lines_.begin();
      read_ = true;
    }
    for (; next_ != lines_.end() && !context.full(); ++next_) {
      append_line(context.out, "LSUB", next_->second ? "" : "\\Noselect", next_->first);
    }
    return next_ == lines_.end() ? std::optional(ok("Listed")) : std::nullopt;
  }

 private:
  void add(const std::string& name, const std::set<std::string>& subscribed) {
    if (names_.match(name)) {
      lines_.insert({name, true});
      return;
    }
    for (auto end = name.rfind(separator); end != std::string::npos && end > 0; end = name.rfind(separator, end - 1)) {
      const auto parent = name.substr(0, end);
      if (!subscribed.contains(parent) && names_.match(parent)) lines_.insert({parent, false});
    }
  }

  Names names_;
  std::set<std::pair<std::string, bool>> lines_;
  std::set<std::pair<std::string, bool>>::const_iterator next_;
  bool read_ = false;
};

template <class AnyTask>
Step list_command(Parser& arguments, std::string_view command) {
  arguments.space();
  const auto reference = arguments.astring();
  arguments.space();
  const auto pattern = arguments.list_mailbox();
  arguments.end();
  if (!arguments) return done(arguments.fault());
  // An empty pattern asks for the separator, and for the root of the reference: all names are below one.
  if (pattern.empty()) {
    std::string out;
    append_line(out, command, "\\Noselect", "");
    return Done{std::move(out), ok("Listed")};
  }
  auto names = Names::compile(reference + pattern);
  if (!names) return done(no("No mailbox can have such a name"));
  return std::make_unique<AnyTask>(std::move(*names));
}

}  // namespace

Step list(Parser& arguments, const CommandInfo&, const Settings&) {
  return list_command<ListTask>(arguments, "LIST");
}

Step lsub(Parser& arguments, const CommandInfo&, const Settings&) {
  return list_command<LsubTask>(arguments, "LSUB");
}

}  // namespace facteur::imapd::commands
