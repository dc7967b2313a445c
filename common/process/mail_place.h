// Where an account has its mail and its index: what mail_location and index_location say for it.
#pragma once

#include <string>
#include <string_view>

#include "auth/doors.h"
#include "common/base/result.h"
#include "config/settings.h"

namespace facteur::process {

/// A path of the settings for one account: %u is its login (of a user of the system the local part), %n and %d what
/// stands before and behind the '@' of its name, %h and a leading '~' its home, %% a percent sign. Its names must be
/// canonical (auth/user_name.h), so that none of them leads elsewhere.
[[nodiscard]] std::string expand_path(std::string_view path, const auth::Account& account);
/// The same of a mail_location, behind its "maildir:" or "mbox:".
[[nodiscard]] std::string expand_mail(std::string_view location, const auth::Account& account);

/// Account::mail taken apart.
struct MailPlace {
  enum class Kind : unsigned char { maildir, mbox };
  Kind kind = Kind::maildir;
  std::string path;  ///< the folder of the Maildir, or the file of the inbox
};
/// Kind::permanent for a location that is neither maildir: nor mbox: with an absolute path without "..".
[[nodiscard]] Result<MailPlace> mail_place(const auth::Account& account);

/// Where index_location puts the index of an account.
struct IndexPlace {
  std::string path;  ///< empty: beside the mail
  std::string root;  ///< the folder below which all accounts have theirs; empty: it lies in the home
};
[[nodiscard]] IndexPlace index_place(const auth::Account& account, const config::Settings& settings);
/// IndexPlace::root of these settings.
[[nodiscard]] std::string index_root(const config::Settings& settings);

/// The folder in which `path` lies.
[[nodiscard]] std::string parent_of(const std::string& path);

}  // namespace facteur::process
