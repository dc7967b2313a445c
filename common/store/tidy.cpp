#include "common/store/tidy.h"

#include "common/store/index/index.h"
#include "common/store/maildir/core.h"

namespace facteur::store {

void tidy(Seconds unused) {
  MaildirCore::keep_all_records();
  close_unused_indexes(unused);
}

}  // namespace facteur::store
