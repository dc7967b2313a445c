#include "common/mime/charset.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <unicode/ucasemap.h>
#include <unicode/ucnv.h>

#include "common/base/strings.h"

namespace facteur::mime {
namespace {

constexpr std::size_t max_charset_name = 40;

struct ConverterCloser {
  void operator()(UConverter* converter) const { ucnv_close(converter); }
};
using Converter = std::unique_ptr<UConverter, ConverterCloser>;

struct CaseMapCloser {
  void operator()(UCaseMap* map) const { ucasemap_close(map); }
};
using CaseMap = std::unique_ptr<UCaseMap, CaseMapCloser>;

/// The charset comes from strangers, and ICU would look for files and options in it: letters, digits and -_.:+ only.
bool is_charset_name(std::string_view name) {
  return !name.empty() && name.size() <= max_charset_name &&
         std::ranges::all_of(name, [](char c) { return is_alnum(c) || std::string_view("-_.:+").contains(c); });
}

Converter open_converter(std::string_view charset) {
  if (!is_charset_name(charset)) return nullptr;
  UErrorCode status = U_ZERO_ERROR;
  Converter out(ucnv_open(std::string(charset).c_str(), &status));
  return U_SUCCESS(status) ? std::move(out) : nullptr;
}

/// Calls an ICU function that fills a buffer, with one as large as it asks for.
template <class Fill>
std::string filled(std::size_t guess, Fill fill) {
  std::string out(std::min<std::size_t>(guess, std::numeric_limits<std::int32_t>::max()), '\0');
  for (int attempt = 0; attempt < 2; ++attempt) {
    UErrorCode status = U_ZERO_ERROR;
    const auto size = fill(out.data(), static_cast<std::int32_t>(out.size()), &status);
    if (U_FAILURE(status) && status != U_BUFFER_OVERFLOW_ERROR) return {};
    const bool whole = static_cast<std::size_t>(size) <= out.size();
    out.resize(static_cast<std::size_t>(size));
    if (whole) break;
  }
  return out;
}

bool is_ascii(std::string_view octets) {
  return std::ranges::none_of(octets, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

}  // namespace

bool is_known_charset(std::string_view charset) {
  return open_converter(charset) != nullptr;
}

std::optional<std::string> to_utf8(std::string_view charset, std::string_view octets) {
  octets = octets.substr(0, max_converted);
  if ((iequals(charset, "utf-8") || iequals(charset, "us-ascii")) && is_utf8(octets)) return std::string(octets);
  const auto converter = open_converter(charset);
  if (!converter) return std::nullopt;
  return filled(octets.size() * 3 + 16, [&](char* out, std::int32_t room, UErrorCode* status) {
    ucnv_reset(converter.get());
    return ucnv_toAlgorithmic(UCNV_UTF8, converter.get(), out, room, octets.data(),
                              static_cast<std::int32_t>(octets.size()), status);
  });
}

std::string guess_utf8(std::string_view octets) {
  if (is_utf8(octets)) return std::string(octets);
  return to_utf8("windows-1252", octets).value_or(std::string());
}

std::string fold_case(std::string_view utf8) {
  if (is_ascii(utf8)) return to_lower(utf8);
  UErrorCode status = U_ZERO_ERROR;
  const CaseMap map(ucasemap_open("", U_FOLD_CASE_DEFAULT, &status));
  if (U_FAILURE(status)) return to_lower(utf8);
  utf8 = utf8.substr(0, max_converted);
  return filled(utf8.size() + utf8.size() / 2 + 16, [&](char* out, std::int32_t room, UErrorCode* error) {
    return ucasemap_utf8FoldCase(map.get(), out, room, utf8.data(), static_cast<std::int32_t>(utf8.size()), error);
  });
}

}  // namespace facteur::mime
