// Which kind of mailbox a place is.

#include "delivery/local/destination.h"

#include "delivery/local/maildir_destination.h"

namespace facteur::local {

std::unique_ptr<Destination> make_destination(const process::MailPlace& place, const config::Settings& settings) {
  return std::make_unique<MaildirDestination>(place.path, settings.hostname);
}

}  // namespace facteur::local
