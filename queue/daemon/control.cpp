#include "queue/daemon/control.h"

#include <algorithm>
#include <fmt/format.h>
#include <poll.h>
#include <ranges>
#include <sysexits.h>

#include "common/log/log.h"
#include "queue/daemon/listing.h"

namespace facteur::queue {
namespace {

constexpr int patience_ms = 10'000;             // with a caller who does not read
constexpr std::size_t text_octets = 32 * 1024;  // of one message to a caller
constexpr std::size_t shown_corrupt = 1000;     // files in the list

/// Where a message may lie but for the queue.
constexpr std::array<std::pair<Folder, Mark>, 2> set_aside_folders{
    {{Folder::hold, Mark::hold}, {Folder::corrupt, Mark::corrupt}}};

/// Sends to the caller; waits for it, so on the pool only. False when it is gone.
template <ipc::Message M>
bool send_to(const Fd& client, M message) {
  auto packet = ipc::encode(std::move(message));
  for (;;) {
    const auto sent = ipc::send_now(client.get(), packet);
    if (sent) return true;
    if (sent.error().kind != Kind::temporary) return false;
    pollfd waiting{client.get(), POLLOUT, 0};
    if (::poll(&waiting, 1, patience_ms) <= 0) return false;
  }
}

bool send_text(const Fd& client, std::string_view text) {
  while (!text.empty()) {
    const auto piece = text.substr(0, text_octets);
    if (!send_to(client, master::ControlText{std::string(piece)})) return false;
    text.remove_prefix(piece.size());
  }
  return true;
}

/// Lists a folder piece by piece: a million messages take no more memory than their names.
bool list_folder(Spool& spool, Folder folder, const std::unordered_set<std::string>& active, const Fd& client,
                 std::uint64_t& octets, std::uint64_t& messages) {
  std::size_t strangers = 0;
  auto queue_ids = spool.list(folder, strangers);
  if (!queue_ids) return true;
  std::ranges::sort(*queue_ids);
  std::string text;
  for (const auto& queue_id : *queue_ids) {
    const auto loaded = spool.load(folder, queue_id, false);
    if (!loaded || loaded->message.pending() == 0) continue;  // a slot, or done with
    const Mark mark = folder == Folder::hold ? Mark::hold : active.contains(queue_id) ? Mark::active : Mark::none;
    if (messages++ == 0) text += list_head();
    octets += loaded->message.size();
    text += list_entry(queue_id, loaded->message, mark);
    if (text.size() > text_octets) {
      if (!send_text(client, text)) return false;
      text.clear();
    }
  }
  return send_text(client, text);
}

/// What was set aside: messages over which the queue broke, files that are no messages.
bool list_corrupt(Spool& spool, const Fd& client, std::uint64_t messages, std::uint64_t& corrupt) {
  const auto files = spool.list_corrupt();
  if (!files || files->empty()) return true;
  corrupt = files->size();
  std::string text(messages == 0 ? list_head() : std::string_view());
  for (const auto& file : *files | std::views::take(shown_corrupt)) {
    const auto loaded = is_queue_id(file.name) ? spool.load(Folder::corrupt, file.name, false)
                                               : fail(Kind::corrupt, "refused by smtpd: the log says why");
    text += loaded ? list_entry(file.name, loaded->message, Mark::corrupt)
                   : corrupt_entry(file.name, file.size, file.changed, loaded.error().text);
    if (text.size() > text_octets) {
      if (!send_text(client, text)) return false;
      text.clear();
    }
  }
  if (corrupt > shown_corrupt) text += fmt::format("and {} more\n", corrupt - shown_corrupt);
  return send_text(client, text);
}

}  // namespace

const std::array<Control::Verb, 6> Control::verbs{{
    {"queue list", true, &Control::list},
    {"queue show", false, &Control::show},
    {"queue flush", false, &Control::flush},
    {"queue delete", false, &Control::remove},
    {"queue hold", false, &Control::hold},
    {"queue release", false, &Control::release},
}};

Control::Control(loop::Loop& loop, std::shared_ptr<Spool> spool, Core& core, RemoteDelivery& remote)
    : spool_(std::move(spool)), core_(core), remote_(remote), pool_(loop) {
}

void Control::take(master::ControlCaller request) {
  const auto caller = std::make_shared<master::ControlCaller>(std::move(request));
  const auto refuse = [&](int code, std::string why) {
    pool_.run([caller, code, why = std::move(why)] { return send_to(caller->client, master::ControlDone{code, why}); },
              [](bool) {});
  };
  const auto verb = std::ranges::find(verbs, caller->verb, &Verb::name);
  if (verb == verbs.end()) return refuse(EX_USAGE, "there is no request \"" + caller->verb + "\"");
  // master has looked already; a door that is open twice needs two locks.
  if (!verb->for_all && !caller->privileged) return refuse(EX_NOPERM, "not permitted");
  core_.when_scanned([this, handle = verb->handle, caller] { (this->*handle)(caller); });
}

void Control::list(const Caller& caller) {
  pool_.run(
      [spool = spool_, caller, active = core_.active_ids()] {
        std::uint64_t octets = 0;
        std::uint64_t messages = 0;
        std::uint64_t corrupt = 0;
        return list_folder(*spool, Folder::queue, active, caller->client, octets, messages) &&
               list_folder(*spool, Folder::hold, active, caller->client, octets, messages) &&
               list_corrupt(*spool, caller->client, messages, corrupt) &&
               send_text(caller->client, list_foot(octets, messages, corrupt)) &&
               send_to(caller->client, master::ControlDone{});
      },
      [](bool) {});
}

void Control::show(const Caller& caller) {
  pool_.run(
      [spool = spool_, caller, active = core_.active_ids()] {
        for (const auto& queue_id : caller->arguments) {
          const bool known = is_queue_id(queue_id);
          auto loaded = known ? spool->load(Folder::queue, queue_id, false) : fail(Kind::permanent, "");
          Mark mark = active.contains(queue_id) ? Mark::active : Mark::none;
          for (const auto& [folder, folder_mark] : set_aside_folders) {
            if (!known || loaded) break;
            loaded = spool->load(folder, queue_id, false);
            mark = folder_mark;
          }
          if (!loaded)
            return send_to(caller->client, master::ControlDone{EX_UNAVAILABLE, "there is no message " + queue_id});
          if (!send_text(caller->client, describe_message(queue_id, loaded->message, mark)) ||
              !send_to(caller->client, master::ControlFile{std::move(loaded->file)})) {
            return false;
          }
        }
        return send_to(caller->client, master::ControlDone{});
      },
      [](bool) {});
}

void Control::flush(const Caller& caller) {
  remote_.revive();
  if (caller->arguments.empty()) {
    core_.flush();
    log::info("all messages are tried now (uid {})", caller->uid);
    pool_.run([caller] { return send_to(caller->client, master::ControlDone{}); }, [](bool) {});
    return;
  }
  for_each(caller, Folder::queue, [this](const std::string& queue_id) { return core_.flush(queue_id); });
}

void Control::remove(const Caller& caller) {
  for_each(caller, Folder::queue, [this, caller](const std::string& queue_id) {
    if (core_.wish(queue_id, Wish::remove)) {
      log::info("{}: deleted by uid {}", queue_id, caller->uid);
      return true;
    }
    return false;
  });
}

void Control::hold(const Caller& caller) {
  for_each(caller, Folder::queue, [this](const std::string& queue_id) { return core_.wish(queue_id, Wish::hold); });
}

void Control::release(const Caller& caller) {
  for_each(caller, Folder::hold, [this](const std::string& queue_id) {
    pool_.run([spool = spool_, queue_id] { return spool->move(queue_id, Folder::hold, Folder::queue); },
              [this, queue_id](const Result<>& moved) {
                if (!moved) return log::warning("{}: {}", queue_id, moved.error().text);
                log::info("{}: released from hold", queue_id);
                core_.enqueue(queue_id);
              });
    return true;
  });
}

void Control::for_each(const Caller& caller, Folder folder, std::function<bool(const std::string&)> act) {
  pool_.run(
      [spool = spool_, caller, folder]() -> Result<std::vector<std::string>> {
        const bool all = std::ranges::find(caller->arguments, "ALL") != caller->arguments.end();
        std::size_t strangers = 0;
        if (all) return spool->list(folder, strangers);
        return caller->arguments;
      },
      [this, caller, folder, act = std::move(act)](const Result<std::vector<std::string>>& queue_ids) {
        std::string unknown;
        for (const auto& queue_id : queue_ids.value_or(std::vector<std::string>())) {
          if (!is_queue_id(queue_id) || !act(queue_id)) unknown = queue_id;
        }
        const bool by_name = std::ranges::find(caller->arguments, "ALL") == caller->arguments.end();
        master::ControlDone done;
        if (by_name && !unknown.empty()) done = {EX_UNAVAILABLE, "there is no message " + unknown};
        if (by_name && caller->arguments.empty()) done = {EX_USAGE, "no message is named"};
        pool_.run([caller, done] { return send_to(caller->client, done); }, [](bool) {});
      });
}

}  // namespace facteur::queue
