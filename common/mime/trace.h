// The fields that a mail system puts on top of a message, and what it reads of them to find loops (RFC 5321 section 4.4
// and 6.3). What strangers said comes in with its odd octets replaced: no field of ours can end where they want.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/address/address.h"
#include "common/base/time.h"

namespace facteur::mime {

/// How a message came to us.
struct Reception {
  std::string helo;            ///< the argument of HELO or EHLO
  std::string client_name;     ///< from DNS and verified; empty if unknown
  std::string client_address;  ///< "192.0.2.1" or "2001:db8::1"; empty for a message from this machine's own users
  std::string login;           ///< for those: who handed it in
  std::string protocol;        ///< "ESMTPS" and so on (RFC 3848)
  std::string tls;             ///< "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384", or empty
  std::string host;            ///< our name
  std::string queue_id;
  std::string recipient;  ///< "user@domain" when there is only one (RFC 5321 section 7.6), or empty
  WallTime time;
};
[[nodiscard]] std::string received_field(const Reception& reception);

/// Each with its line end. `path` is what stands between the angle brackets, empty for the null path.
[[nodiscard]] std::string return_path_field(std::string_view path);
[[nodiscard]] std::string delivered_to_field(const address::Address& recipient);
[[nodiscard]] std::string original_to_field(std::string_view recipient);
/// What submission adds to a message without them (RFC 6409 section 8). `unique` has only letters, digits and dots.
[[nodiscard]] std::string date_field(WallTime time);
[[nodiscard]] std::string message_id_field(std::string_view unique, std::string_view host);

/// Received fields of a header: above a limit the message goes in circles (RFC 5321 section 6.3).
[[nodiscard]] std::size_t count_received(std::string_view header);
/// True if the message was delivered to this address before.
[[nodiscard]] bool was_delivered_to(std::string_view header, const address::Address& recipient);

}  // namespace facteur::mime
