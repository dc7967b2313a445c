// What everything in `remote` shares.
#pragma once

#include <memory>

#include "common/dns/resolver.h"
#include "common/loop/loop.h"
#include "common/tls/context.h"
#include "config/settings.h"

namespace facteur::remote {

/// Lives as long as the process; passed by reference.
struct Environment {
  loop::Loop& loop;
  const config::Settings& settings;
  dns::Resolver& resolver;
  std::shared_ptr<const tls::Context> tls;
};

}  // namespace facteur::remote
