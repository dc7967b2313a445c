// Unique ids of messages for UIDL (RFC 1939 section 7), made of UIDVALIDITY and UID by a pattern, so that a move from
// another server lets its clients keep what they have.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace facteur::pop3d {

/// A pattern in Dovecot's spelling (pop3_uidl_format): "%v" is UIDVALIDITY, "%u" the UID, "%08Xv" as eight hexadecimal
/// digits; all else is taken as it stands.
class UidlFormat {
 public:
  /// UIDVALIDITY and UID in hexadecimal, as UW ipop3d had it.
  UidlFormat();
  /// Kind::permanent if the pattern has no UID in it, an unknown %, an octet that an id may not have, or could give
  /// more than 70 octets.
  [[nodiscard]] static Result<UidlFormat> parse(std::string_view pattern);

  void append(std::string& out, std::uint32_t uid_validity, std::uint32_t uid) const;

 private:
  struct Piece {
    enum class What : std::uint8_t { text, uid_validity, uid } what = What::text;
    std::string text;    ///< of What::text
    unsigned width = 0;  ///< padded with zeros to so many digits
    bool hexadecimal = false;
  };
  [[nodiscard]] std::size_t longest() const;

  std::vector<Piece> pieces_;
};

}  // namespace facteur::pop3d
