#include "imapd/session/commands/search_keys.h"

#include <algorithm>
#include <array>

#include "common/base/strings.h"
#include "common/mime/charset.h"
#include "common/store/mailbox.h"
#include "imapd/session/commands/dates.h"
#include "imapd/wire/limits.h"

namespace facteur::imapd {

namespace {

enum class Takes : std::uint8_t { nothing, text, field_and_text, date, number, keyword, uids };

struct Word {
  std::string_view name;
  KeyKind kind;
  Takes takes = Takes::nothing;
  std::int64_t number = 0;
};

constexpr auto words = std::to_array<Word>({
    {"ALL", KeyKind::all},
    {"ANSWERED", KeyKind::flag, Takes::nothing, store::answered},
    {"BCC", KeyKind::bcc, Takes::text},
    {"BEFORE", KeyKind::before, Takes::date},
    {"BODY", KeyKind::body, Takes::text},
    {"CC", KeyKind::cc, Takes::text},
    {"DELETED", KeyKind::flag, Takes::nothing, store::deleted},
    {"DRAFT", KeyKind::flag, Takes::nothing, store::draft},
    {"FLAGGED", KeyKind::flag, Takes::nothing, store::flagged},
    {"FROM", KeyKind::from, Takes::text},
    {"HEADER", KeyKind::header, Takes::field_and_text},
    {"KEYWORD", KeyKind::keyword, Takes::keyword},
    {"LARGER", KeyKind::larger, Takes::number},
    {"NEW", KeyKind::fresh},
    {"OLD", KeyKind::old},
    {"ON", KeyKind::on, Takes::date},
    {"RECENT", KeyKind::recent},
    {"SEEN", KeyKind::flag, Takes::nothing, store::seen},
    {"SENTBEFORE", KeyKind::sent_before, Takes::date},
    {"SENTON", KeyKind::sent_on, Takes::date},
    {"SENTSINCE", KeyKind::sent_since, Takes::date},
    {"SINCE", KeyKind::since, Takes::date},
    {"SMALLER", KeyKind::smaller, Takes::number},
    {"SUBJECT", KeyKind::subject, Takes::text},
    {"TEXT", KeyKind::text, Takes::text},
    {"TO", KeyKind::to, Takes::text},
    {"UID", KeyKind::uid, Takes::uids},
    {"UNANSWERED", KeyKind::no_flag, Takes::nothing, store::answered},
    {"UNDELETED", KeyKind::no_flag, Takes::nothing, store::deleted},
    {"UNDRAFT", KeyKind::no_flag, Takes::nothing, store::draft},
    {"UNFLAGGED", KeyKind::no_flag, Takes::nothing, store::flagged},
    {"UNKEYWORD", KeyKind::no_keyword, Takes::keyword},
    {"UNSEEN", KeyKind::no_flag, Takes::nothing, store::seen},
});

/// A search-key or a list of them that has begun and not ended.
struct Open {
  Join join = Join::and_of_all;
  bool in_parentheses = false;
  std::uint32_t values = 0;  ///< that have come so far
};

class Reader {
 public:
  explicit Reader(Parser& parser) : parser_(parser) {}

  SearchProgram read() {
    read_charset();
    open_.push_back({});
    do {
      // Behind "(", NOT and OR comes a key at once; behind a key a space.
      while (parser_ && opens()) {
      }
      read_key();
    } while (parser_ && parser_.take(' '));
    parser_.end();
    if (parser_ && (open_.size() != 1 || open_.back().values == 0)) parser_.fail("Unfinished search key");
    if (parser_) program_.steps.push_back({Join::and_of_all, open_.back().values});
    return std::move(program_);
  }

 private:
  void read_charset() {
    if (!parser_.take_word("CHARSET")) return;
    parser_.space();
    charset_ = parser_.astring();
    parser_.space();
    if (parser_ && !mime::is_known_charset(charset_)) bad_charset();
  }

  void bad_charset() { parser_.fail(no("Charset not known", "BADCHARSET (US-ASCII UTF-8)")); }

  /// Takes "(", NOT or OR, if one of them is next.
  bool opens() {
    if (open_.size() > max_search_keys) parser_.fail("Too many search keys");
    if (parser_.take('(')) {
      if (++depth_ > max_depth) parser_.fail("Parentheses nested too deeply");
      open_.push_back({Join::and_of_all, true, 0});
      return true;
    }
    const bool negates = parser_.take_word("NOT");
    if (!negates && !parser_.take_word("OR")) return false;
    open_.push_back({negates ? Join::not_of_one : Join::or_of_two, false, 0});
    parser_.space();
    return true;
  }

  void read_key() {
    if (is_digit(parser_.peek()) || parser_.peek() == '*') {
      add({.kind = KeyKind::sequence, .set = parser_.sequence_set()});
    } else {
      read_word();
    }
    complete();
  }

  void read_word() {
    const auto name = parser_.atom("search key");
    const auto found =
        std::find_if(words.begin(), words.end(), [&](const Word& word) { return iequals(word.name, name); });
    if (found == words.end()) return parser_.fail("Unknown search key " + std::string(name.substr(0, 40)));
    SearchKey key{.kind = found->kind, .number = found->number};
    if (found->takes != Takes::nothing) parser_.space();
    read_arguments(found->takes, key);
    add(std::move(key));
  }

  void read_arguments(Takes takes, SearchKey& key) {
    switch (takes) {
      case Takes::nothing: return;
      case Takes::text: key.value = text(); return;
      case Takes::field_and_text:
        key.field = parser_.astring();
        parser_.space();
        key.value = text();
        return;
      case Takes::date: key.number = take_date(parser_); return;
      case Takes::number: key.number = parser_.number(); return;
      case Takes::keyword: key.value = parser_.atom("keyword"); return;
      case Takes::uids: key.set = parser_.sequence_set(); return;
    }
  }

  std::string text() {
    const auto octets = parser_.astring();
    auto utf8 = mime::to_utf8(charset_, octets);
    if (!utf8) {
      bad_charset();
      return {};
    }
    return mime::fold_case(*utf8);
  }

  void add(SearchKey key) {
    if (program_.keys.size() == max_search_keys) return parser_.fail("Too many search keys");
    program_.steps.push_back({Join::key, static_cast<std::uint32_t>(program_.keys.size())});
    program_.keys.push_back(std::move(key));
  }

  /// A value has come: operators that have all of theirs, and lists that end here, become values themselves.
  void complete() {
    while (parser_) {
      auto& open = open_.back();
      ++open.values;
      const bool full =
          (open.join == Join::not_of_one && open.values == 1) || (open.join == Join::or_of_two && open.values == 2);
      const bool closed = open.in_parentheses && parser_.take(')');
      if (!full && !closed) return;
      if (closed) --depth_;
      program_.steps.push_back({open.join, open.values});
      open_.pop_back();
    }
  }

  Parser& parser_;
  std::string charset_ = "UTF-8";
  SearchProgram program_;
  std::vector<Open> open_;
  std::size_t depth_ = 0;
};

}  // namespace

SearchProgram parse_search(Parser& parser) {
  return Reader(parser).read();
}

}  // namespace facteur::imapd
