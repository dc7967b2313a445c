// The rules of smtpd: pure functions from facts to a decision record. They look nothing up and know no clock.
#pragma once

#include <string>

#include "smtpd/policy/decision.h"
#include "smtpd/policy/facts.h"

namespace facteur::smtpd {

/// Whether a client may begin a message. On submission only who has logged in (RFC 6409 section 4.3).
[[nodiscard]] Decision judge_sender(const ClientFacts& client);

/// Whether a recipient is taken. Mail to our domains is taken from anyone if the mailbox exists (RFC 5321 section 3.6
/// lets nobody else's mail in); mail to elsewhere from mynetworks and from who has logged in. Only the domain behind
/// the last '@' counts: nothing in a local part ('%', '!', a quoted '@') and no source route ever leads elsewhere.
/// `postmaster` is always taken (RFC 5321 section 4.5.1), and so is what an alias replaces. Action::look_up asks for
/// facts.mailbox.
[[nodiscard]] Decision judge_recipient(const RecipientFacts& facts, const Rules& rules);

/// Whether mail for this address ends here: no domain (a local name), one of `domains`, or an address of ours as a
/// literal (Postfix's resolve_local): that of this connection, or any other on which we take mail.
[[nodiscard]] bool is_ours(const address::Address& address, const net::Ip& local_ip, const Rules& rules);

}  // namespace facteur::smtpd
